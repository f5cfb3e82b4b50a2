"""The topics that a service makes where they are missing, and the cluster that has them."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, for_code

from shared.bus.kafka.security import PLAIN, Security, diagnose
from shared.events.fact import ATTENDANCE, TOPICS
from shared.kernel.errors import Unavailable

_log = logging.getLogger(__name__)
_REQUEST_MS = 10_000
_WITHIN_SECONDS = 25.0
_TOPIC_UNKNOWN, _TOPIC_REFUSED, _TOPIC_EXISTS = 3, 29, 36
MADE = (*TOPICS, ATTENDANCE)
_DAY_MS = 86_400_000
ATTENDANCE_DAYS = 7
"""Beats are in the store within seconds; so long they could be folded again into one that was restored."""
LEARNER_PARTITIONS = 6
"""Fixed for good: a compacted topic that gains partitions holds one learner's card twice."""


@dataclass(frozen=True)
class Cluster:
    """Where the brokers are and what they can do."""

    bootstrap: str
    idempotent: bool = True
    session_ms: int = 10_000
    partitions: int = 6
    replication: int = 1
    security: Security = PLAIN


async def make_topics(cluster: Cluster, names: Collection[str] = MADE) -> None:
    """Make the topics that are missing; Unavailable where some are and this principal may not make them."""
    options = cluster.security.options()
    admin = AIOKafkaAdminClient(
        bootstrap_servers=cluster.bootstrap, request_timeout_ms=_REQUEST_MS, **options
    )
    try:
        async with asyncio.timeout(_WITHIN_SECONDS):
            await admin.start()
            absent = await _made(cluster, admin, sorted({*names} - set(await admin.list_topics())))
    except (KafkaError, TimeoutError, OSError) as away:
        why = await diagnose(away, cluster.bootstrap, cluster.security)
        raise Unavailable(why) from away
    finally:
        await admin.close()
    if absent:
        raise Unavailable(
            f"these topics are missing, and only an administrator may make them "
            f"(`./corpu topics apply`): {', '.join(absent)}"
        )


async def _made(cluster: Cluster, admin: AIOKafkaAdminClient, missing: Sequence[str]) -> list[str]:
    """Make topics, and tell which of them this principal may not make and knows to be missing."""
    if not missing:
        return []
    answer = await admin.create_topics([_topic(cluster, name) for name in missing])
    codes = {name: code for name, code, *_ in answer.topic_errors}
    for code in set(codes.values()) - {0, _TOPIC_EXISTS, _TOPIC_REFUSED}:
        _log.error("a topic cannot be made: %s", for_code(code).__name__)
    refused = [name for name, code in codes.items() if code == _TOPIC_REFUSED]
    # A topic that this principal may not see is none of its business: only one it may is missing.
    seen = await admin.describe_topics(refused) if refused else []
    return [each["topic"] for each in seen if each["error_code"] == _TOPIC_UNKNOWN]


def _topic(cluster: Cluster, name: str) -> NewTopic:
    if name == "learners":
        compacted = {"cleanup.policy": "compact"}
        return NewTopic(name, LEARNER_PARTITIONS, cluster.replication, topic_configs=compacted)
    if name == ATTENDANCE:
        kept = {"retention.ms": str(ATTENDANCE_DAYS * _DAY_MS)}
        return NewTopic(name, cluster.partitions, cluster.replication, topic_configs=kept)
    return NewTopic(name, cluster.partitions, cluster.replication)
