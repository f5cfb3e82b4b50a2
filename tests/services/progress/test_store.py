"""Views of what is kept, where the HTTP door does not show it all."""

from functools import partial

import pytest

from services.progress.api.sheets import MOST_ROWS, refuse_more
from services.progress.domain.intake import take
from services.progress.handlers.passports import link_numbers
from services.progress.store import RECORDS, passports_of
from services.progress.store.auditing import audit_rows
from shared.bus.memory import MemoryBus
from shared.kernel.errors import TooLarge
from shared.store.memory import MemoryStore
from tests.support.progress import ORGANISER, SITI, day, linked, record, whole_story, works_on


def test_a_record_is_kept_as_it_is() -> None:
    """What is loaded again equals what was kept, evidence and times included."""
    full = take(record(), whole_story(), ORGANISER, day(99))[0]
    document = {"_id": full.id, **RECORDS.dump(full)}

    assert full == RECORDS.load(document)


async def test_links_in_a_circle_are_followed_once() -> None:
    """However persons were linked, each id is read once, the one asked for first."""
    works = works_on(MemoryStore(), MemoryBus())
    for one, other in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "c")):
        await works.run(partial(link_numbers, linked(one, other)))
    found = await passports_of(works.open(), ["b", SITI])

    assert ["b", "a", "c", "d"] == [passport.id for passport in found["b"]]
    assert [SITI] == [passport.id for passport in found[SITI]]


async def test_an_audit_page_that_passports_fill_tells_no_records() -> None:
    """The next page goes on after the last passport."""
    works = works_on(MemoryStore(), MemoryBus())
    for one in ("a", "b"):
        await works.run(partial(link_numbers, linked(one, "c")))
    first = await audit_rows(works, "", 1)
    second = await audit_rows(works, "passport/a", 1)

    assert [["passport/a"], ["passport/b"]] == [
        [row["id"] for row in page] for page in (first, second)
    ]


def test_a_workbook_takes_only_so_many_rows() -> None:
    """More are for the paged list."""
    refuse_more(MOST_ROWS)

    with pytest.raises(TooLarge):
        refuse_more(MOST_ROWS + 1)
