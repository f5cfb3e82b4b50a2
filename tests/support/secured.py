"""A secured Apache Kafka for tests, and a cluster in memory that applying the topics' file can change."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from deploy.embedded.settings import NodeSettings
from deploy.topics.applying import apply
from deploy.topics.cluster import Cluster, Found, KafkaCluster
from deploy.topics.declared import Declared, Topic, declared
from deploy.topics.rights import Acl
from deploy.topics.secured import Secured
from deploy.topics.session import session
from deploy.topics.verifying import STRANGER
from tests.support.parts import Process, standing

T = TypeVar("T")
WANTED = declared("35", ["62"], replication=1)
"""What East Java declares that shares with Central Kalimantan, on one broker."""


@contextmanager
def secured_broker(settings: NodeSettings, wanted: Declared = WANTED) -> Iterator[Secured]:
    """Run a broker with every principal's user and a stranger, and the file applied; NodeError without an engine."""
    with TemporaryDirectory(prefix="corpu-secured-") as folder:
        own = Secured.planned(settings, Path(folder), [*wanted.principals, STRANGER])
        for _ in standing(Process(own.part)):
            _apart(administered(own, lambda cluster: apply(wanted, cluster)))
            yield own


async def administered(own: Secured, work: Callable[[Cluster], Coroutine[None, None, T]]) -> T:
    """Do something as the administrator."""
    async with session(own.by_certificate, own.as_admin) as admin:
        return await work(KafkaCluster(admin))


def _apart(coroutine: Coroutine[None, None, T]) -> T:
    """Await something where a loop may be running already."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


@dataclass
class MemoryCluster:
    """A cluster in memory."""

    brokers: int = 3
    held: dict[str, Found] = field(default_factory=dict)
    entries: set[Acl] = field(default_factory=set)

    async def topics(self) -> Mapping[str, Found]:
        """Tell every topic."""
        return dict(self.held)

    async def acls(self) -> frozenset[Acl]:
        """Tell every entry."""
        return frozenset(self.entries)

    async def make(self, topic: Topic) -> None:
        """Make a topic."""
        defaults = {"segment.bytes": "1073741824"}
        settings = {**defaults, **topic.settings}
        self.held[topic.name] = Found(topic.partitions, topic.replication, settings)

    async def widen(self, name: str, partitions: int) -> None:
        """Add partitions."""
        assert partitions > self.held[name].partitions
        self.held[name] = replace(self.held[name], partitions=partitions)

    async def settle(self, name: str, settings: Mapping[str, str]) -> None:
        """Change settings."""
        merged = {**self.held[name].settings, **settings}
        self.held[name] = replace(self.held[name], settings=merged)

    async def grant(self, acl: Acl) -> None:
        """Add an entry."""
        assert acl not in self.entries
        self.entries.add(acl)

    async def revoke(self, acl: Acl) -> None:
        """Remove an entry."""
        self.entries.remove(acl)


def of(wanted: Declared, name: str) -> Topic:
    """Find a topic that is declared."""
    return next(each for each in wanted.topics if each.name == name)
