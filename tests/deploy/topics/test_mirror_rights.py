"""MirrorMaker 2 between two secured clusters works with the rights that the file gives it, and with no more."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.embedded.settings import NodeSettings
from deploy.engines.installing import engine
from deploy.engines.mirror import mirror
from deploy.federation.mirrors import properties
from deploy.topics.declared import declared
from deploy.topics.secured import Secured
from tests.support.parts import Process, standing
from tests.support.secured import secured_broker

pytestmark = [pytest.mark.real, pytest.mark.slow]
JATIM, KALTENG = "35", "62"
_PATIENCE = 180.0


@pytest.fixture(scope="module")
def jatim(installed: NodeSettings) -> Iterator[Secured]:
    """Give East Java's broker, which Central Kalimantan's mirror may read."""
    with secured_broker(installed, declared(JATIM, [KALTENG], replication=1)) as broker:
        yield broker


@pytest.fixture(scope="module")
def kalteng(installed: NodeSettings) -> Iterator[Secured]:
    """Give Central Kalimantan's broker, where its own mirror writes."""
    with secured_broker(installed, declared(KALTENG, [JATIM], replication=1)) as broker:
        yield broker


def _entrance(alias: str, broker: Secured, user: str) -> dict[str, str]:
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required"
    return {
        f"{alias}.bootstrap.servers": broker.bootstrap,
        f"{alias}.security.protocol": "SASL_SSL",
        f"{alias}.sasl.mechanism": "SCRAM-SHA-512",
        f"{alias}.sasl.jaas.config": (
            f'{login} username="{user}" password="{broker.passwords[user]}";'
        ),
        f"{alias}.ssl.truststore.type": "PEM",
        f"{alias}.ssl.truststore.location": str(broker.authority.file),
    }


async def _at_once(host: str, port: int) -> bool:
    del host, port
    return True


@contextmanager
def _mirroring(
    settings: NodeSettings, folder: Path, jatim: Secured, kalteng: Secured
) -> Iterator[None]:
    """Run Central Kalimantan's mirror: at home as itself, at East Java's as a guest who only reads."""
    folder.mkdir()
    told = properties({JATIM: 1, KALTENG: 2}, source=JATIM, receiver=KALTENG)
    told |= _entrance(JATIM, jatim, f"mirror.{KALTENG}") | _entrance(KALTENG, kalteng, "mirror")
    part = mirror(engine(settings), folder, told, answers=_at_once, heap_mb=128)
    yield from (None for _ in standing(Process(part)))


@asynccontextmanager
async def _writing(broker: Secured, user: str) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap, acks="all", **broker.by_password(user).options()
    )
    async with producer:
        yield producer


async def test_copies_arrive_with_the_rights_of_the_file(
    installed: NodeSettings, jatim: Secured, kalteng: Secured, tmp_path: Path
) -> None:
    """What is addressed to the receiver and to all comes, under the sender's prefix; services there can read it."""
    async with _writing(jatim, "enrolment") as producer:
        for topic in ("share.62", "share.all"):
            await producer.send_and_wait(topic, topic.encode())
    topics = [f"{JATIM}.share.{KALTENG}", f"{JATIM}.share.all"]

    with _mirroring(installed, tmp_path / "mirror", jatim, kalteng):
        consumer = AIOKafkaConsumer(
            bootstrap_servers=kalteng.bootstrap,
            group_id="progress.from-peers",
            auto_offset_reset="earliest",
            metadata_max_age_ms=1_000,
            **kalteng.by_password("progress").options(),
        )
        consumer.subscribe(pattern=rf"^{JATIM}\.share\..*$")
        async with consumer, asyncio.timeout(_PATIENCE):
            found = {(each.topic, each.value) for each in [await consumer.getone() for _ in topics]}

    assert {(topics[0], b"share.62"), (topics[1], b"share.all")} == found
    said = (tmp_path / "mirror/mirror.log").read_text(encoding="utf-8", errors="replace")
    assert "AuthorizationException" not in said
