"""Whose documents a person sees, and whose they change."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from shared.kernel.errors import Forbidden
from shared.store.kind import Kind, ScopeFields
from shared.store.memory import MemoryStore
from shared.store.relay import Relay
from shared.store.scope import EVERYTHING, Scope
from shared.store.work import Frame, UnitOfWork
from shared.store.works import Works
from tests.shared.store.conftest import Outgoing

BLITAR, MALANG = "35.72", "35.73"
HOST = Scope(host=BLITAR, reads=BLITAR)
NOMINATOR = Scope(agency=BLITAR)
BOTH = Scope(agency=BLITAR, host=BLITAR, reads=BLITAR)


@dataclass(frozen=True)
class Course:
    """Something that an agency teaches, or somebody of an agency in it."""

    id: str
    owner: str = ""
    agency: str = ""
    title: str = ""


SHOWN = Kind("courses", Course, scope=ScopeFields(host="owner", shown=True))
TAUGHT = Kind("taught", Course, scope=ScopeFields(agency="agency", host="owner"))
STAFF = Kind("staff", Course, scope=ScopeFields(agency="agency"))
OWN = {"owner": BLITAR, "agency": MALANG}
"""Somebody of another agency in a cohort of its own."""
NODES = Course("node", title="the node's")
ABROAD = {"owner": "", "agency": BLITAR}
"""One of its people in the node's cohort."""


@pytest.mark.parametrize(
    ("scope", "kind", "document", "expected"),
    [
        (HOST, SHOWN, OWN, (True, True)),
        (HOST, SHOWN, {"owner": ""}, (True, False)),
        (HOST, SHOWN, {"owner": MALANG}, (True, False)),
        (Scope(), SHOWN, OWN, (True, False)),
        (NOMINATOR, SHOWN, OWN, (True, False)),
        (HOST, TAUGHT, OWN, (True, True)),
        (HOST, TAUGHT, ABROAD, (True, False)),
        (HOST, TAUGHT, {"owner": "", "agency": MALANG}, (False, False)),
        (HOST, TAUGHT, {"owner": "", "agency": ""}, (False, False)),
        (HOST, STAFF, {"agency": BLITAR}, (True, True)),
        (HOST, STAFF, {"agency": MALANG}, (False, False)),
        (NOMINATOR, TAUGHT, OWN, (False, False)),
        (NOMINATOR, TAUGHT, ABROAD, (True, True)),
        (BOTH, TAUGHT, OWN, (True, True)),
        (BOTH, TAUGHT, ABROAD, (True, True)),
        (EVERYTHING, TAUGHT, OWN, (True, True)),
        (Scope(), Kind("free", Course, scope=None), OWN, (True, True)),
    ],
)
def test_an_agency_sees_its_people_and_changes_what_it_hosts(
    scope: Scope, kind: Kind[Any], document: dict[str, str], expected: tuple[bool, bool]
) -> None:
    """Its organiser sees its people wherever they learn, and changes only what it teaches itself."""
    seen, changed = scope.sees(kind, document), scope.changes(kind, document)

    assert expected == (seen, changed)


async def test_what_is_shown_is_changed_by_its_owner_only() -> None:
    """Neither the node's nor another's is taken over, and nothing is made in another's name."""
    store = MemoryStore()
    relay = Relay(store, [SHOWN], Outgoing().publish)
    works = Works(UnitOfWork, Frame(store, "/corpu/35/courses"), relay)

    async def write(course: Course, work: UnitOfWork) -> None:
        await work.room(SHOWN).of(course.id)
        work.room(SHOWN).keep(course)

    await works.run(lambda work: write(NODES, work))
    await works.run(lambda work: write(Course("own", BLITAR), work), HOST)
    await works.run(lambda work: write(Course("own", BLITAR, title="again"), work), HOST)
    for course in (
        Course("node", title="x"),
        Course("node", BLITAR),
        Course("new", MALANG),
        Course("own", MALANG),
    ):
        with pytest.raises(Forbidden):
            await works.run(partial(write, course), HOST)

    assert [NODES, Course("own", BLITAR, title="again")] == await works.open(HOST).room(SHOWN).find(
        {}
    )
