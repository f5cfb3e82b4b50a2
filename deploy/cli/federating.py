"""`node`, `peers` and `share`: a node among others."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, cast, get_args

from pydantic import ValidationError

from deploy.cli.cards import card_in, fetched_card
from deploy.cli.lines import table, tell, tell_json
from deploy.cli.operating import ask
from deploy.client import SERVICES, Voice
from deploy.embedded.home import changing
from deploy.embedded.settings import NODE_KEYS, PEERS, NodeError, NodeSettings
from shared.federation.keys import Card, NodeKeys, fingerprint_of, read_cards, write_cards
from shared.kernel.regions import is_region

Role = Literal["province", "city", "auditor"]
CARD = "card.json"
_FORM = "corpu-share"
_CHUNK = 200


def make_keys(name: str, role: str) -> int:
    """Make the node's keys unless it has some, and write its card beside them."""
    settings = NodeSettings.read()
    if role not in get_args(Role):
        raise NodeError(f"a node's role is {', '.join(get_args(Role))}, not {role!r}")
    path = _keys_file(settings)
    # Asked of keys that nobody keeps, so that words which no card can say make none.
    _card(NodeKeys.make(settings.node), name, cast("Role", role))
    with changing(path.parent):
        made = not path.exists()
        if made:
            _keep(path, NodeKeys.make(settings.node).written(), 0o600)
        keys = _keys(settings)
        card = _card(keys, name, cast("Role", role))
        shown = path.parent / CARD
        _keep(shown, card.model_dump_json(indent=2) + "\n", 0o644)
    tell(f"{'made' if made else 'kept'} the keys of node {keys.node} in {path}")
    tell(f"card for others: {shown}")
    tell(f"fingerprint, to be told by another way: {fingerprint_of(card)}")
    if made:
        tell("a node that runs shares from its next start on")
    return 0


def add_peer(place: str, fingerprint: str) -> int:
    """Take a card from a file or an address into the peers file."""
    settings = NodeSettings.read()
    fetched = place.startswith(("https://", "http://"))
    card = fetched_card(place) if fetched else card_in(Path(place))
    if card.node == settings.node:
        raise NodeError(f"{card.node} is this node itself")
    told = fingerprint_of(card)
    if fetched and not fingerprint:
        raise NodeError(
            f"{card.node} shows the fingerprint {told}: have the peer tell it to you by another way, "
            "and give it with --fingerprint"
        )
    if fingerprint and fingerprint != told:
        raise NodeError(f"the card's fingerprint is {told}, not {fingerprint}: nothing was added")
    path = _peers_file(settings)
    with changing(path.parent):
        cards = _peers(settings)
        before = cards.get(card.node)
        if before and fingerprint_of(before) != told and not fingerprint:
            raise NodeError(
                f"{card.node} has other keys than before ({fingerprint_of(before)}): have the peer tell you "
                f"{told} by another way, and give it with --fingerprint"
            )
        _keep(path, write_cards([*(cards | {card.node: card}).values()]), 0o644)
    what = "added" if before is None else "unchanged" if before == card else "replaced"
    tell(f"{what}: {card.node} {card.name} ({card.role}), {told}")
    return 0


def list_peers(*, as_json: bool) -> int:
    """List the peers."""
    cards = _peers(NodeSettings.read())
    rows = [(each.node, each.name, each.role, fingerprint_of(each)) for each in cards.values()]
    columns = ("node", "name", "role", "fingerprint")
    if as_json:
        tell_json({"peers": [dict(zip(columns, row, strict=True)) for row in rows]})
    elif rows:
        table(columns, [tuple(row) for row in rows])
    else:
        tell("no peers: take a card with `./corpu peers add`")
    return 0


def tell_peers(*, as_json: bool) -> int:
    """Tell how every peer stands with each service; exit status 1 where something is wrong."""

    async def asked(operator: Voice) -> dict[str, list[dict[str, Any]]]:
        return {name: await operator.get(name, "/operations/peers") for name in SERVICES}

    by_service = ask(asked)
    rows = [
        {"service": service, **source, "accepted": peer["accepted"], "repeated": peer["repeated"]}
        for service, peers in by_service.items()
        for peer in peers
        for source in peer["sources"]
    ]
    wrong = [
        row for row in rows if row["silent"] or row["gaps"] or row["differing"] or row["alarm"]
    ]
    unheard = unheard_of(by_service)
    healthy = not (wrong or unheard)
    if as_json:
        tell_json({"peers": by_service, "unheard": unheard, "healthy": healthy})
    else:
        columns = ("service", "source", "heard_at", "silent", "gaps", "differing", "alarm")
        table(columns, [tuple(row[each] for each in columns) for row in rows])
        for node, services in unheard.items():
            tell(f"nothing was heard of {node} yet at {', '.join(services)}: is it linked?")
        if wrong:
            tell(f"{len(wrong)} of {len(rows)} need a look")
        elif healthy:
            tell("nothing lacks")
    return int(not healthy)


def unheard_of(by_service: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, list[str]]:
    """Tell of which peers some services have heard nothing at all; an auditor states nothing."""
    unheard: dict[str, list[str]] = {}
    for service, peers in by_service.items():
        for peer in peers:
            if not peer["sources"] and peer["role"] != "auditor":
                unheard.setdefault(peer["node"], []).append(service)
    return unheard


def acknowledge(code: str) -> int:
    """Take back the alarms about a peer's topics."""
    if not is_region(code):
        raise NodeError(f"a peer is a region code such as 62, not {code!r}")

    async def asked(operator: Voice) -> None:
        for name in SERVICES:
            await operator.post(name, f"/operations/peers/{code}/acknowledgement")

    ask(asked)
    tell("taken back")
    return 0


def export_copies(path: Path, to: str) -> int:
    """Write every copy for a peer, and what is offered to all, into a file of JSON lines."""
    settings = NodeSettings.read()
    _check_place(path)
    if to not in _peers(settings):
        raise NodeError(f"{to} is no peer: see `./corpu peers list`")

    async def asked(operator: Voice) -> list[str]:
        lines = []
        for name in SERVICES:
            for addressee in (to, "all"):
                after: str | None = ""
                while after is not None:
                    page = await operator.get(name, "/operations/shares", to=addressee, after=after)
                    lines += [json.dumps(each, ensure_ascii=False) for each in page["copies"]]
                    after = page["next"]
        return lines

    lines = ask(asked)
    head = json.dumps({_FORM: 1, "from": settings.node, "to": to, "copies": len(lines)})
    _keep(path, "\n".join([head, *lines, ""]), 0o600)
    tell(f"{len(lines)} copies for {to} in {path}")
    return 0


def import_copies(path: Path, *, as_json: bool) -> int:
    """Hand the copies of a file to every service, once the whole file has been read."""
    settings = NodeSettings.read()
    source, copies = _read_file(path, settings.node)

    async def asked(operator: Voice) -> dict[str, dict[str, int]]:
        told: dict[str, dict[str, int]] = {}
        for name in SERVICES:
            told[name] = {"accepted": 0, "repeated": 0, "parked": 0}
            for start in range(0, len(copies), _CHUNK):
                handed = {"node": source, "copies": copies[start : start + _CHUNK]}
                answer = await operator.post(name, "/operations/copies", handed)
                told[name] = {what: told[name][what] + answer[what] for what in told[name]}
        return told

    told = ask(asked)
    if as_json:
        tell_json({"from": source, "copies": len(copies), "services": told})
    else:
        table(
            ("service", "accepted", "repeated", "parked"),
            [(name, *each.values()) for name, each in told.items()],
        )
    return int(any(each["parked"] for each in told.values()))


def _read_file(path: Path, own: str) -> tuple[str, list[Any]]:
    """Read an exported file whole; NodeError names the line that is broken."""
    lines = list(_lines(path))
    head = lines[0] if lines else {}
    if (
        not isinstance(head, dict)
        or head.get(_FORM) != 1
        or not all(isinstance(head.get(each), str) for each in ("from", "to"))
    ):
        raise NodeError(f"{path} is not what `./corpu share export` writes")
    if head["to"] != own:
        raise NodeError(f"{path} is for node {head['to']}, and this is {own}")
    if head.get("copies") != len(lines) - 1:
        raise NodeError(f"{path} is cut off: {len(lines) - 1} of {head.get('copies')} copies")
    return head["from"], lines[1:]


def _lines(path: Path) -> Iterator[Any]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield json.loads(line.decode(), parse_constant=_no_number)
            except (ValueError, RecursionError) as broken:
                raise NodeError(f"{path}: line {number} is not JSON") from broken


def _no_number(word: str) -> None:
    """Refuse what Python reads beside JSON, such as NaN."""
    raise ValueError(word)


def _keys_file(settings: NodeSettings) -> Path:
    return Path(settings.environment.get("CORPU_NODE_KEYS") or settings.home / NODE_KEYS)


def _peers_file(settings: NodeSettings) -> Path:
    return Path(settings.environment.get("CORPU_PEERS_FILE") or settings.home / PEERS)


def _keys(settings: NodeSettings) -> NodeKeys:
    try:
        keys = NodeKeys.read(_keys_file(settings))
    except ValueError as broken:
        raise NodeError(str(broken)) from broken
    if keys.node != settings.node:
        raise NodeError(f"{_keys_file(settings)} holds the keys of node {keys.node}")
    return keys


def _card(keys: NodeKeys, name: str, role: Role) -> Card:
    try:
        return keys.card(name, role)
    except ValidationError as wrong:
        raise NodeError(f"a card cannot say that: {wrong.errors()[0]['msg']}") from wrong


def _peers(settings: NodeSettings) -> dict[str, Card]:
    path = _peers_file(settings)
    try:
        return read_cards(path.read_text(encoding="utf-8")) if path.exists() else {}
    except UnicodeDecodeError as broken:
        raise NodeError(f"{path}: not a list of cards: not text") from broken
    except ValueError as broken:
        raise NodeError(f"{path}: {broken}") from broken


def _check_place(path: Path) -> None:
    """Raise NodeError for a folder or a device: a file put in its place would end it."""
    if path.exists() and not path.is_file():
        raise NodeError(f"{path} is there, and is no file to be replaced")


def _keep(path: Path, text: str, mode: int) -> None:
    """Write a file as a whole or not at all."""
    _check_place(path)
    draft = path.with_name(f"{path.name}.draft")
    try:
        draft.unlink(missing_ok=True)
        draft.touch(mode)
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as refused:
        with suppress(OSError):
            draft.unlink()
        raise NodeError(f"{path} cannot be written: {refused.strerror}") from refused
