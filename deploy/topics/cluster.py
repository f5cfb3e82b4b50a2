"""A cluster as its administrator sees and changes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka.protocol.admin import (
    CreateAclsRequest,
    CreatePartitionsRequest,
    CreateTopicsRequest,
    DeleteAclsRequest,
    DescribeAclsRequest,
    DescribeConfigsRequest,
)

from deploy.embedded.settings import NodeError
from deploy.topics.declared import Topic
from deploy.topics.rights import Acl, Resource
from deploy.topics.session import NO_ERROR, REQUEST_MS, ChangeSettings, Session, name_of

_ANY = 1
_SECURITY_DISABLED = 54
_CHUNK = 100


@dataclass(frozen=True)
class Found:
    """One topic as it is."""

    partitions: int
    replication: int
    settings: Mapping[str, str]


class Cluster(Protocol):
    """What applying the file asks of a cluster."""

    @property
    def brokers(self) -> int:
        """Tell how many brokers there are."""
        ...

    async def topics(self) -> Mapping[str, Found]:
        """Tell every topic."""
        ...

    async def acls(self) -> frozenset[Acl]:
        """Tell every entry of the authorizer's list."""
        ...

    async def make(self, topic: Topic) -> None:
        """Make a topic."""
        ...

    async def widen(self, name: str, partitions: int) -> None:
        """Give a topic so many partitions in all."""
        ...

    async def settle(self, name: str, settings: Mapping[str, str]) -> None:
        """Change some of a topic's settings."""
        ...

    async def grant(self, acl: Acl) -> None:
        """Add an entry."""
        ...

    async def revoke(self, acl: Acl) -> None:
        """Remove an entry."""
        ...


class KafkaCluster:
    """A cluster behind a session; every refusal of the broker's is a NodeError of one line."""

    def __init__(self, session: Session) -> None:
        """Speak as an administrator."""
        self._session = session

    @property
    def brokers(self) -> int:
        """Tell how many brokers there are."""
        return self._session.brokers

    async def topics(self) -> Mapping[str, Found]:
        """Tell every topic with the settings that are in force."""
        described = {
            each["topic"]: each["partitions"]
            for each in await self._session.metadata()
            if not each["is_internal"]
        }
        settings = await self._settings(sorted(described))
        return {
            name: Found(
                len(partitions),
                min((len(each["replicas"]) for each in partitions), default=0),
                settings.get(name, {}),
            )
            for name, partitions in described.items()
        }

    async def _settings(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        told: dict[str, dict[str, str]] = {}
        for start in range(0, len(names), _CHUNK):
            asked = [(Resource.TOPIC, name, None) for name in names[start : start + _CHUNK]]
            answer = (await self._session.ask(DescribeConfigsRequest(asked))).to_object()
            for each in answer["resources"]:
                _expect(f"the settings of {each['resource_name']}", each)
                told[each["resource_name"]] = {
                    entry["config_names"]: entry["config_value"] for entry in each["config_entries"]
                }
        return told

    async def acls(self) -> frozenset[Acl]:
        """Tell every entry; NodeError where the brokers have no authorizer."""
        answer = await self._session.ask(
            DescribeAclsRequest(_ANY, None, _ANY, None, None, _ANY, _ANY)
        )
        if answer.error_code == _SECURITY_DISABLED:
            raise NodeError(
                "the brokers have no authorizer, so everybody may do everything: set "
                "authorizer.class.name as deploy/topics/topics.toml says, or give --topics-only"
            )
        _expect("the rights", answer.to_object())
        return frozenset(
            Acl(principal, resource, name, pattern, host, operation, permission)
            for resource, name, pattern, entries in answer.resources
            for principal, host, operation, permission in entries
        )

    async def make(self, topic: Topic) -> None:
        """Make a topic."""
        new: tuple[Any, ...] = (
            topic.name,
            topic.partitions,
            topic.replication,
            [],
            [*topic.settings.items()],
        )
        answer = await self._session.ask(CreateTopicsRequest([new], REQUEST_MS, False))  # noqa: FBT003 - the driver's
        _expect(f"topic {topic.name}", answer.to_object()["topic_errors"][0])

    async def widen(self, name: str, partitions: int) -> None:
        """Give a topic so many partitions in all."""
        request = CreatePartitionsRequest([(name, (partitions, None))], REQUEST_MS, False)  # noqa: FBT003 - the driver's
        answer = await self._session.ask(request)
        _expect(f"the partitions of {name}", answer.to_object()["topic_errors"][0])

    async def settle(self, name: str, settings: Mapping[str, str]) -> None:
        """Change some of a topic's settings and leave the others."""
        answer = await self._session.ask(ChangeSettings(Resource.TOPIC, name, settings))
        _expect(f"the settings of {name}", answer.to_object()["resources"][0])

    async def grant(self, acl: Acl) -> None:
        """Add an entry."""
        answer = await self._session.ask(CreateAclsRequest(*_words(acl)))
        _expect(str(acl), answer.to_object()["creation_responses"][0])

    async def revoke(self, acl: Acl) -> None:
        """Remove an entry, and just that one."""
        answer = await self._session.ask(DeleteAclsRequest(*_words(acl)))
        _expect(str(acl), answer.to_object()["filter_responses"][0])


def _words(acl: Acl) -> tuple[int, str, int, str, str, int, int]:
    return (
        acl.resource, acl.name, acl.pattern, acl.principal, acl.host, acl.operation, acl.permission,
    )  # fmt: skip


def _expect(what: str, told: Mapping[str, Any]) -> None:
    """Raise NodeError where the broker refused."""
    if (code := int(told["error_code"])) != NO_ERROR:
        no_right = name_of(code).endswith("AuthorizationFailedError")
        why = (not no_right and told.get("error_message")) or name_of(code)
        raise NodeError(f"{what}: the broker refuses ({why})")
