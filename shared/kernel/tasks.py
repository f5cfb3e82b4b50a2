"""The only home of background tasks: started together, watched, and ended together."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from shared.kernel.errors import Unavailable

_log = logging.getLogger(__name__)
T = TypeVar("T")


def start(job: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Start one named task; the caller keeps it and ends it."""
    task = asyncio.create_task(job, name=name)
    task.add_done_callback(_tell)
    return task


def _tell(task: asyncio.Task[None]) -> None:
    """Log at once what ended a task that nobody awaits yet."""
    if not task.cancelled() and (failure := task.exception()):
        _log.error("task %s ended", task.get_name(), exc_info=failure)


async def end(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks and wait until they are gone; what they raised on the way out is logged."""
    for task in tasks:
        task.cancel()
    for task in tasks:
        try:
            await task
        except asyncio.CancelledError:
            continue
        except Exception:  # noqa: BLE001, S112 - logged when it happened
            continue


@asynccontextmanager
async def running(*jobs: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run jobs in the background for as long as the block lasts."""
    tasks = [start(job, getattr(job, "__qualname__", "job")) for job in jobs]
    try:
        yield
    finally:
        await end(*tasks)


async def every(seconds: float, job: Callable[[], Awaitable[object]]) -> None:
    """Do a job now and then each `seconds` after it ended; a store or broker away is waited for."""
    while True:
        await _attempt(job)
        await asyncio.sleep(seconds)


async def _attempt(job: Callable[[], Awaitable[object]]) -> bool:
    """Do a job, and tell whether it went well; what failed is logged."""
    try:
        await job()
    except Unavailable as away:
        _log.warning("waiting: %s", away)
    except Exception:  # noqa: BLE001
        # A periodic job is the last net under crashes; a defect in one round must not end it.
        _log.exception("a periodic job failed and is tried again")
    else:
        return True
    return False


async def until_done(seconds: float, job: Callable[[], Awaitable[object]]) -> None:
    """Do a job once, and again each `seconds` after it failed."""
    while not await _attempt(job):
        await asyncio.sleep(seconds)


async def each(items: Iterable[T], job: Callable[[T], Awaitable[object]]) -> None:
    """Do a job for every item; whatever fails is raised together, once all had their turn."""
    failures: list[Exception] = []
    for item in items:
        try:
            await job(item)
        except Unavailable:
            raise
        except Exception as failure:  # noqa: BLE001
            # What can never be finished must not keep from finishing what comes after it.
            failures.append(failure)
    if failures:
        raise ExceptionGroup("some could not be done", failures)
