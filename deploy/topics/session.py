"""One principal's connection to a cluster, which asks what it is told to and hears Kafka's own answers.

The driver carries the messages for topics, settings and ACLs, though its own admin client has no methods for
the last two (ADR-0010); every answer here is the broker's, without a client's guess in between.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import IncompatibleBrokerVersion, KafkaError, for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.types import Array, Boolean, Int8, Int16, Int32, Schema, String

from deploy.embedded.settings import NodeError
from shared.bus.kafka.security import Security, diagnose, reason
from shared.kernel.errors import Unavailable

REQUEST_MS = 15_000
NO_ERROR = 0
_TEXT = String("utf-8")
_SET = 0


class _Answer(Response):  # type: ignore[misc]  # the driver ships no types
    API_KEY = 44
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "resources",
            Array(
                ("error_code", Int16),
                ("error_message", _TEXT),
                ("resource_type", Int8),
                ("resource_name", _TEXT),
            ),
        ),
    )


class _Question(RequestStruct):  # type: ignore[misc]
    API_KEY = 44
    API_VERSION = 0
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        (
            "resources",
            Array(
                ("resource_type", Int8),
                ("resource_name", _TEXT),
                ("configs", Array(("name", _TEXT), ("operation", Int8), ("value", _TEXT))),
            ),
        ),
        ("validate_only", Boolean),
    )


_Only: TypeAlias = _Question


class ChangeSettings(Request[_Only]):  # type: ignore[misc]
    """Kafka's IncrementalAlterConfigs: changes the settings that are named, and no others.

    The driver has only its predecessor, which resets whatever it does not name.
    """

    API_KEY = 44

    def __init__(
        self, resource: int, name: str, settings: Mapping[str, str], *, only_check: bool = False
    ) -> None:
        """Change settings of one resource, or only have the broker check that it would."""
        entries = [(key, _SET, value) for key, value in settings.items()]
        self._words = ([(resource, name, entries)], only_check)

    def build(self, request_struct_class: type[_Only]) -> _Only:
        """Write the message."""
        return request_struct_class(*self._words)


class Session:
    """A connection as one principal."""

    def __init__(self, client: AIOKafkaClient) -> None:
        """Speak through a client that has found its cluster."""
        self._client = client

    @property
    def brokers(self) -> int:
        """Tell how many brokers the cluster has."""
        return len(self._client.cluster.brokers())

    @property
    def a_broker(self) -> str:
        """Tell the id of some broker."""
        return str(min(each.nodeId for each in self._client.cluster.brokers()))

    async def ask(self, request: Request[Any]) -> Any:  # noqa: ANN401 - as many kinds as messages
        """Send a message to any broker and give its answer; Unavailable where none comes."""
        try:
            return await self._client.send(self._client.get_random_node(), request)
        except (IncompatibleBrokerVersion, NotImplementedError) as unknown:
            raise NodeError(
                "these brokers know no such requests: only Apache Kafka has all of them"
            ) from unknown
        except (KafkaError, OSError, TimeoutError) as away:
            raise Unavailable(reason(away)) from away

    async def metadata(self, names: Iterable[str] | None = None) -> list[Mapping[str, Any]]:
        """Tell what is known of topics; of all that this principal may see, unless some are named."""
        request = MetadataRequest(
            None if names is None else list(names), allow_auto_topic_creation=False
        )
        topics: Sequence[Mapping[str, Any]] = (await self.ask(request)).to_object()["topics"]
        return list(topics)


@asynccontextmanager
async def session(bootstrap: str, security: Security) -> AsyncIterator[Session]:
    """Connect as the principal that the security names; Unavailable tells why that cannot be."""
    options = security.options()
    client = AIOKafkaClient(
        bootstrap_servers=bootstrap, client_id="corpu-topics", request_timeout_ms=REQUEST_MS, **options
    )  # fmt: skip
    try:
        try:
            await client.bootstrap()
        except (KafkaError, OSError, TimeoutError) as away:
            raise Unavailable(await diagnose(away, bootstrap, security)) from away
        yield Session(client)
    finally:
        await client.close()


def name_of(code: int) -> str:
    """Tell an error code's name, e.g. `TopicAuthorizationFailedError`; "" for none."""
    return "" if code == NO_ERROR else str(for_code(code).__name__)
