"""How a connection to the brokers is secured, and why one was refused."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka.conn import create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedSaslMechanismError,
)

from shared.kernel.errors import Unavailable

_PROBE_MS = 5_000
_AWAY = "is away"


@dataclass(frozen=True)
class Security:
    """The security of every connection to one cluster; plain unless told otherwise.

    `protocol` is Kafka's `security.protocol`; with `SSL` the client's certificate may name the principal
    (mTLS), with `SASL_…` the user does (SCRAM).
    """

    protocol: str = "PLAINTEXT"
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None
    mechanism: str = "SCRAM-SHA-512"
    username: str = ""
    password: str = field(default="", repr=False)

    def options(self) -> dict[str, Any]:
        """Tell drivers' clients, by the names of arguments that they share; Unavailable names a file that is no use."""
        told: dict[str, Any] = {"security_protocol": self.protocol}
        if self.protocol.endswith("SSL"):
            told["ssl_context"] = self._context()
        if self.protocol.startswith("SASL"):
            told |= {
                "sasl_mechanism": self.mechanism,
                "sasl_plain_username": self.username,
                "sasl_plain_password": self.password,
            }
        return told

    def _context(self) -> ssl.SSLContext:
        """Read the files anew, so that a certificate which was renewed counts from the next connection on."""
        # An authority that is named stands alone: who names one does not mean the machine's list as well.
        with _usable(self.ca_file):
            context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            with _usable(self.certificate_file, self.key_file):
                context.load_cert_chain(self.certificate_file, self.key_file, _no_passphrase)
        return context


PLAIN = Security()
"""No TLS and no user, as on one machine."""


@contextmanager
def _usable(*files: Path | None) -> Iterator[None]:
    """Turn what a file does not hold into one line that names it."""
    try:
        yield
    except (OSError, ValueError) as failure:
        names = " and ".join(str(each) for each in files if each is not None)
        why = getattr(failure, "reason", None) or getattr(failure, "strerror", None) or failure
        raise Unavailable(f"{names} cannot be used ({why})") from failure


def _no_passphrase() -> str:
    """Refuse a key that asks for one: without this the library would ask the terminal."""
    raise ValueError("the key is encrypted; it is needed without a passphrase")


def reason(failure: BaseException) -> str:
    """Tell in a few words what a driver's failure means for whoever runs the node."""
    if isinstance(failure, Unavailable):
        return str(failure)
    match failure:
        case AuthenticationFailedError() | SaslAuthenticationFailed():
            said = "refuses the user name or the password"
        case UnsupportedSaslMechanismError():
            said = "does not know this SASL mechanism"
        case TopicAuthorizationFailedError() | GroupAuthorizationFailedError():
            said = f"grants no right to {_named(failure)}"
        case ClusterAuthorizationFailedError():
            said = "grants no right to the cluster"
        case ssl.SSLCertVerificationError():
            said = f"shows a certificate that is not trusted ({failure.verify_message})"
        case ssl.SSLError():
            said = f"breaks off the TLS handshake ({failure.reason})"
        case _:
            said = f"{_AWAY} ({type(failure).__name__})"
    return f"the broker {said}"


def _named(failure: KafkaError) -> str:
    """Tell what the driver says was asked for: a topic, a set of topics, a group."""
    kind = "group" if isinstance(failure, GroupAuthorizationFailedError) else "topic"
    told = failure.args[0] if failure.args else ""
    names = sorted(map(str, told)) if isinstance(told, (set, frozenset, list, tuple)) else [told]
    return " ".join([kind, *filter(None, names)])


async def diagnose(failure: BaseException, bootstrap: str, security: Security) -> str:
    """Tell why no broker could be reached: the driver itself says only that none could."""
    if not isinstance(failure, KafkaConnectionError):
        return reason(failure)
    for address in bootstrap.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            async with asyncio.timeout(_PROBE_MS / 1000):
                connection = await create_conn(
                    host, int(port), request_timeout_ms=_PROBE_MS, **security.options()
                )
            connection.close()
            continue
        except KafkaConnectionError:
            # What listens there hangs up on whoever speaks another protocol, or shows no certificate.
            said = (
                f"the broker at {address} closes the connection: KAFKA_SECURITY_PROTOCOL may not be "
                f"that listener's, or it asks for a client certificate"
            )
        except (KafkaError, Unavailable, OSError, TimeoutError, ValueError) as why:
            said = reason(why)
        if _AWAY not in said:
            return said
    return reason(failure)
