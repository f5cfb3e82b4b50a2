"""The declarative file, read and checked, and told out for one node and its peers."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deploy.embedded.settings import NodeError
from deploy.topics.rights import CLUSTER, Operation, Resource, Right

SHIPPED = Path(__file__).with_name("topics.toml")
_DAY_MS = 86_400_000
_MAKING = (Operation.CREATE, Operation.ALTER, Operation.ALTER_CONFIGS)
_WATCHING = (Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS)
_CLUSTER = {"describe": Operation.DESCRIBE, "describe-configs": Operation.DESCRIBE_CONFIGS}
_CODE = r"[0-9]{2}(\.[0-9]{2})?"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Topic(_Table):
    owner: str = ""
    partitions: int | None = Field(None, ge=1, le=1000)
    fixed: bool = False
    compacted: bool = False
    retention_days: int | None = Field(None, ge=1, le=36_500)
    settings: dict[str, int | str] = {}


class _Defaults(_Table):
    partitions: int = Field(ge=1, le=1000)
    replication: int = Field(ge=1, le=7)
    min_insync: int = Field(ge=1, le=7)
    retention_days: int = Field(ge=1, le=36_500)


class _Mirrored(_Table):
    topics: list[str] = []
    internal: list[str] = []


class _Principal(_Table):
    super_user: bool = False
    only_with_peers: bool = False
    reads: list[str] = []
    writes: list[str] = []
    makes: list[str] = []
    watches: list[str] = []
    groups: list[str] = []
    watched_groups: list[str] = []
    cluster: list[Literal["describe", "describe-configs"]] = []


class _File(_Table):
    defaults: _Defaults
    topics: dict[str, _Topic]
    mirrored: _Mirrored = _Mirrored()
    principals: dict[str, _Principal]


@dataclass(frozen=True)
class Topic:
    """One topic as it shall be; `settings` are Kafka's own names and values."""

    name: str
    partitions: int
    replication: int
    settings: Mapping[str, str]
    owner: str = ""
    fixed: bool = False


@dataclass(frozen=True)
class Declared:
    """What one node's cluster shall hold, and who may do what there."""

    topics: tuple[Topic, ...]
    mirrored: tuple[str, ...]
    principals: tuple[str, ...]
    super_users: frozenset[str]
    rights: frozenset[Right]
    speaks_of: re.Pattern[str]

    def governs(self, principal: str) -> bool:
        """Tell whether the file decides about a principal's rights, be it of a peer that is one no more."""
        return self.speaks_of.fullmatch(principal) is not None

    def of(self, principal: str) -> tuple[Right, ...]:
        """Tell one principal's rights, in order."""
        return tuple(sorted(each for each in self.rights if each.principal == principal))


def declared(
    node: str, peers: Iterable[str] = (), *, replication: int | None = None, file: Path = SHIPPED
) -> Declared:
    """Read the file for a node; NodeError tells in one line what cannot be meant.

    `replication` goes in place of the file's own, for a cluster of fewer brokers.
    """
    read = _read(file)
    others = tuple(dict.fromkeys(peers))
    for code in (node, *others):
        if not re.fullmatch(_CODE, code):
            raise NodeError(f"a node is named by a region's code such as 62 or 35.73, not {code!r}")
    if node in others:
        raise NodeError(f"node {node} is no peer of itself")

    copies = replication or read.defaults.replication
    topics = tuple(
        _topic(name, found, read.defaults, copies)
        for pattern, found in read.topics.items()
        for name in _names([pattern], node, others)
    )
    mirrored = tuple(_names(read.mirrored.topics, node, others))
    # A principal of one peer has to do with that peer only.
    people = [
        (name.replace("{peer}", peer), found, (peer,) if peer else others)
        for name, found in read.principals.items()
        for peer in (others if "{peer}" in name else ("",))
        if others or not found.only_with_peers
    ]
    rights = frozenset(
        right for name, found, near in people for right in _rights(name, found, node, near)
    )
    internal = _names(read.mirrored.internal, node, others)
    _check({each.name: each.owner for each in topics}, {*mirrored, *internal}, rights)
    return Declared(
        topics,
        mirrored,
        tuple(name for name, _, _ in people),
        frozenset(name for name, found, _ in people if found.super_user),
        rights,
        re.compile("|".join(map(_pattern, read.principals))),
    )


def _read(file: Path) -> _File:
    try:
        return _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except ValidationError as wrong:
        first = wrong.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise NodeError(f"{file}: {place}: {first['msg']}") from wrong
    except ValueError as wrong:
        raise NodeError(f"{file}: {wrong}") from wrong


def _names(names: Iterable[str], node: str, peers: Iterable[str]) -> Iterator[str]:
    """Tell names out: one that speaks of a peer stands once for each."""
    near = tuple(peers)
    for name in names:
        for peer in near if "{peer}" in name else ("",):
            yield name.replace("{peer}", peer).replace("{node}", node)


def _pattern(name: str) -> str:
    """Tell the principals that a name in the file speaks of, whatever peers there are."""
    return re.escape(name).replace(re.escape("{peer}"), _CODE)


def _topic(name: str, found: _Topic, defaults: _Defaults, replication: int) -> Topic:
    days = found.retention_days or defaults.retention_days
    kept = (
        {"cleanup.policy": "compact"}
        if found.compacted
        else {"cleanup.policy": "delete", "retention.ms": str(days * _DAY_MS)}
    )
    # One broker may be away without anybody noticing, where there are enough of them.
    insync = min(defaults.min_insync, max(1, replication - 1))
    settings = {
        **kept,
        "min.insync.replicas": str(insync),
        **{key: str(value) for key, value in found.settings.items()},
    }
    partitions = found.partitions or defaults.partitions
    return Topic(name, partitions, replication, settings, found.owner, found.fixed)


def _rights(
    principal: str, found: _Principal, node: str, peers: tuple[str, ...]
) -> Iterator[Right]:
    """Tell the rights that a principal's lines give."""
    topics = (
        (found.reads, (Operation.READ,)),
        (found.writes, (Operation.WRITE,)),
        (found.makes, _MAKING),
        (found.watches, _WATCHING),
    )
    groups = ((found.groups, (Operation.READ,)), (found.watched_groups, (Operation.DESCRIBE,)))
    for resource, lines in ((Resource.TOPIC, topics), (Resource.GROUP, groups)):
        for names, operations in lines:
            for name in _names(names, node, peers):
                for operation in operations:
                    yield Right(principal, resource, name, operation)
    for name in found.cluster:
        yield Right(principal, Resource.CLUSTER, CLUSTER, _CLUSTER[name])


def _check(owners: Mapping[str, str], foreign: set[str], rights: Iterable[Right]) -> None:
    """Raise NodeError where a right is about a topic that there is not, or gives one away that is owned."""
    for right in rights:
        if right.resource is not Resource.TOPIC:
            continue
        if not right.name.endswith("*") and right.name not in {*owners, *foreign}:
            raise NodeError(f"{right}, and the file declares no such topic")
        writing = right.operation is Operation.WRITE
        for name, owner in owners.items():
            if (
                writing
                and owner not in {"", right.principal}
                and right.covers(Resource.TOPIC, name, Operation.WRITE)
            ):
                raise NodeError(f"{right}, which {owner} owns: only the owner writes its topic")
