"""Two real provinces play a cohort together, on Apache Kafka and MirrorMaker 2."""

import pytest

from deploy.embedded.settings import NodeSettings
from deploy.federation.demo import run
from tests.support.real import RealParts


@pytest.mark.real
@pytest.mark.journey
@pytest.mark.slow
def test_a_guest_s_record_is_the_same_at_home_as_at_the_host(real_parts: RealParts) -> None:
    """From the agreement to the certificate: same records, clean books, nobody leaked, no echoes."""
    if real_parts.name != "apache":
        pytest.skip("two provinces need Apache Kafka and MirrorMaker 2: run with --parts apache")

    told = run(NodeSettings.read(), lambda _: None, own=3, guests=2)

    assert told["failed"] == []
    assert (told["guest_records_equal"], told["leaked_learners"], told["echoes"]) == (True, 0, 0)
    assert [each["certified"] for each in told["nodes"].values()] == [5, 2]
