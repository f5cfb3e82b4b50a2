"""Every durable operation passes a fault point."""

from deploy.faults.doors import all_points, all_unguarded, points, unguarded

GUARDED = """
async def write(self):
    with away(), durable("store.write"):
        await self.room.bulk_write([])
"""
BARE = """
async def write(self):
    await self.room.bulk_write([])
"""
IN_A_NESTED_FUNCTION = """
async def write(self):
    with durable("store.write"):
        async def later():
            await self.room.insert_one({})
"""


def test_every_durable_operation_of_every_door_is_guarded() -> None:
    """No door performs a durable operation outside a fault point."""
    assert all_unguarded() == []


def test_the_doors_have_points_for_every_kind_of_operation() -> None:
    """Store write, produce, outbox clear and offset commit each have their point."""
    assert {"store.write", "store.clear", "bus.produce", "bus.commit"} <= set(all_points())


def test_a_guarded_operation_is_accepted_and_its_point_is_named() -> None:
    """An operation inside `durable` is guarded."""
    assert unguarded(GUARDED) == []
    assert points(GUARDED) == {"store.write"}


def test_a_bare_operation_is_found() -> None:
    """An operation outside `durable` is named with its line."""
    assert unguarded(BARE) == [(3, "bulk_write")]


def test_an_operation_in_a_nested_function_is_not_guarded_by_its_surroundings() -> None:
    """A nested function runs later, outside the point."""
    assert unguarded(IN_A_NESTED_FUNCTION) == [(5, "insert_one")]
