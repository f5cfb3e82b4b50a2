"""What progress does by itself: warn of deadlines that near, and follow the last beat of a session."""

from datetime import timedelta
from functools import partial

from services.progress.domain.attendance import closing_id
from services.progress.domain.beats import Barrier, pack_barrier
from services.progress.handlers.records import warn_before_deadlines
from services.progress.store import CLOSINGS, ProgressWork, near_deadlines
from shared.bus.port import Bus, Raw
from shared.events.fact import ATTENDANCE
from shared.kernel.clock import Clock, local_date
from shared.store.port import Merge, Store
from shared.store.works import Works

_SLICE = 100


async def warn_of_risks(works: Works[ProgressWork], clock: Clock, region: str, days: int) -> None:
    """State which phases are at risk, for every record with a deadline within so many days."""
    now = clock.now()
    # A host in another time zone may be a day ahead or behind; the record decides by its own.
    today = local_date(now, region)
    near = [today + timedelta(days=ahead) for ahead in range(-1, days + 1)]
    after = ""
    while found := await near_deadlines(works.open(), near, after, _SLICE):
        await works.run(partial(warn_before_deadlines, found, days, now))
        after = found[-1]


async def close_with_barrier(store: Store, bus: Bus, session_id: str, number: int) -> None:
    """Follow all that was sent of a session with a barrier in every partition; `is_closed` tells when all were seen.

    Whoever calls has waited until no beat can come any more: the tickets have expired, and whatever an
    edge still had in hand was acknowledged or given up. It may be done again at any time.
    """
    partitions = await bus.partitions(ATTENDANCE)
    whose = {"session_id": session_id, "number": number}
    closing = Merge(closing_id(session_id, number), whose, most={"of": partitions})
    await store.merge(CLOSINGS, [closing])
    barriers = [Barrier(session_id, number, partition) for partition in range(partitions)]
    key = session_id.encode()
    await bus.append(
        ATTENDANCE, [Raw(each.partition, key, pack_barrier(each)) for each in barriers]
    )
