"""Background work goes on, whatever one part of it meets."""

import pytest

from shared.kernel.errors import Conflict, Unavailable
from shared.kernel.tasks import each, until_done


async def test_one_that_fails_keeps_no_other_from_its_turn() -> None:
    """Failures are told together, once all had their turn."""
    done: list[int] = []

    async def job(item: int) -> None:
        if item == 1:
            raise Conflict("busy", "not now")
        done.append(item)

    with pytest.raises(ExceptionGroup) as told:
        await each([0, 1, 2], job)

    assert [0, 2] == done
    assert [Conflict("busy", "not now")] == list(told.value.exceptions)


async def test_a_store_that_is_away_is_waited_for() -> None:
    """What comes after it would only meet the same."""
    done: list[int] = []

    async def job(item: int) -> None:
        done.append(item)
        raise Unavailable

    with pytest.raises(Unavailable):
        await each([0, 1], job)

    assert [0] == done


async def test_what_failed_is_done_again_until_it_went_well() -> None:
    """Whatever the failure was; and then no more."""
    failures: list[Exception] = [Unavailable("away"), ZeroDivisionError()]
    done: list[int] = []

    async def job() -> None:
        if failures:
            raise failures.pop()
        done.append(1)

    await until_done(0, job)

    assert [1] == done
