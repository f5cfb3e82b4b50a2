"""Applying the file: what is missing comes, what differs changes, what would break order is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from deploy.topics.applying import apply
from deploy.topics.cluster import Found
from deploy.topics.declared import declared
from deploy.topics.rights import Acl
from tests.support.secured import MemoryCluster, of

WANTED = declared("35", ["62"])


async def applied() -> MemoryCluster:
    """Give a cluster that is what the file declares."""
    cluster = MemoryCluster()
    await apply(WANTED, cluster)
    return cluster


def changed(cluster: MemoryCluster, name: str, **fields: object) -> None:
    """Have a topic be otherwise."""
    cluster.held[name] = replace(cluster.held[name], **fields)  # type: ignore[arg-type]


async def test_an_empty_cluster_gets_everything_and_then_nothing_more() -> None:
    """The second time there is nothing to do."""
    cluster = MemoryCluster()

    first = await apply(WANTED, cluster)
    second = await apply(WANTED, cluster)

    assert len(WANTED.topics) + len(WANTED.rights) == len(first.changes)
    assert ((), (), ()) == (second.changes, second.refusals, second.notes)


@dataclass
class _Late(MemoryCluster):
    """A cluster whose brokers hear late of what was changed, and so tell for a while what was before."""

    looks: int = 3

    async def topics(self) -> Mapping[str, Found]:
        """Tell every topic, once the brokers have heard of it."""
        self.looks -= 1
        return {} if self.looks > 0 else await super().topics()


async def test_it_ends_when_the_brokers_have_heard_of_it() -> None:
    """Whoever looks right afterwards finds everything, and a service that starts then has its rights."""
    done = await apply(WANTED, late := _Late())

    assert {each.name for each in WANTED.topics} == {*await late.topics()}
    assert (0, ()) == (max(0, late.looks), done.notes)


async def test_only_looking_changes_nothing() -> None:
    """A dry run tells the same changes and makes none."""
    cluster = MemoryCluster()

    looked = await apply(WANTED, cluster, only_look=True)

    assert (MemoryCluster(), True) == (cluster, bool(looked.changes))
    assert [*map(str, looked.changes)] == [*map(str, (await apply(WANTED, cluster)).changes)]


async def test_partitions_are_added_and_settings_changed_and_others_left() -> None:
    """What the file says nothing about stays as somebody set it."""
    cluster = await applied()
    other = {**cluster.held["progress"].settings, "retention.ms": "1", "segment.bytes": "7"}
    changed(cluster, "progress", partitions=2, settings=other)

    done = await apply(WANTED, cluster)

    assert [
        "give topic progress 6 partitions in place of 2",
        "set topic progress retention.ms=2592000000 in place of 1",
    ] == [*map(str, done.changes)]
    found = cluster.held["progress"]
    expected = {**of(WANTED, "progress").settings, "segment.bytes": "7"}
    assert (6, expected) == (found.partitions, found.settings)


@pytest.mark.parametrize(
    ("name", "partitions", "said"),
    [
        ("learners", 3, "topic learners has 3 partitions in place of 6, and they are fixed"),
        ("learners", 12, "topic learners has 12 partitions in place of 6, and they are fixed"),
        ("enrolment", 12, "topic enrolment has 12 partitions and never gets fewer"),
    ],
)
async def test_what_would_break_order_is_refused_and_then_nothing_is_changed(
    name: str, partitions: int, said: str
) -> None:
    """Fewer partitions there cannot be, and those of learners never become more."""
    cluster = await applied()
    changed(cluster, name, partitions=partitions)
    del cluster.held["share.all"]

    done = await apply(WANTED, cluster)

    assert 1 == len(done.refusals)
    assert done.refusals[0].startswith(said)
    assert (partitions, False) == (cluster.held[name].partitions, "share.all" in cluster.held)


async def test_a_cluster_with_too_few_brokers_is_refused_with_the_way_out() -> None:
    """Three replicas need three brokers, unless one says that fewer will do."""
    cluster = MemoryCluster(brokers=1)

    refused = await apply(WANTED, cluster)
    done = await apply(declared("35", ["62"], replication=1), cluster)

    assert len(WANTED.topics) == len(refused.refusals)
    assert "--replication 1 makes do with them" in refused.refusals[0]
    assert () == done.refusals


async def test_replicas_that_are_too_few_are_noted_and_do_not_stop_whoever_writes() -> None:
    """Only a reassignment adds replicas; until then no more must be in sync than there are."""
    cluster = MemoryCluster(brokers=3)
    await apply(declared("35", ["62"], replication=1), cluster)

    done = await apply(WANTED, cluster)

    assert () == done.changes
    assert len(WANTED.topics) == len(done.notes)
    assert "kafka-reassign-partitions" in done.notes[0]


async def test_rights_that_the_file_does_not_give_go_and_strangers_rights_stay() -> None:
    """A service's extra right and a former peer's are removed; what others set up is theirs, and is named."""
    cluster = await applied()
    right = Acl.of(next(each for each in WANTED.of("notify")))
    extra = replace(right, name="learners", operation=4)
    denied = replace(right, permission=2, host="192.0.2.7")
    former = replace(right, principal="User:mirror.71")
    theirs = replace(right, principal="User:kafka-ui")
    group = replace(right, principal="Group:progress")
    cluster.entries |= {extra, denied, former, theirs, group}

    done = await apply(WANTED, cluster)

    should = {Acl.of(each) for each in WANTED.rights}
    assert should | {theirs, group} == cluster.entries
    assert "remove User:notify: allow write on topic learners" in [*map(str, done.changes)]
    assert (
        "Group:progress has rights that the file says nothing of",
        "User:kafka-ui has rights that the file says nothing of",
    ) == done.notes


async def test_brokers_without_an_authorizer_get_their_topics_only() -> None:
    """Without rights nothing is asked of an authorizer."""
    cluster = MemoryCluster()

    done = await apply(WANTED, cluster, rights=False)

    assert (len(WANTED.topics), set()) == (len(done.changes), cluster.entries)


async def test_a_peer_that_is_one_no_more_loses_its_rights() -> None:
    """Applying the file for fewer peers removes what the others could read; its topics stay."""
    cluster = await applied()

    await apply(declared("35"), cluster)

    assert {Acl.of(each) for each in declared("35").rights} == cluster.entries
    assert isinstance(cluster.held["share.62"], Found)
