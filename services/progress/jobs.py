"""What progress does by itself, now and then: warn of deadlines that near."""

from datetime import timedelta
from functools import partial

from services.progress.handlers.records import warn_before_deadlines
from services.progress.store import ProgressWork, near_deadlines
from shared.kernel.clock import Clock, local_date
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
