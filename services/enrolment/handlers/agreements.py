"""Agreements with other nodes: recorded, and ended."""

from datetime import date, datetime

from services.enrolment.domain.agreements import Agreed, Agreement
from services.enrolment.ports import Rooms


async def record_agreement(
    key: str, agreed: Agreed, node: str, now: datetime, work: Rooms
) -> Agreement:
    """Record what this node has agreed with others, or what was agreed since to change in it."""
    agreement = (await work.agreements.of(key)).record(agreed, node, now)
    work.agreements.keep(agreement)
    return agreement


async def terminate_agreement(key: str, on: date, reason: str, work: Rooms) -> Agreement:
    """End an agreement, so that nobody is nominated by it from that day on."""
    agreement = (await work.agreements.get(key)).terminate(on, reason)
    work.agreements.keep(agreement)
    return agreement
