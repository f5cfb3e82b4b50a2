"""A delivery on a store that fails when told to."""

import pytest

from shared.bus.delivery import Delivery
from shared.store.relay import Relay
from shared.store.work import Frame
from shared.store.works import Works
from tests.shared.store.conftest import Outgoing
from tests.support.boxes import KINDS, SOURCE, BoxWork
from tests.support.deliveries import FailingStore, subscription


@pytest.fixture
def store() -> FailingStore:
    """Give a store that fails when told to."""
    return FailingStore()


@pytest.fixture
def outgoing() -> Outgoing:
    """Give a broker."""
    return Outgoing()


@pytest.fixture
def works(store: FailingStore, outgoing: Outgoing) -> Works[BoxWork]:
    """Give works over both."""
    return Works(BoxWork, Frame(store, SOURCE), Relay(store, KINDS, outgoing.publish))


@pytest.fixture
def delivery(works: Works[BoxWork]) -> Delivery[BoxWork]:
    """Give the delivery to a subscription."""
    return Delivery(subscription("boxes.note-who-left"), works)
