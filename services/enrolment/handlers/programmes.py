"""Programmes: written, then published for good."""

from datetime import datetime

from services.enrolment.domain.programme import Programme, ProgrammeDraft, guard_owner
from services.enrolment.ports import Rooms


async def write_programme(
    key: str, draft: ProgrammeDraft, agency: str | None, work: Rooms
) -> Programme:
    """Write a draft, of an agency's own organiser or (None) of the node's."""
    programme = await work.programmes.of(key)
    if programme.status:
        guard_owner(programme.owner, agency)
    programme = programme.write(draft, agency or "")
    work.programmes.keep(programme)
    return programme


async def publish_programme(key: str, agency: str | None, now: datetime, work: Rooms) -> Programme:
    """Publish a version, so that cohorts can teach it."""
    programme = await work.programmes.get(key)
    guard_owner(programme.owner, agency)
    programme = programme.publish(now)
    work.programmes.keep(programme)
    return programme
