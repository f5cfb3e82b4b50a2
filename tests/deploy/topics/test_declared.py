"""The declarative file says what the code does: no right more, none less."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded.settings import SERVICES, NodeError
from deploy.topics.declared import SHIPPED, Declared, declared
from deploy.topics.rights import CLUSTER, Operation, Resource, Right, allowed
from services.certification.consumers import SUBSCRIPTIONS as CERTIFICATION
from services.enrolment.consumers import SUBSCRIPTIONS as ENROLMENT
from services.notify.consumers import SUBSCRIPTIONS as NOTIFY
from services.progress.consumers import SUBSCRIPTIONS as PROGRESS
from shared.bus.kafka.topics import ATTENDANCE_DAYS, LEARNER_PARTITIONS
from shared.bus.subscription import Subscription
from shared.events.fact import TOPICS
from tests.support.secured import of

SUBSCRIPTIONS: dict[str, Sequence[Subscription[Any]]] = {
    "enrolment": ENROLMENT,
    "progress": PROGRESS,
    "certification": CERTIFICATION,
    "notify": NOTIFY,
}
ALONE = declared("35")
SHARING = declared("35", ["62", "35.73"])
COPIES = {f"{peer}.share.{to}" for peer in ("62", "35.73") for to in ("35", "all")}
SHARES = {"share.62", "share.35.73", "share.all"}


def _names(wanted: Declared, principal: str, operation: Operation, resource: Resource) -> set[str]:
    return {
        each.name
        for each in wanted.of(principal)
        if each.operation is operation and each.resource is resource
    }


def _owned(principal: str) -> set[str]:
    return {each.name for each in SHARING.topics if each.owner == principal}


def test_every_topic_of_the_catalogue_is_declared_and_owned() -> None:
    """A topic is its service's, and the learners' cards are enrolment's; what is shared is nobody's alone."""
    owners = {each.name: each.owner for each in SHARING.topics}

    expected = (
        {name: name for name in TOPICS}
        | {"learners": "enrolment", "attendance": "progress"}
        | dict.fromkeys(SHARES, "")
    )
    assert expected == owners


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_what_it_hears_what_it_owns_and_what_peers_send(service: str) -> None:
    """The subscriptions tell the topics, the sharing adds a service's own ones and the mirrored ones."""
    heard = {topic for each in SUBSCRIPTIONS[service] for topic in each.topics}

    expected = heard | _owned(service) | COPIES
    assert expected == _names(SHARING, service, Operation.READ, Resource.TOPIC)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_writes_what_it_owns_and_what_it_shares(service: str) -> None:
    """Nobody else's topic, and no mirrored one."""
    expected = _owned(service) | SHARES
    assert expected == _names(SHARING, service, Operation.WRITE, Resource.TOPIC)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_its_own_consumer_groups_and_no_others(service: str) -> None:
    """Subscriptions, sharing and the mark of restating are groups; those of other services are closed to it."""
    groups = {each.name for each in SUBSCRIPTIONS[service]} | {
        f"{service}.share",
        f"{service}.from-peers",
        f"mark.restated.{service}",
    }
    others = {each.name for name in SERVICES if name != service for each in SUBSCRIPTIONS[name]}

    rights = SHARING.of(service)
    assert all(allowed(rights, Resource.GROUP, each, Operation.READ) for each in groups)
    assert not any(allowed(rights, Resource.GROUP, each, Operation.READ) for each in others)


def test_only_the_mirror_may_make_topics_and_nobody_may_delete_one() -> None:
    """What changes a topic is the administrator's, but for the copies that a mirror makes at home."""
    changing = {Operation.CREATE, Operation.DELETE, Operation.ALTER, Operation.ALTER_CONFIGS}
    changers = {each.principal for each in SHARING.rights if each.operation in changing}
    mine = {*(each.name for each in SHARING.topics)}

    assert {"mirror"} == changers
    assert not any(each.operation is Operation.DELETE for each in SHARING.rights)
    assert not any(
        each.operation in changing and each.covers(Resource.TOPIC, name, each.operation)
        for each in SHARING.of("mirror")
        for name in mine
    )


def test_a_peers_mirror_only_reads_what_is_meant_for_it() -> None:
    """Central Kalimantan's copies its own topic and what is for all, and not what is for Malang."""
    rights = SHARING.of("mirror.62")

    assert {"share.62", "share.all"} == {each.name for each in rights}
    assert {Operation.READ, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS} == {
        each.operation for each in rights
    }


def test_the_operator_sees_everything_and_reads_nothing() -> None:
    """Whoever watches the cluster reads no record, and changes nothing."""
    rights = SHARING.of("operator")

    assert allowed(rights, Resource.TOPIC, "learners", Operation.DESCRIBE)
    assert allowed(rights, Resource.GROUP, "progress.keep-cards", Operation.DESCRIBE)
    assert allowed(rights, Resource.CLUSTER, CLUSTER, Operation.DESCRIBE)
    assert {Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS} == {each.operation for each in rights}


def test_learners_stay_in_the_partitions_that_the_bus_makes_too() -> None:
    """Compacted, fixed, and of the same number whoever makes the topic."""
    learners = of(ALONE, "learners")

    assert (LEARNER_PARTITIONS, True) == (learners.partitions, learners.fixed)
    assert "compact" == learners.settings["cleanup.policy"]
    assert {"learners"} == {each.name for each in SHARING.topics if each.fixed}


def test_beats_are_kept_as_long_as_where_the_bus_makes_their_topic() -> None:
    """Short beside facts: the store has what they tell."""
    kept = of(ALONE, "attendance").settings["retention.ms"]

    assert str(ATTENDANCE_DAYS * 86_400_000) == kept


def test_a_node_without_peers_has_no_mirror_and_no_mirrored_topics() -> None:
    """There is nobody to share with, and so no right to."""
    assert {*SERVICES, "operator", "admin"} == {*ALONE.principals}
    assert () == ALONE.mirrored
    assert not any("share." in each.name and each.name != "share.all" for each in ALONE.rights)


@pytest.mark.parametrize(
    ("replication", "insync"), [(None, "2"), (3, "2"), (2, "1"), (1, "1"), (5, "2")]
)
def test_one_broker_may_be_away_where_there_are_enough(
    replication: int | None, insync: str
) -> None:
    """Fewer replicas ask for fewer in sync, so that losing one broker stops nobody who could go on."""
    wanted = declared("35", replication=replication)

    assert {insync} == {each.settings["min.insync.replicas"] for each in wanted.topics}
    assert {replication or 3} == {each.replication for each in wanted.topics}


def test_the_file_decides_about_its_own_principals_and_about_former_peers() -> None:
    """A peer that left the file leaves no right behind, and strangers' rights are not ours."""
    governed = ["progress", "mirror", "mirror.62", "mirror.71.03", "admin", "operator"]
    others = ["kafka-ui", "mirror.x", "progress2", "", "User:progress"]

    assert all(ALONE.governs(each) for each in governed)
    assert not any(ALONE.governs(each) for each in others)


@pytest.mark.parametrize(
    ("node", "peers", "said"),
    [
        ("jatim", [], "a node is named by a region's code such as 62 or 35.73, not 'jatim'"),
        ("35", ["62", "x*"], "a node is named by a region's code such as 62 or 35.73, not 'x*'"),
        ("35", ["35"], "node 35 is no peer of itself"),
    ],
)
def test_a_code_that_is_none_is_one_clear_line(node: str, peers: list[str], said: str) -> None:
    """What would end in a name of a topic or principal is checked first."""
    with pytest.raises(NodeError) as refused:
        declared(node, peers)

    assert said == str(refused.value)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("[defaults]\npartitions = 6", "[defaults]\npartitions = 0", "defaults.partitions: Input should"),
        ('owner = "progress"', 'owned = "progress"', "topics.progress.owned: Extra inputs"),
        ('writes = ["progress",', 'writes = ["progres",', "progress may write topic progres, and the"),
        ('writes = ["progress",', 'writes = ["enrolment",', "which enrolment owns: only the owner"),
        ('writes = ["progress",', 'writes = ["*",', "owns: only the owner writes its topic"),
        ("[defaults]", "[defaults", ": Expected ']'"),
        ('cluster = ["describe"', 'cluster = ["alter"', "principals.operator.cluster.0: Input should"),
    ],
)  # fmt: skip
def test_a_file_of_ones_own_that_cannot_be_meant_is_one_clear_line(
    before: str, after: str, said: str, tmp_path: Path
) -> None:
    """A misspelt topic, a right to somebody else's topic or a broken line is named."""
    text = SHIPPED.read_text(encoding="utf-8")
    assert before in text
    (tmp_path / "own.toml").write_text(text.replace(before, after, 1), encoding="utf-8")

    with pytest.raises(NodeError) as refused:
        declared("35", ["62"], file=tmp_path / "own.toml")

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "asked", "expected"),
    [
        (("a", Operation.READ), ("a", Operation.READ), True),
        (("a", Operation.READ), ("a", Operation.DESCRIBE), True),
        (("a", Operation.READ), ("a", Operation.WRITE), False),
        (("a", Operation.READ), ("ab", Operation.READ), False),
        (("a*", Operation.READ), ("ab", Operation.READ), True),
        (("*", Operation.DESCRIBE), ("ab", Operation.DESCRIBE), True),
        (("a", Operation.ALTER_CONFIGS), ("a", Operation.DESCRIBE_CONFIGS), True),
        (("a", Operation.DESCRIBE), ("a", Operation.READ), False),
        (("a", Operation.WRITE), ("b", Operation.IDEMPOTENT_WRITE), True),
        (("a", Operation.READ), ("a", Operation.IDEMPOTENT_WRITE), False),
    ],
)
def test_a_right_allows_what_kafka_says_it_does(
    given: tuple[str, Operation],
    asked: tuple[str, Operation],
    expected: bool,  # noqa: FBT001
) -> None:
    """What a right implies, and where a prefix ends; the real broker's matrix holds these to it."""
    rights = [Right("somebody", Resource.TOPIC, *given)]

    assert expected == allowed(rights, Resource.TOPIC, *asked)
    assert expected is False or not allowed(rights, Resource.GROUP, "ab", Operation.READ)
