"""What the catalogue promises, written down: a JSON Schema for each fact and one AsyncAPI document for all.

`python -m shared.events.contracts` writes the schemas beside this file; with `--check` it only tells
which of them are out of date, and exits with 1 if any is.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.events.catalogue import CATALOGUE, TOPICS, Fact
from shared.events.fact import ATTENDANCE, SHARE

Schema = dict[str, Any]
SCHEMAS = Path(__file__).parent / "schemas"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_OWNERS = {"learners": "enrolment"}
"""Topics whose owner is not the service of the same name."""

_ABOUT = {
    "enrolment": "Seats, enrolments and decisions. What concerns one learner stays in order.",
    "progress": "Phases met, programmes completed, deadlines that near.",
    "certification": "Certificates issued, superseded and revoked.",
    "learners": "Each learner's current card, compacted; the only personal data. A tombstone erases.",
}
_HEADERS: Mapping[str, Schema] = {
    "ce_specversion": {"const": "1.0"},
    "ce_id": {"format": "uuid", "description": "Derived from source, aggregate, epoch and seq."},
    "ce_source": {"pattern": "^/corpu/[0-9]{2}(\\.[0-9]{2})?/[a-z]+$"},
    "ce_type": {"description": "The fact's wire name with its version."},
    "ce_subject": {"description": "The learner's pseudonym, the record's key as well."},
    "ce_time": {"format": "date-time", "description": "When it happened, not when it was sent."},
    "ce_aggregate": {"description": "Whose story the fact belongs to: kind/id."},
    "ce_seq": {"pattern": "^[1-9][0-9]*$", "description": "Its gap-free place in that story."},
    "ce_epoch": {"pattern": "^[1-9][0-9]*$", "description": "Restorations of the stating store."},
    "content-type": {"const": "application/json"},
}


@dataclass(frozen=True)
class Heard:
    """That a service's subscription hears a fact."""

    service: str
    subscription: str
    fact: type[Fact]


def schema_of(fact: type[Fact]) -> Schema:
    """Write a fact's JSON Schema; it takes unknown fields, for readers ignore what a newer writer adds."""
    opened: Schema = _open(fact.model_json_schema())
    return {"$schema": _DIALECT, "$id": f"urn:corpu:fact:{fact.type}", **opened}


def _open(part: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(part, dict):
        closed = part.get("additionalProperties") is False
        return {
            name: _open(inner)
            for name, inner in part.items()
            if not (closed and name == "additionalProperties")
        }
    return [_open(each) for each in part] if isinstance(part, list) else part


def schema_files() -> dict[Path, str]:
    """Tell every schema's file and what it must hold."""
    return {
        SCHEMAS / f"{name}.json": json.dumps(schema_of(fact), indent=2, ensure_ascii=False) + "\n"
        for name, fact in CATALOGUE.items()
    }


def stale(files: Mapping[Path, str], folder: Path, pattern: str) -> list[Path]:
    """Tell which files are missing or out of date, and which files of `folder` nobody writes any more."""
    old = [
        path for path, text in files.items() if not path.exists() or path.read_text("utf-8") != text
    ]
    return sorted([*old, *(set(folder.glob(pattern)) - files.keys())])


def write(files: Mapping[Path, str], folder: Path, pattern: str) -> list[Path]:
    """Write what is out of date, remove what nobody writes any more, and tell which files changed."""
    changed = stale(files, folder, pattern)
    folder.mkdir(parents=True, exist_ok=True)
    for path in changed:
        if path in files:
            path.write_text(files[path], "utf-8")
        else:
            path.unlink()
    return changed


def _beats_operation(action: str) -> Schema:
    told: Schema = {
        "action": action,
        "channel": {"$ref": f"#/channels/{ATTENDANCE}"},
        "messages": [{"$ref": f"#/channels/{ATTENDANCE}/messages/beats"}],
    }
    if action == "send":
        return told
    group = {"type": "string", "const": "progress.fold-attendance"}
    return told | {"bindings": {"kafka": {"groupId": group, "bindingVersion": "0.5.0"}}}


_BEATS_CHANNEL: Schema = {
    "address": ATTENDANCE,
    "description": "Heartbeats of live sessions, which are no facts: packed by the edge of progress, for progress "
    "alone, and OR-ed into minutes, so that any order and any repetition ends the same.",
    "messages": {
        "beats": {
            "summary": "Learners who were there, by session and minute; or the mark that follows a session's last.",
            "contentType": "application/octet-stream",
            "payload": {
                "type": "string",
                "format": "binary",
                "description": "Beats: byte 1, then blocks: replay (0 or 1), the session id's length and the id, the "
                "minute and the number of learners (16 bits each, big-endian), 16 bytes for each learner. Barrier: "
                "byte 2, the closing's number (32 bits), the partition (16 bits), the session id.",
            },
        }
    },
    "bindings": {
        "kafka": {
            "topic": ATTENDANCE,
            "bindingVersion": "0.5.0",
            "topicConfiguration": {"retention.ms": 604_800_000},
        }
    },
}
_BEATS = (
    ("progress.state-attendance", _beats_operation("send")),
    ("progress.fold-attendance.attendance", _beats_operation("receive")),
)


def owner_of(topic: str) -> str:
    """Tell the service that states what a topic carries."""
    return _OWNERS.get(topic, topic)


def asyncapi(
    heard: Iterable[Heard], shared: Mapping[str, Iterable[type[Fact]]], schemas: str
) -> Schema:
    """Make the AsyncAPI 3 document; `schemas` is where its reader finds the schemas' folder.

    `shared` tells by service which of its facts travel to other nodes as signed copies.
    """
    # In an order of their own, for the catalogue's follows from who imported what first.
    facts = sorted(CATALOGUE.values(), key=lambda fact: fact.type)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "CorpU node",
            "version": "1",
            "description": "Facts that the services of a learning node tell each other: CloudEvents 1.0"
            " in the Kafka protocol binding's binary mode, at least once, each learner's in order.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic: _channel(topic, facts) for topic in TOPICS}
        | _shares(shared, facts)
        | {ATTENDANCE: _BEATS_CHANNEL},
        "operations": dict([*_sends(facts), *_shared(shared, facts), *_receives(heard), *_BEATS]),
        "components": {
            "messages": {_key(fact): _message(fact, schemas) for fact in facts},
            "schemas": {"headers": _headers()},
        },
    }


def _key(fact: type[Fact]) -> str:
    return fact.type.removeprefix("id.corpu.")


def _channel(topic: str, facts: Iterable[type[Fact]]) -> Schema:
    kafka: Schema = {"topic": topic, "bindingVersion": "0.5.0"}
    if topic == "learners":
        kafka["topicConfiguration"] = {"cleanup.policy": ["compact"]}
    return {
        "address": topic,
        "description": _ABOUT[topic],
        "messages": {
            _key(fact): {"$ref": f"#/components/messages/{_key(fact)}"}
            for fact in facts
            if fact.topic == topic
        },
        "bindings": {"kafka": kafka},
    }


def _shares(shared: Mapping[str, Iterable[type[Fact]]], facts: Iterable[type[Fact]]) -> Schema:
    """Tell the topics of signed copies: one for each peer, and one for all."""
    copied = sorted(
        {each for of_service in shared.values() for each in of_service} | {*_control(facts)},
        key=lambda fact: fact.type,
    )
    messages = {_key(each): {"$ref": f"#/components/messages/{_key(each)}"} for each in copied}
    return {
        SHARE: {
            "address": f"{SHARE}.{{addressee}}",
            "description": "Signed copies for one other node, or for `all`: the headers `ce_to` and `signature` "
            "(a detached JWS over the attributes and the data) come besides, and `ce_seq` counts what this "
            "addressee is sent. The receiver mirrors it as `<sender>.share.<addressee>`.",
            "parameters": {"addressee": {"description": "A node's region code, or `all`."}},
            "messages": messages,
        }
    }


def _control(facts: Iterable[type[Fact]]) -> list[type[Fact]]:
    """Tell the facts that nodes tell each other about the sharing itself."""
    return [fact for fact in facts if fact.topic == SHARE]


def _shared(
    shared: Mapping[str, Iterable[type[Fact]]], facts: Iterable[type[Fact]]
) -> Iterable[tuple[str, Schema]]:
    control = _control(facts)
    for service, copied in shared.items():
        told = sorted({*copied, *control}, key=lambda fact: fact.type)
        yield f"{service}.share-{SHARE}", _operation("send", SHARE, told)


def _sends(facts: Iterable[type[Fact]]) -> Iterable[tuple[str, Schema]]:
    for topic in TOPICS:
        of_topic = [fact for fact in facts if fact.topic == topic]
        yield f"{owner_of(topic)}.state-{topic}", _operation("send", topic, of_topic)


def _receives(heard: Iterable[Heard]) -> Iterable[tuple[str, Schema]]:
    groups: dict[tuple[str, str], list[type[Fact]]] = {}
    for each in heard:
        groups.setdefault((each.subscription, each.fact.topic), []).append(each.fact)
    for (subscription, topic), facts in sorted(groups.items(), key=lambda group: group[0]):
        group = {"type": "string", "const": subscription}
        bindings = {"kafka": {"groupId": group, "bindingVersion": "0.5.0"}}
        operation = _operation("receive", topic, facts) | {"bindings": bindings}
        yield f"{subscription}.{topic}", operation


def _operation(action: str, topic: str, facts: Iterable[type[Fact]]) -> Schema:
    messages = [{"$ref": f"#/channels/{topic}/messages/{_key(fact)}"} for fact in facts]
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": sorted(messages, key=lambda each: each["$ref"]),
    }


def _message(fact: type[Fact], schemas: str) -> Schema:
    return {
        "name": fact.type,
        "title": fact.__name__,
        "summary": (fact.__doc__ or "").strip().splitlines()[0],
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/headers"},
        "payload": {"$ref": f"{schemas}/{fact.type}.json"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": "The learner's pseudonym."},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _headers() -> Schema:
    trace = {"type": "string", "description": "The W3C trace that the fact belongs to, if any."}
    texts = {name: {"type": "string", **rest} for name, rest in _HEADERS.items()}
    return {
        "type": "object",
        "required": list(_HEADERS),
        "properties": {**texts, "traceparent": trace},
    }


def main(arguments: list[str]) -> int:
    """Write the schemas, or with `--check` tell which are out of date; the exit code says whether any was."""
    checking = arguments == ["--check"]
    changed = (stale if checking else write)(schema_files(), SCHEMAS, "*.json")
    for path in changed:
        sys.stdout.write(f"{'out of date' if checking else 'written'}: {path.name}\n")
    return int(checking and bool(changed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
