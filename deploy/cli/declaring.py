"""`topics apply` and `topics verify`: the cluster's topics and rights by the declarative file."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deploy.cli.lines import say, table, tell, tell_json
from deploy.embedded.settings import LOOPBACK, PEERS, NodeError, NodeSettings
from deploy.topics.applying import Plan, apply
from deploy.topics.cluster import KafkaCluster
from deploy.topics.declared import SHIPPED, Declared, declared
from deploy.topics.session import session
from deploy.topics.verifying import read_passwords, verify_given, verify_own
from shared.federation.keys import Peers
from shared.kernel.errors import Unavailable
from shared.web.settings import KafkaSettings, complaint


@dataclass(frozen=True)
class Wanted:
    """For whom the file is told out; where nothing is given, the node's own settings and peers file tell."""

    node: str | None = None
    peers: Sequence[str] = ()
    replication: int | None = None
    file: Path | None = None

    def declared(self, settings: NodeSettings) -> Declared:
        """Read the file; NodeError where it or the peers cannot be meant."""
        peers = self.peers or _peers(settings)
        return declared(
            self.node or settings.node,
            peers,
            replication=self.replication,
            file=self.file or SHIPPED,
        )


def apply_topics(
    wanted: Wanted, connection: dict[str, Any], *, dry_run: bool, topics_only: bool, as_json: bool
) -> int:
    """Make a cluster what the file declares; exit status 1 where something must not be changed."""
    settings = NodeSettings.read()
    kafka, names = _connection(settings, connection), wanted.declared(settings)

    async def applied() -> Plan:
        async with session(kafka.kafka_bootstrap, kafka.security) as admin:
            cluster = KafkaCluster(admin)
            return await apply(names, cluster, only_look=dry_run, rights=not topics_only)

    decided = _run(applied())
    done = not decided.refusals and not dry_run
    if as_json:
        tell_json(
            {
                "changed" if done else "would_change": [str(each) for each in decided.changes],
                "refused": list(decided.refusals),
                "notes": list(decided.notes),
            }
        )
        return int(bool(decided.refusals))
    for each in decided.changes:
        tell(f"{'done' if done else 'would'}: {each}")
    for each in decided.notes:
        say(f"note: {each}")
    for each in decided.refusals:
        say(f"refused: {each}")
    if decided.refusals:
        say("nothing was changed")
    elif not decided.changes:
        tell("the cluster is what the file declares")
    return int(bool(decided.refusals))


def verify_topics(
    wanted: Wanted, connection: dict[str, Any], *, passwords: Path | None, as_json: bool
) -> int:
    """Try the whole matrix; exit status 1 where one attempt ends otherwise than the file says."""
    settings = NodeSettings.read()
    given = connection.get("KAFKA_BOOTSTRAP") or settings.environment.get("KAFKA_BOOTSTRAP")
    if given and passwords is None:
        raise NodeError(
            f"to verify {given}, --passwords must name a folder with a file for each principal; "
            f"without a broker, one is started for this"
        )
    if given and passwords is not None:
        names = wanted.declared(settings)
        words = read_passwords(passwords, names)
        # Whoever is tried first stands for all in what must be set.
        first = next(iter(words))
        user = {"KAFKA_USERNAME": first, "KAFKA_PASSWORD": words[first], "KAFKA_PASSWORD_FILE": ""}
        kafka = _connection(settings, {**connection, **user})
        told = _run(verify_given(kafka.kafka_bootstrap, kafka.security, names, words))
    else:
        # A broker of one's own is one broker.
        alone = Wanted(wanted.node, wanted.peers or _some_peer(settings), 1, wanted.file)
        told = _run(verify_own(settings, alone.declared(settings), say))
    if as_json:
        tell_json(told)
    else:
        _tell(told)
    return int(not told["verified"])


def _tell(told: dict[str, Any]) -> None:
    names = ("checked", "allowed", "denied", "unexpected_allows", "unexpected_denials", "unclear")
    table(("attempts", ""), [(name.replace("_", " "), told[name]) for name in names])
    for each in told["unexpected"]:
        tell(f"not as the file says: {each}")
    if untried := told.get("untried"):
        say(f"no password was given for {', '.join(untried)}")


def _connection(settings: NodeSettings, given: dict[str, Any]) -> KafkaSettings:
    """Tell how the cluster is reached: options first, then the environment, then the node's own port."""
    words = {key: value for key, value in given.items() if value is not None}
    if not settings.environment.get("KAFKA_BOOTSTRAP"):
        words.setdefault("KAFKA_BOOTSTRAP", f"{LOOPBACK}:{settings.ports['broker']}")
    try:
        return KafkaSettings(**words)
    except ValidationError as wrong:
        raise NodeError(complaint(wrong)) from wrong


def _peers(settings: NodeSettings) -> tuple[str, ...]:
    """Tell the peers that the node knows."""
    named = settings.environment.get("CORPU_PEERS_FILE")
    try:
        return tuple(sorted(Peers(Path(named or settings.home / PEERS)).cards))
    except Unavailable as broken:
        raise NodeError(str(broken)) from broken


def _some_peer(settings: NodeSettings) -> tuple[str, ...]:
    """Tell the peers, or one that there might be, so that the rights of mirrors are tried as well."""
    return _peers(settings) or ("62" if settings.node != "62" else "35",)


def _run(work: Any) -> Any:  # noqa: ANN401 - whatever the work results in
    # The driver says on its own what is said here better.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(work)
    except Unavailable as away:
        raise NodeError(str(away)) from away
