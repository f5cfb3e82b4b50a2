"""Programmes: written, then published for good."""

from datetime import datetime

from services.enrolment.domain.programme import Programme, ProgrammeDraft
from services.enrolment.ports import Rooms


async def write_programme(key: str, draft: ProgrammeDraft, owner: str, work: Rooms) -> Programme:
    """Write a draft; a new programme is its owner's, an agency's or "": the node's."""
    programme = (await work.programmes.of(key)).write(draft, owner)
    work.programmes.keep(programme)
    return programme


async def publish_programme(key: str, now: datetime, work: Rooms) -> Programme:
    """Publish a version, so that cohorts can teach it."""
    programme = (await work.programmes.get(key)).publish(now)
    work.programmes.keep(programme)
    return programme
