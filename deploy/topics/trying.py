"""Tries what the file allows and what it does not, each principal with its own credentials.

Every attempt is Kafka's own message, and the broker's error code tells whether its authorizer let it pass. An
attempt that passes changes nothing: it is about a partition, a group member or a right that there is not, or
only asks whether it could be done. On a cluster of this run's own (`for_real`) records are written and topics
made and deleted as well.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka.protocol.admin import (
    CreatePartitionsRequest,
    CreateTopicsRequest,
    DeleteAclsRequest,
    DeleteGroupsRequest,
    DeleteRecordsRequest,
    DeleteTopicsRequest,
    DescribeAclsRequest,
    DescribeConfigsRequest,
)
from aiokafka.protocol.coordination import FindCoordinatorRequest
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.group import HeartbeatRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.protocol.transaction import InitProducerIdRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from deploy.topics.declared import Declared
from deploy.topics.rights import CLUSTER, Operation, Resource, allowed, told
from deploy.topics.session import NO_ERROR, REQUEST_MS, ChangeSettings, Session, name_of
from shared.kernel.errors import Unavailable

REFUSED = frozenset({29, 30, 31, 53})
"""Kafka's codes for: no right to this topic, group, cluster, transactional id."""

_PASSED = frozenset({0, 1, 3, 5, 6, 14, 15, 16, 25, 36, 37, 69})
"""Its codes for what comes after the authorizer: done, no such offset, no such topic or partition, no leader
(yet), not the leader, three of a group's coordinator, no such member, topic exists, too few partitions, no such
group."""

UNDECLARED = "undeclared"
"""A topic, and a group, that the file says nothing about."""

_NOWHERE = 2**31 - 1
_NOBODY = "User:nobody-of-that-name"
_ANY, _BROKER, _TOPIC_EXISTS = 1, 4, 36
_Attempt = Callable[[Session, str], Awaitable[int]]


@dataclass(frozen=True)
class Attempt:
    """One thing that a principal may try, and the code that the broker gave."""

    principal: str
    resource: Resource
    name: str
    operation: Operation
    expected: bool
    code: int

    @property
    def passed(self) -> bool:
        """Tell whether the authorizer let it pass."""
        return self.code in _PASSED

    @property
    def unclear(self) -> bool:
        """Tell whether the broker answered something that says neither."""
        return self.code not in REFUSED | _PASSED

    def __str__(self) -> str:
        """Read as `progress: write on topic enrolment passed`."""
        what = (
            "the cluster" if self.name == CLUSTER else f"{self.resource.name.lower()} {self.name}"
        )
        why = f" ({name_of(self.code)})" if self.code else ""
        end = "passed" if self.passed else "is unclear" if self.unclear else "was refused"
        return f"{self.principal}: {told(self.operation)} on {what} {end}{why}"


@dataclass
class Matrix:
    """What was tried, and what came out otherwise than the file says."""

    tried: list[Attempt] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Tell the sums, and every attempt with an unexpected end."""
        allows = [each for each in self.tried if each.passed and not each.expected]
        denials = [each for each in self.tried if each.expected and each.code in REFUSED]
        unclear = [each for each in self.tried if each.unclear]
        operations = {told(each.operation) for each in self.tried}
        return {
            "checked": len(self.tried),
            "allowed": sum(each.passed for each in self.tried),
            "denied": sum(each.code in REFUSED for each in self.tried),
            "unclear": len(unclear),
            "unexpected_allows": len(allows),
            "unexpected_denials": len(denials),
            "principals": sorted({each.principal for each in self.tried}),
            "topics": sorted({each.name for each in self.tried if each.resource is Resource.TOPIC}),
            "operations": sorted(operations),
            "unexpected": [str(each) for each in (*allows, *denials, *unclear)],
        }


async def attempt_all(
    principal: str, speaking: Session, wanted: Declared, *, for_real: bool
) -> list[Attempt]:
    """Try every operation on every topic, group and the cluster as one principal."""
    tried = []
    for resource, names in _resources(wanted).items():
        for operation, attempt in _attempts(resource, for_real=for_real).items():
            for name in names:
                if (
                    operation is Operation.DELETE
                    and resource is Resource.GROUP
                    and _is_in_use(name)
                ):
                    continue
                tried.append(
                    Attempt(
                        principal,
                        resource,
                        name,
                        operation,
                        principal in wanted.super_users
                        or allowed(wanted.of(principal), resource, name, operation),
                        await attempt(speaking, name),
                    )
                )
    return tried


def topics_of(wanted: Declared) -> tuple[str, ...]:
    """Tell every topic that the file speaks of, and one that it does not."""
    names = {each.name for each in wanted.topics} | {*wanted.mirrored, UNDECLARED}
    names |= {_probe(right.name) for right in wanted.rights if right.resource is Resource.TOPIC}
    return tuple(sorted(names))


def _resources(wanted: Declared) -> Mapping[Resource, tuple[str, ...]]:
    groups = {_probe(right.name) for right in wanted.rights if right.resource is Resource.GROUP}
    return {
        Resource.TOPIC: topics_of(wanted),
        Resource.GROUP: tuple(sorted(groups | {UNDECLARED})),
        Resource.CLUSTER: (CLUSTER,),
    }


def _probe(name: str) -> str:
    """Tell a name that a prefix covers; of a name without *, itself."""
    return f"{name[:-1]}probe" if name.endswith("*") else name


def _is_in_use(group: str) -> bool:
    return not group.endswith("probe")


def _attempts(resource: Resource, *, for_real: bool) -> Mapping[Operation, _Attempt]:
    if resource is Resource.GROUP:
        return {
            Operation.READ: _beat,
            Operation.DESCRIBE: _look_for_group,
            Operation.DELETE: _delete_group,
        }
    if resource is Resource.CLUSTER:
        return {
            Operation.DESCRIBE: _list_rights,
            Operation.DESCRIBE_CONFIGS: _describe_broker,
            Operation.ALTER_CONFIGS: _change_brokers,
            Operation.ALTER: _revoke_nothing,
            Operation.IDEMPOTENT_WRITE: _become_producer,
        }
    return {
        Operation.READ: _fetch,
        Operation.DESCRIBE: _describe,
        Operation.DESCRIBE_CONFIGS: _describe_settings,
        Operation.ALTER_CONFIGS: _change_settings,
        Operation.ALTER: _add_partitions,
        Operation.WRITE: _write if for_real else _write_nowhere,
        Operation.CREATE: _create if for_real else _could_create,
        Operation.DELETE: _delete if for_real else _delete_nowhere,
    }


async def prepare(speaking: Session, wanted: Declared) -> None:
    """Make every topic that will be tried, as an administrator: of one that is missing, deletion tells nothing."""
    for name in topics_of(wanted):
        await _create(speaking, name)


async def _fetch(speaking: Session, topic: str) -> int:
    return _partition(await speaking.ask(FetchRequest(10, 0, 1024, 0, [(topic, [(0, 0, 1024)])])))


async def _describe(speaking: Session, topic: str) -> int:
    return int((await speaking.metadata([topic]))[0]["error_code"])


async def _describe_settings(speaking: Session, topic: str) -> int:
    return _first(
        await speaking.ask(DescribeConfigsRequest([(Resource.TOPIC, topic, None)])), "resources"
    )


async def _change_settings(speaking: Session, topic: str) -> int:
    checked = ChangeSettings(Resource.TOPIC, topic, {"retention.ms": "1"}, only_check=True)
    return _first(await speaking.ask(checked), "resources")


async def _add_partitions(speaking: Session, topic: str) -> int:
    # One partition in all is never more than there are, so this is refused for another reason.
    asked = CreatePartitionsRequest([(topic, (1, None))], REQUEST_MS, True)  # noqa: FBT003 - the driver's
    return _first(await speaking.ask(asked), "topic_errors")


async def _write_nowhere(speaking: Session, topic: str) -> int:
    return await _write(speaking, topic, _NOWHERE)


async def _write(speaking: Session, topic: str, partition: int = 0) -> int:
    records = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1024)
    records.append(0, timestamp=None, key=b"probe", value=b"probe", headers=[])
    asked = ProduceRequest(None, -1, REQUEST_MS, [(topic, [(partition, bytes(records.build()))])])
    return _partition(await speaking.ask(asked))


async def _could_create(speaking: Session, topic: str) -> int:
    return await _create(speaking, topic, only_check=True)


async def _create(speaking: Session, topic: str, *, only_check: bool = False) -> int:
    asked = CreateTopicsRequest([(topic, 1, 1, [], [])], REQUEST_MS, only_check)
    return _first(await speaking.ask(asked), "topic_errors")


async def _delete_nowhere(speaking: Session, topic: str) -> int:
    # What deletes records needs the same right as what deletes their topic.
    asked = DeleteRecordsRequest([(topic, [(_NOWHERE, 0)])], REQUEST_MS, {})
    answer = (await speaking.ask(asked)).to_object()["topics"][0]["partitions"][0]
    return int(answer["error_code"])


async def _delete(speaking: Session, topic: str) -> int:
    """Delete a topic, and make it again where that succeeded, so that the next principal finds one."""
    answer = (await speaking.ask(DeleteTopicsRequest([topic], REQUEST_MS))).to_object()
    code = int(answer["topic_error_codes"][0]["error_code"])
    if code == NO_ERROR:
        while (again := await _create(speaking, topic)) not in {NO_ERROR, _TOPIC_EXISTS}:
            if again in REFUSED:
                raise Unavailable(f"topic {topic} was deleted and cannot be made again")
    return code


async def _look_for_group(speaking: Session, group: str) -> int:
    return int((await speaking.ask(FindCoordinatorRequest(group, 0))).error_code)


async def _beat(speaking: Session, group: str) -> int:
    return int((await speaking.ask(HeartbeatRequest(group, 0, "nobody"))).error_code)


async def _delete_group(speaking: Session, group: str) -> int:
    return _first(await speaking.ask(DeleteGroupsRequest([group])), "results")


async def _list_rights(speaking: Session, _cluster: str) -> int:
    asked = DescribeAclsRequest(_ANY, None, _ANY, _NOBODY, None, _ANY, _ANY)
    return int((await speaking.ask(asked)).error_code)


async def _revoke_nothing(speaking: Session, _cluster: str) -> int:
    asked = DeleteAclsRequest(_ANY, None, _ANY, _NOBODY, None, _ANY, _ANY)
    return _first(await speaking.ask(asked), "filter_responses")


async def _describe_broker(speaking: Session, _cluster: str) -> int:
    asked = DescribeConfigsRequest([(_BROKER, speaking.a_broker, ["log.cleaner.threads"])])
    return _first(await speaking.ask(asked), "resources")


async def _change_brokers(speaking: Session, _cluster: str) -> int:
    checked = ChangeSettings(_BROKER, "", {"log.cleaner.threads": "1"}, only_check=True)
    return _first(await speaking.ask(checked), "resources")


async def _become_producer(speaking: Session, _cluster: str) -> int:
    return int((await speaking.ask(InitProducerIdRequest(None, REQUEST_MS))).error_code)


def _first(answer: Any, part: str) -> int:  # noqa: ANN401 - as many kinds as messages
    return int(answer.to_object()[part][0]["error_code"])


def _partition(answer: Any) -> int:  # noqa: ANN401 - a fetched or a produced one
    """Tell the code of the only partition; the driver cannot write every such answer as a dictionary."""
    ((_, ((_, code, *_),)),) = answer.topics
    return int(code)
