"""What an embedded node is told by its environment; the only home of `os.environ` in `deploy`."""

import os
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from shared.kernel.regions import is_region

LOOPBACK = "127.0.0.1"
ROOT = Path(__file__).parents[2]
SERVICES = ("enrolment", "progress", "certification", "notify")
PORTS = {
    "enrolment": 8101,
    "progress": 8102,
    "certification": 8103,
    "notify": 8104,
    "broker": 9092,
    "controller": 9093,
    "store": 27017,
}
BROKERS = ("embedded", "apache")
PSEUDONYM_KEY = "keys/pseudonym.hex"
LIVE_KEY = "keys/live.hex"
PRIVATE_KEY = "keys/issuer.private.json"
PUBLIC_KEYS = "keys/jwks.json"
NODE_KEYS = "keys/node.private.json"
PEERS = "keys/peers.json"
SECURITY = (
    "KAFKA_SECURITY_PROTOCOL",
    "KAFKA_CA_FILE",
    "KAFKA_CERTIFICATE_FILE",
    "KAFKA_KEY_FILE",
    "KAFKA_SASL_MECHANISM",
    "KAFKA_USERNAME",
    "KAFKA_PASSWORD",
    "KAFKA_PASSWORD_FILE",
)
"""The settings that secure a connection to brokers, each service with a principal of its own."""
_HIGHEST_PORT = 65535
# Below the ports that systems lend to outgoing connections, which could take one meanwhile.
_FREE_FROM, _FREE_SPAN = 20_000, 10_000
# One walk for each process, far from its neighbours, so that nodes do not meet before they start.
_steps = count(os.getpid() * 997)


# Which settings are a node's own, or of one of its services.
_OURS = re.compile(r"([A-Z]+_)?(CORPU|KAFKA|MONGO|SMTP)_")


class NodeError(Exception):
    """The node cannot run; it reads as one line that says why and what to do about it."""


def port_setting(part: str) -> str:
    """Name the setting that moves a part to another port."""
    return f"CORPU_{part.upper()}_PORT"


@dataclass(frozen=True)
class NodeSettings:
    """Where an embedded node keeps its state, who it is, which broker it runs and which ports it takes."""

    home: Path = ROOT / ".corpu"
    node: str = "35"
    host: str = LOOPBACK
    kafka: str = "embedded"
    engines: Path = ROOT / ".corpu/engines"
    ports: Mapping[str, int] = field(default_factory=lambda: dict(PORTS))
    addresses: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings; NodeError where one of them cannot be meant."""
        given = dict(os.environ if environment is None else environment)
        for name, value in given.items():
            if _OURS.match(name) and not is_text(value):
                raise NodeError(f"{name} is not text in UTF-8")
        node = given.get("CORPU_NODE", cls.node)
        if not is_region(node):
            raise NodeError(f"CORPU_NODE must be a region code such as 35 or 35.73, not {node!r}")
        kafka = given.get("CORPU_KAFKA") or cls.kafka
        if kafka not in BROKERS:
            raise NodeError(
                f"the broker (CORPU_KAFKA) must be {' or '.join(BROKERS)}, not {kafka!r}"
            )
        return cls(
            home=Path(given.get("CORPU_HOME") or cls.home).absolute(),
            node=node,
            host=given.get("CORPU_HOST", cls.host),
            kafka=kafka,
            engines=Path(given.get("CORPU_ENGINES") or cls.engines).absolute(),
            ports={part: _port(given, part) for part in PORTS},
            addresses=_addresses(given.get("CORPU_ADDRESSES", "")),
            environment=given,
        )

    def on(self, kafka: str | None) -> Self:
        """Choose the broker that the node runs, if one is named; NodeError for one that there is not."""
        if kafka is None:
            return self
        named = self.read({**self.environment, "CORPU_KAFKA": kafka})
        return replace(self, kafka=named.kafka, environment=named.environment)

    def elsewhere(self, home: Path) -> Self:
        """Move to another home and to ports that are free now, so that two nodes do not meet."""
        ports = {part: free_port() for part in PORTS}
        return replace(self, home=home.absolute(), ports=ports, addresses={})

    def apart(self, name: str) -> Self:
        """Name databases of its own for each service, so that a store that is shared holds nothing of it yet."""
        databases = {f"{each.upper()}_MONGO_DATABASE": f"{name}_{each}" for each in SERVICES}
        return replace(self, environment={**self.environment, **databases})

    def given(self, service: str, key: str) -> str:
        """Tell what was set for one service (`PROGRESS_MONGO_URI`), or for all; "" for neither."""
        return self.environment.get(f"{service.upper()}_{key}") or self.environment.get(key, "")

    @property
    def issuer(self) -> str:
        """Name the issuer whose tokens the node accepts: its own, unless another was set."""
        return self.environment.get("CORPU_ISSUER") or f"urn:corpu:{self.node}"

    @property
    def audience(self) -> str:
        """Name the audience that tokens must be meant for."""
        return self.environment.get("CORPU_AUDIENCE") or "corpu"

    def of(self, service: str) -> dict[str, str]:
        """Tell a service's environment: who and where it is, its store, its broker and its keys."""
        store, broker = self.given(service, "MONGO_URI"), self.given(service, "KAFKA_BOOTSTRAP")
        embedded_store = f"{LOOPBACK}:{self.ports['store']}"
        own_database = self.environment.get(f"{service.upper()}_MONGO_DATABASE")
        # The embedded broker knows no idempotent producer and forgets what it held (ADR-0005).
        idempotent, restate, session = "false", "true", "3000"
        if broker or self.kafka == "apache":
            idempotent = self.given(service, "KAFKA_IDEMPOTENT") or "true"
            restate = self.given(service, "CORPU_RESTATE_ON_START") or "false"
            # The shortest that Apache Kafka grants as it comes (group.min.session.timeout.ms).
            session = "6000"
        return {
            "CORPU_JWKS": str(self.home / PUBLIC_KEYS),
            "CORPU_PSEUDONYM_KEY_FILE": str(self.home / PSEUDONYM_KEY),
            "CORPU_LIVE_KEY_FILE": str(self.home / LIVE_KEY),
            "CORPU_PEERS_FILE": str(self.home / PEERS),
            # A node that was never introduced to others (`./corpu node init`) shares nothing.
            **({"CORPU_NODE_KEYS": str(keys)} if (keys := self.home / NODE_KEYS).exists() else {}),
            "CORPU_PUBLIC_URL": f"http://{LOOPBACK}:{self.ports['certification']}",
            **{key: value for key, value in self.environment.items() if key != "CORPU_FAULT"},
            **self._secrets_of(service, given=bool(broker)),
            "CORPU_NODE": self.node,
            "CORPU_HOST": self.host,
            "CORPU_PORT": str(self.ports[service]),
            "CORPU_HOME": str(self.home),
            "CORPU_ISSUER": self.issuer,
            "CORPU_AUDIENCE": self.audience,
            "MONGO_URI": store or f"mongodb://{embedded_store}/?directConnection=true",
            "MONGO_DATABASE": own_database or f"corpu_{service}",
            "KAFKA_BOOTSTRAP": broker or f"{LOOPBACK}:{self.ports['broker']}",
            "KAFKA_IDEMPOTENT": idempotent,
            "CORPU_RESTATE_ON_START": restate,
            # Beside its own broker a service that died is back in seconds: nobody else shares its partitions.
            **({} if broker else {"KAFKA_SESSION_MS": session}),
            "PYTHONPATH": str(ROOT),
            "PYTHONSAFEPATH": "1",
        }

    def _secrets_of(self, service: str, *, given: bool) -> dict[str, str]:
        """Tell how a service reaches brokers that are given; the node's own know neither TLS nor users."""
        told = {key: self.given(service, key) for key in SECURITY}
        store = {"MONGO_PASSWORD_FILE": self.given(service, "MONGO_PASSWORD_FILE")}
        return (told if given else dict.fromkeys(SECURITY, "")) | store


def _port(given: Mapping[str, str], part: str) -> int:
    text = given.get(port_setting(part)) or str(PORTS[part])
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) <= _HIGHEST_PORT:
        raise NodeError(
            f"{port_setting(part)} must be a port from 1 to {_HIGHEST_PORT}, not {text!r}"
        )
    return int(text)


def _addresses(text: str) -> dict[str, str]:
    """Read where the services of a node that others run are reached; "" is none."""
    if not text:
        return {}
    given = dict(each.strip().partition("=")[::2] for each in text.split(","))
    if given.keys() != set(SERVICES) or not all(map(_is_address, given.values())):
        raise NodeError(
            "CORPU_ADDRESSES must be an http address for each service, such as "
            f"{','.join(f'{name}=http://{LOOPBACK}:{PORTS[name]}' for name in SERVICES)}"
        )
    return given


def _is_address(url: str) -> bool:
    try:
        told = urlsplit(url)
        return told.scheme in {"http", "https"} and bool(told.hostname) and told.port != 0
    except ValueError:
        return False


def is_text(given: str) -> bool:
    """Tell whether words from outside are text: what is not has stand-ins for bytes that nobody can write."""
    return not any("\ud800" <= each <= "\udfff" for each in given)


def free_port() -> int:
    """Find a port that is free now, and that no connection to elsewhere is lent before somebody listens there."""
    return next(port for step in _steps if _is_free(port := _FREE_FROM + step % _FREE_SPAN))


def _is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.bind((LOOPBACK, port))
        return True
    return False
