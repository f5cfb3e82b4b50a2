"""Rights on a Kafka cluster as values: what they allow, by the rules of Kafka's own authorizer."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Self


class Resource(IntEnum):
    """What a right is about, by Kafka's number for it."""

    TOPIC = 2
    GROUP = 3
    CLUSTER = 4


class Operation(IntEnum):
    """What a right allows, by Kafka's number for it."""

    ALL = 2
    READ = 3
    WRITE = 4
    CREATE = 5
    DELETE = 6
    ALTER = 7
    DESCRIBE = 8
    DESCRIBE_CONFIGS = 10
    ALTER_CONFIGS = 11
    IDEMPOTENT_WRITE = 12


_LITERAL, _PREFIXED, _ALLOW = 3, 4, 3
CLUSTER = "kafka-cluster"
"""Kafka's name for the one cluster there is."""

_IMPLIES = {
    Operation.READ: {Operation.DESCRIBE},
    Operation.WRITE: {Operation.DESCRIBE},
    Operation.DELETE: {Operation.DESCRIBE},
    Operation.ALTER: {Operation.DESCRIBE},
    Operation.ALTER_CONFIGS: {Operation.DESCRIBE_CONFIGS},
}


@dataclass(frozen=True, order=True)
class Right:
    """One allowance to one principal, whatever host it comes from; a name that ends in * is a prefix."""

    principal: str
    resource: Resource
    name: str
    operation: Operation

    def __str__(self) -> str:
        """Read as `progress may read topic enrolment`."""
        kind = self.resource.name.lower()
        what = kind if self.resource is Resource.CLUSTER else f"{kind} {self.name}"
        return f"{self.principal} may {told(self.operation)} {what}"

    def covers(self, resource: Resource, name: str, operation: Operation) -> bool:
        """Tell whether it allows an operation on one resource."""
        if self.resource is not resource:
            return False
        fits = name.startswith(self.name[:-1]) if self.name.endswith("*") else name == self.name
        given = {self.operation, *_IMPLIES.get(self.operation, ())}
        return fits and (operation in given or self.operation is Operation.ALL)


def told(operation: Operation) -> str:
    """Tell an operation as people write it: `describe-configs`."""
    return operation.name.lower().replace("_", "-")


def allowed(rights: Iterable[Right], resource: Resource, name: str, operation: Operation) -> bool:
    """Tell whether one principal's rights together allow an operation; nothing said is a no."""
    mine = tuple(rights)
    # Since Kafka 3.0 whoever may write to any topic may do so idempotently.
    idempotent = operation is Operation.IDEMPOTENT_WRITE and any(
        each.operation is Operation.WRITE for each in mine
    )
    return idempotent or any(each.covers(resource, name, operation) for each in mine)


@dataclass(frozen=True, order=True)
class Acl:
    """One entry of the authorizer's list, with Kafka's own numbers, as it is written and read."""

    principal: str
    resource: int
    name: str
    pattern: int
    host: str
    operation: int
    permission: int

    @classmethod
    def of(cls, right: Right) -> Self:
        """Write a right as an entry; a lone * is Kafka's literal for every name."""
        prefixed = right.name.endswith("*") and right.name != "*"
        return cls(
            f"User:{right.principal}",
            right.resource,
            right.name.removesuffix("*") if prefixed else right.name,
            _PREFIXED if prefixed else _LITERAL,
            "*",
            right.operation,
            _ALLOW,
        )

    @property
    def user(self) -> str:
        """Tell the principal as the file names it; "" for one of another kind."""
        kind, _, name = self.principal.partition(":")
        return name if kind == "User" else ""

    def __str__(self) -> str:
        """Read as `User:progress: allow read on topic progress`."""
        name = f"{self.name}*" if self.pattern == _PREFIXED else self.name
        kind = _named(Resource, self.resource)
        what = kind if self.resource == Resource.CLUSTER else f"{kind} {name}"
        verb = "allow" if self.permission == _ALLOW else "deny"
        where = "" if self.host == "*" else f" from {self.host}"
        return f"{self.principal}: {verb} {_named(Operation, self.operation)} on {what}{where}"


def _named(kind: type[IntEnum], number: int) -> str:
    """Tell the name of a number; of one that no line of ours gives, the number."""
    known = {each.value: each.name for each in kind}
    return known.get(number, str(number)).lower().replace("_", "-")
