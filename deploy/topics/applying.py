"""How a cluster becomes what the file declares: what differs is decided first, and then changed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Protocol

from deploy.client import until
from deploy.topics.cluster import Cluster, Found
from deploy.topics.declared import Declared, Topic
from deploy.topics.rights import Acl

_SHOWN_SECONDS = 30.0


class Change(Protocol):
    """One thing that differs; it reads as what is done about it."""

    async def do(self, cluster: Cluster) -> None:
        """Change it."""
        ...


@dataclass(frozen=True)
class Make:
    """A topic that is missing."""

    topic: Topic

    def __str__(self) -> str:
        """Read as what is done."""
        each = self.topic
        return f"make topic {each.name} ({each.partitions} partitions, {each.replication} replicas)"

    async def do(self, cluster: Cluster) -> None:
        """Make it."""
        await cluster.make(self.topic)


@dataclass(frozen=True)
class Widen:
    """A topic with too few partitions."""

    name: str
    before: int
    after: int

    def __str__(self) -> str:
        """Read as what is done."""
        return f"give topic {self.name} {self.after} partitions in place of {self.before}"

    async def do(self, cluster: Cluster) -> None:
        """Add partitions."""
        await cluster.widen(self.name, self.after)


@dataclass(frozen=True)
class Settle:
    """A topic with other settings."""

    name: str
    before: Mapping[str, str]
    after: Mapping[str, str]

    def __str__(self) -> str:
        """Read as what is done."""
        changed = ", ".join(
            f"{key}={value} in place of {self.before.get(key, 'none')}"
            for key, value in self.after.items()
        )
        return f"set topic {self.name} {changed}"

    async def do(self, cluster: Cluster) -> None:
        """Change them."""
        await cluster.settle(self.name, self.after)


@dataclass(frozen=True)
class Grant:
    """A right that is missing."""

    acl: Acl

    def __str__(self) -> str:
        """Read as what is done."""
        return f"add {self.acl}"

    async def do(self, cluster: Cluster) -> None:
        """Add it."""
        await cluster.grant(self.acl)


@dataclass(frozen=True)
class Revoke:
    """A right of ours that the file does not give, or no more."""

    acl: Acl

    def __str__(self) -> str:
        """Read as what is done."""
        return f"remove {self.acl}"

    async def do(self, cluster: Cluster) -> None:
        """Remove it."""
        await cluster.revoke(self.acl)


@dataclass(frozen=True)
class Plan:
    """What is changed, in this order. With refusals nothing is; notes are for a person to see to."""

    changes: tuple[Change, ...] = ()
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def plan(
    wanted: Declared, topics: Mapping[str, Found], acls: Collection[Acl] | None, brokers: int
) -> Plan:
    """Decide what to change, what must not be and what cannot be changed from here.

    Rights that are missing come before those that go, so that nobody is without one meanwhile. Entries of
    principals that the file does not speak of are left alone, and all where none are told.
    """
    changes: list[Change] = []
    refusals: list[str] = []
    notes: list[str] = []
    for topic in wanted.topics:
        found = topics.get(topic.name)
        if found is None:
            changes.append(Make(topic))
            if brokers < topic.replication:
                refusals.append(
                    f"topic {topic.name} wants {topic.replication} replicas, and the cluster has "
                    f"{brokers} brokers: --replication {brokers} makes do with them"
                )
            continue
        refusals += _broken_order(topic, found)
        notes += _replicas(topic, found)
        changes += _differing(topic, found)
    if acls is not None:
        changes += _rights(wanted, acls)
        strangers = {each.principal for each in acls if not wanted.governs(each.user)}
        notes += [f"{name} has rights that the file says nothing of" for name in sorted(strangers)]
    return Plan(tuple(changes), tuple(refusals), tuple(notes))


async def apply(
    wanted: Declared, cluster: Cluster, *, only_look: bool = False, rights: bool = True
) -> Plan:
    """Make a cluster what the file declares, and tell what was (or, only looking, would be) changed.

    Without `rights` only topics are, as on brokers without an authorizer. It ends when the brokers go by
    what was changed, or with a note of what they do not show after half a minute.
    """
    decided = await _look(wanted, cluster, rights=rights)
    if decided.refusals or only_look or not decided.changes:
        return decided
    for change in decided.changes:
        await change.do(cluster)
    left = decided.changes

    async def shown() -> bool:
        nonlocal left
        left = (await _look(wanted, cluster, rights=rights)).changes
        return not left

    # Controllers make the changes, and brokers hear of them a moment later.
    with suppress(TimeoutError):
        await until("the brokers show what was changed", shown, within=_SHOWN_SECONDS)
    late = (f"the brokers do not show this yet: {each}" for each in left)
    return replace(decided, notes=(*decided.notes, *late))


async def _look(wanted: Declared, cluster: Cluster, *, rights: bool) -> Plan:
    acls = await cluster.acls() if rights else None
    return plan(wanted, await cluster.topics(), acls, cluster.brokers)


def _rights(wanted: Declared, acls: Collection[Acl]) -> Iterator[Change]:
    should = {Acl.of(right) for right in wanted.rights}
    for each in sorted(should - {*acls}):
        yield Grant(each)
    for each in sorted({*acls} - should):
        if wanted.governs(each.user):
            yield Revoke(each)


def _differing(topic: Topic, found: Found) -> Sequence[Change]:
    changes: list[Change] = []
    if found.partitions < topic.partitions:
        changes.append(Widen(topic.name, found.partitions, topic.partitions))
    wanted = dict(topic.settings)
    if found.replication < topic.replication:
        # With fewer replicas than must be in sync, nobody could write any more.
        del wanted["min.insync.replicas"]
    other = {key: value for key, value in wanted.items() if found.settings.get(key) != value}
    if other:
        changes.append(Settle(topic.name, found.settings, other))
    return changes


def _broken_order(topic: Topic, found: Found) -> Iterator[str]:
    """Tell what would put a learner's records where nobody finds them in order."""
    if topic.fixed and found.partitions != topic.partitions:
        yield (
            f"topic {topic.name} has {found.partitions} partitions in place of {topic.partitions}, "
            f"and they are fixed: with others it would keep what it compacts twice"
        )
    elif found.partitions > topic.partitions:
        yield (
            f"topic {topic.name} has {found.partitions} partitions and never gets fewer: "
            f"the file may say {found.partitions} in place of {topic.partitions}"
        )


def _replicas(topic: Topic, found: Found) -> Iterator[str]:
    if found.replication != topic.replication:
        yield (
            f"topic {topic.name} has {found.replication} replicas in place of {topic.replication}: "
            f"kafka-reassign-partitions changes that"
        )
