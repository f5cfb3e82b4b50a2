"""A city within its province's node: its own programmes and cohorts are its organiser's, and no others."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.support.enrolment import (
    BLITAR,
    COURSE,
    DATES,
    MALANG,
    SESSIONS,
    Served,
    changed,
    cohort_body,
    row,
    served,
)

CITY, OTHER = {"agency": BLITAR}, {"agency": MALANG}


@pytest_asyncio.fixture
async def node(tmp_path: Path) -> AsyncIterator[Served]:
    """Serve a node on which the province teaches DUA, and the city BLI."""
    async with served(tmp_path) as node:
        for path, claims in (("/programmes/DUA/1", {}), ("/programmes/BLI/1", CITY)):
            await node.ask("PUT", path, claims=claims, json=COURSE)
            await node.ask("POST", f"{path}/publication", claims=claims)
        yield node


def _cohort(code: str, **changes: object) -> dict[str, object]:
    return cohort_body(programme={"code": code, "version": 1}, **changes)


async def test_what_a_city_writes_is_its_own(node: Served) -> None:
    """Its organiser and the node's change it; another city's and its own nominator do not."""
    changes = changed(COURSE, title="Lain")
    await node.ask("PUT", "/programmes/BLI/2", claims=CITY, json=COURSE)
    answers = [
        await node.ask("PUT", "/programmes/BLI/2", claims=CITY, json=changes),
        await node.ask("PUT", "/programmes/BLI/2", json=COURSE),
        await node.ask("PUT", "/programmes/BLI/2", claims=OTHER, json=changes),
        await node.ask("PUT", "/programmes/BLI/2", "nominator", claims=CITY, json=changes),
        await node.ask("PUT", "/programmes/DUA/1", claims=CITY, json=COURSE),
        await node.ask("POST", "/programmes/BLI/2/publication", claims=OTHER),
        await node.ask("GET", "/programmes/BLI/2", claims=OTHER),
    ]

    assert [200, 200, 403, 403, 403, 403, 200] == [each.status_code for each in answers]
    assert (BLITAR, COURSE["title"]) == (
        answers[-1].json()["owner"],
        answers[-1].json()["title"],
    )


async def test_a_city_opens_cohorts_of_its_own_programmes(node: Served) -> None:
    """The province's it may plan, and not open; the province itself opens both."""
    await node.ask("PUT", "/cohorts/own", claims=CITY, json=_cohort("BLI"))
    await node.ask("PUT", "/cohorts/borrowed", claims=CITY, json=_cohort("DUA"))
    await node.ask("PUT", "/cohorts/province", json=_cohort("BLI"))
    answers = [
        await node.ask("POST", "/cohorts/borrowed/opening", claims=CITY),
        await node.ask("POST", "/cohorts/own/opening", claims=OTHER),
        await node.ask("POST", "/cohorts/own/opening", claims=CITY),
        await node.ask("POST", "/cohorts/province/opening", claims=CITY),
        await node.ask("POST", "/cohorts/province/opening"),
    ]

    assert [409, 403, 200, 403, 200] == [each.status_code for each in answers]


async def test_a_citys_cohort_is_its_organisers_to_run(node: Served) -> None:
    """Dates, line, lists, withdrawal and offer; another city's organiser reaches nothing of it."""
    await node.ask("PUT", "/cohorts/own", claims=CITY, json=_cohort("BLI"))
    await node.ask("POST", "/cohorts/own/opening", claims=CITY)
    sent = {"agency": MALANG, "rows": [row(1)]}
    roster = (
        await node.ask("POST", "/cohorts/own/rosters", "nominator", claims=OTHER, json=sent)
    ).json()
    letter = {"letter_number": "800/1", "letter_date": "2024-07-01"}
    path = f"/rosters/{roster['id']}"
    judged = await node.ask("POST", f"{path}/endorsement", "endorser", claims=OTHER, json=letter)
    await node.settled()
    enrolment = f"/enrolments/{judged.json()['rows'][0]['enrolment_id']}"
    dates = {"calendar": DATES, "sessions": {**SESSIONS, "extra": ["day-9"]}}
    third = {"agency": "35.78"}
    reads = [
        (await node.ask("GET", where, claims=claims)).status_code
        for where in (path, enrolment)
        for claims in (CITY, third, {})
    ]
    leaving = {"reason": "mutasi", "on": "2024-07-19"}
    writes = [
        await node.ask("PUT", "/cohorts/own/calendar", claims=OTHER, json=dates),
        await node.ask("PUT", "/cohorts/own/calendar", claims=CITY, json=dates),
        await node.ask("POST", f"{enrolment}/withdrawal", claims=third, json=leaving),
        await node.ask("POST", f"{enrolment}/withdrawal", claims=OTHER, json=leaving),
        await node.ask("POST", f"{enrolment}/withdrawal", claims=CITY, json=leaving),
        await node.ask("POST", "/cohorts/own/offer", claims=OTHER, json={"nominations_until": "2024-08-01"}),
        await node.ask("POST", "/cohorts/own/offer", claims=CITY, json={"nominations_until": "2024-08-01"}),
        await node.ask("POST", "/cohorts/own/line/closing", claims=third),
        await node.ask("POST", "/cohorts/own/line/closing", claims=CITY),
    ]  # fmt: skip

    assert [200, 404, 200, 200, 404, 200] == reads
    assert [403, 200, 404, 403, 200, 403, 200, 403, 200] == [each.status_code for each in writes]
    assert "withdrawn" == writes[4].json()["status"]
