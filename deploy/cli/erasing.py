"""`erase`: a person's data is erased at every service, and a scan proves that nothing serves it any more."""

import asyncio
import logging
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deploy.audit import quiet
from deploy.cli.lines import say, table, tell, tell_json
from deploy.cli.node import digits_of
from deploy.client import SERVICES, Declined, NodeClient, Voice, until
from deploy.embedded.settings import NodeError, NodeSettings
from deploy.embedded.tokens import issue
from deploy.erasing.keeping import documents, files, namesakes
from deploy.erasing.marks import Marks, Scan
from deploy.erasing.records import LEARNERS, SWEPT, Cleaning, served
from deploy.running import Running, found, processes
from services.certification.domain.cards import RETENTION_BASIS
from shared.kernel.clock import SystemClock
from shared.kernel.errors import Unavailable
from shared.kernel.ids import learner_id, read_pseudonym_key
from shared.web.settings import KafkaSettings, complaint

_PATIENCE = 60.0
_QUIET_SECONDS = 120.0
_CLEANING_SECONDS = 120.0
_CLEANING_LOOK = 5.0
_NOT_FOUND = 404
# What enrolment takes; told before anything is waited for.
_SHORTEST_BASIS, _LONGEST_BASIS = 3, 300
_NOTE = "cleaning.json"
"""In the node's home: what the settings of the topic of cards were, while they are others."""
_ROLES = ("operator", "auditor", "organiser")


@dataclass
class Person:
    """Whom it is about: ids, and the words that name the person with what each is."""

    ids: list[str]
    words: dict[str, str] = field(default_factory=dict)

    @property
    def told(self) -> bool:
        """Tell whether whoever asks has given words of their own."""
        return "also" in self.words.values()

    def know(self, shown: dict[str, Any]) -> None:
        """Take what enrolment shows of one of the ids."""
        numbers = [shown["nip"], *shown["former_nips"], *(e["what"] for e in shown["numbers"])]
        self.words |= dict.fromkeys(numbers, "nip")
        self.words |= {shown[kind]: kind for kind in ("name", "email", "phone") if shown[kind]}
        self.ids += [each for each in shown["linked"] if each not in self.ids]


def erase(
    nip: str, basis: str | None, *, also: Sequence[str], scan_only: bool, as_json: bool
) -> int:
    """Erase whoever has this number, or only look; exit status 1 where the scan finds anything."""
    if not scan_only and not _SHORTEST_BASIS <= len((basis or "").strip()) <= _LONGEST_BASIS:
        raise NodeError(
            "give --basis: on whose request, or by which rule, the data is erased, "
            f"in {_SHORTEST_BASIS} to {_LONGEST_BASIS} characters"
        )
    settings = NodeSettings.read()
    running = found(settings)
    person = _person(settings, running, nip, also)
    # The driver says on its own what is said here better.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        told = asyncio.run(_Erasing(settings, running, person).go(None if scan_only else basis))
    except Unavailable as away:
        raise NodeError(str(away)) from away
    if as_json:
        tell_json(told)
    else:
        _tell(told)
    return int(told["scan"]["found"] > 0)


def _person(settings: NodeSettings, running: Running, nip: str, also: Sequence[str]) -> Person:
    try:
        number = digits_of(nip)
        named = settings.environment.get("CORPU_PSEUDONYM_KEY_FILE")
        home_of_key = running.home / "keys/pseudonym.hex"
        key = read_pseudonym_key(Path(named) if named else home_of_key)
    except ValueError as broken:
        raise NodeError(str(broken)) from broken
    return Person([learner_id(number, key)], {number: "nip", **dict.fromkeys(also, "also")})


class _Erasing:
    """One run of the command against one node."""

    def __init__(self, settings: NodeSettings, running: Running, person: Person) -> None:
        self._settings, self._running, self._person = settings, running, person
        self._kafka = _kafka(settings, running)

    async def go(self, basis: str | None) -> dict[str, Any]:
        """Erase on a basis, or without one only look, and tell what came of it."""
        reached = {name: self._running.addresses[name] for name in SERVICES}
        async with NodeClient(reached, patience=_PATIENCE) as client:
            token = issue(
                self._running.home, subject="corpu", roles=_ROLES, node=self._settings.node,
                issuer=self._settings.issuer, audience=self._settings.audience,
            )  # fmt: skip
            operator = client.speaking(token)
            await self._know(operator)
            if "name" not in self._person.words.values() and not self._person.told:
                say(
                    "nobody here knows the person's name (any more): give it and the e-mail with --also"
                )
            alike = await self._set_namesakes_aside()
            nodes = await self._erase(operator, basis) if basis else []
            scan, rest = await self._prove(operator, cleaning=basis is not None)
            kept = await self._certificates(operator)
        return {
            "erased": bool(basis) and not scan.found,
            "learner_ids": self._person.ids,
            "nodes": nodes,
            "scan": {**scan.as_json(), "namesakes": alike},
            "kept": {"certificates": kept, "basis": RETENTION_BASIS},
            "closed_segments_may_hold_until": (
                (SystemClock().now() + rest).isoformat(timespec="seconds") if rest else None
            ),
        }

    async def _know(self, operator: Voice) -> None:
        """Learn from enrolment what names the person, under every number, for as long as it knows."""
        for key in self._person.ids:
            try:
                self._person.know(await operator.get("enrolment", f"/learners/{key}"))
            except Declined as declined:
                if declined.status != _NOT_FOUND:
                    raise

    async def _set_namesakes_aside(self) -> int:
        """Count who else bears the name: where somebody does, it proves nothing about this person."""
        words = self._person.words
        alike = 0
        for name in [word for word, kind in words.items() if kind == "name"]:
            if others := await self._alike(name):
                alike += others
                del words[name]
        return alike

    async def _alike(self, name: str) -> int:
        return await namesakes(self._settings, self._running, name, self._person.ids)

    async def _erase(self, operator: Voice, basis: str) -> list[str]:
        await quiet(operator, within=_QUIET_SECONDS)
        path = f"/learners/{self._person.ids[0]}/erasure"
        told: dict[str, Any] = {}

        async def finished() -> bool:
            nonlocal told
            told = await operator.post("enrolment", path, {"basis": basis}, keyed=False)
            return bool(told["finished"])

        await until("enrolment has erased", finished, within=_PATIENCE, every=0.5)
        self._person.ids += [each for each in told["learner_ids"] if each not in self._person.ids]
        await quiet(operator, within=_QUIET_SECONDS)
        body = {
            "learner_ids": self._person.ids,
            "words": [word for word, kind in self._person.words.items() if _tells(word, kind)],
        }
        for service in SERVICES:
            await operator.post(service, "/operations/erasure", body, keyed=False)
        return [self._settings.node, *told["nodes"]]

    async def _prove(self, operator: Voice, *, cleaning: bool) -> tuple[Scan, timedelta | None]:
        """Look through everything; records that a tombstone has ended are let go of first."""
        marks, rest = Marks(self._person.words), None
        scan = await self._look(marks)
        if not (cleaning and scan.found_in("topic")):
            return scan, rest
        status = await operator.get("enrolment", "/operations/status")
        if status["broker_durable"]:
            rest = await self._compact(operator, marks)
        else:
            await self._restart_broker(operator)
        return await self._look(marks), rest

    async def _look(self, marks: Marks) -> Scan:
        scan = Scan()
        async for topic, raw in served(self._kafka):
            scan.records += 1
            scan.look(marks, f"topic {topic}", raw)
        async for room, raw in documents(self._settings, self._running):
            scan.documents += 1
            scan.look(marks, f"store {room}", raw)
        for name, raw in files(self._running.home):
            scan.files += 1
            scan.look(marks, f"file {name}", raw)
        return scan

    async def _compact(self, operator: Voice, marks: Marks) -> timedelta:
        """Have the brokers clean `learners` at once, and wait for it, though not for ever."""
        async with Cleaning(self._kafka, self._running.home / _NOTE) as cleaning:
            # What is stated again is what closes the segments that still hold the card.
            await operator.post("enrolment", "/operations/replay", keyed=False)

            async def clean() -> bool:
                scan = Scan()
                async for topic, raw in served(self._kafka, LEARNERS):
                    scan.look(marks, f"topic {topic}", raw)
                return not scan.found

            try:
                await until(
                    "the broker has cleaned", clean, within=_CLEANING_SECONDS, every=_CLEANING_LOOK
                )
            except TimeoutError as late:
                say(str(late))
                return cleaning.longest
        return SWEPT

    async def _restart_broker(self, operator: Voice) -> None:
        """Have a broker that keeps all in memory begin anew: the services state again what they keep."""
        pid = next(
            (each.pid for each in processes(self._running.pid) if each.name == "broker"), None
        )
        if pid is None:
            say("the broker keeps all in memory and is not run here: restart it")
            return
        os.kill(pid, signal.SIGTERM)

        async def anew() -> bool:
            now = [each.pid for each in processes(self._running.pid) if each.name == "broker"]
            return bool(now) and now[0] != pid

        await until("the broker runs again", anew, within=_PATIENCE)
        for service in SERVICES:
            await operator.node.nobody().get(service, "/readyz")
        await quiet(operator, within=_QUIET_SECONDS)

    async def _certificates(self, operator: Voice) -> int:
        """Count the certificates that stay: numbers in the register, and credentials of other nodes."""
        return sum(
            [
                len(row.get("numbers", ()))
                async for row in operator.pages("certification", "/operations/audit")
                if row.get("learner_id") in self._person.ids
            ]
        )


def _tells(word: str, kind: str) -> bool:
    """Tell whether a word names the person by itself: a telephone number of few digits does not."""
    return kind != "phone" or len(word) >= 8  # noqa: PLR2004 - no shorter one is whole


def _kafka(settings: NodeSettings, running: Running) -> KafkaSettings:
    """Tell how the brokers are reached: as the environment says, else at the node's own."""
    words: dict[str, Any] = {}
    if not settings.environment.get("KAFKA_BOOTSTRAP"):
        own = running.addresses.get("broker") or f"127.0.0.1:{settings.ports['broker']}"
        words["KAFKA_BOOTSTRAP"] = own
    try:
        return KafkaSettings(**words)
    except ValidationError as wrong:
        raise NodeError(complaint(wrong)) from wrong


def _tell(told: dict[str, Any]) -> None:
    scan = told["scan"]
    table(
        ("looked through", ""),
        [(name, scan[name]) for name in ("records", "documents", "files", "found")],
    )
    for place, count in scan["where"].items():
        tell(f"still in {place} ({count})")
    if told["erased"]:
        tell(
            f"erased at {told['nodes'][0]}; nodes told to follow: {', '.join(told['nodes'][1:]) or 'none'}"
        )
    kept = told["kept"]
    tell(f"certificates kept, their holder's name sealed: {kept['certificates']} ({kept['basis']})")
    if until_then := told["closed_segments_may_hold_until"]:
        tell(f"closed segments may hold the rest until {until_then}")
