"""The documents that others read are current, sound, and say what really travels."""

import json
from typing import Any

import pytest
import yaml
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from cloudevents.core.formats.json import JSONFormat
from jsonschema import Draft202012Validator

from deploy.contracts import (
    APPS,
    ASYNCAPI,
    OPENAPI,
    SHARED,
    asyncapi_file,
    heard,
    main,
    openapi_files,
)  # fmt: skip
from services.progress.consumers.attendance import FOLD
from shared.events.catalogue import CATALOGUE, TOPICS
from shared.events.contracts import SCHEMAS, owner_of, stale
from shared.events.fact import ATTENDANCE, SHARE
from tests.support.boxes import AT
from tests.support.deliveries import SAMPLED, left, told

Document = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Document:
    """Give the committed AsyncAPI document."""
    loaded: Document = yaml.safe_load(ASYNCAPI.read_text("utf-8"))
    return loaded


def _at(document: Document, reference: str) -> Any:  # noqa: ANN401 - any JSON
    part: Any = document
    for step in reference.removeprefix("#/").split("/"):
        part = part[step]
    return part


def _references(part: Any) -> list[str]:  # noqa: ANN401 - any JSON
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for inner in part.values() for found in _references(inner)]
    return [found for each in part for found in _references(each)] if isinstance(part, list) else []


def test_the_documents_are_current() -> None:
    """`python -m deploy.contracts --write` would change nothing."""
    assert [] == stale(asyncapi_file(), ASYNCAPI.parent, ASYNCAPI.name)
    assert [] == stale(openapi_files(), OPENAPI, "*.json")


def test_the_command_wants_to_know_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    """Without `--write` or `--check` it says how it is called."""
    assert (2, 0) == (main([]), main(["--check"]))
    assert "usage" in capsys.readouterr().err


def test_every_reference_leads_somewhere(document: Document) -> None:
    """Within the document, and from its messages to the committed schemas."""
    for reference in _references(document):
        if reference.startswith("#/"):
            assert _at(document, reference)
        else:
            assert (ASYNCAPI.parent / reference).resolve().parent == SCHEMAS
            assert (ASYNCAPI.parent / reference).exists()


def test_it_is_an_asyncapi_3_document(document: Document) -> None:
    """It has the parts that the specification asks for, and nothing else at the top."""
    assert "3.0.0" == document["asyncapi"]
    assert {"title", "version"} <= document["info"].keys()
    assert {
        "asyncapi", "info", "defaultContentType", "channels", "operations", "components",
    } == document.keys()  # fmt: skip
    for operation in document["operations"].values():
        assert operation["action"] in {"send", "receive"}
        channel = operation["channel"]["$ref"]
        assert all(
            each["$ref"].startswith(f"{channel}/messages/") for each in operation["messages"]
        )


def test_every_fact_is_sent_by_its_owner_on_its_topic(document: Document) -> None:
    """Channels are topics, their messages are the catalogue's facts, and each is sent by one service."""
    sent = {
        (
            name.partition(".")[0],
            operation["channel"]["$ref"].rpartition("/")[2],
            each["$ref"].rpartition("/")[2],
        )
        for name, operation in document["operations"].items()
        if operation["action"] == "send"
        for each in operation["messages"]
    }

    assert {*TOPICS, SHARE, ATTENDANCE} == document["channels"].keys()
    assert {
        (owner_of(fact.topic), fact.topic, fact.type.removeprefix("id.corpu."))
        for fact in CATALOGUE.values()
        if fact.topic != SHARE
    } == {each for each in sent if each[1] not in (SHARE, ATTENDANCE)}
    assert ("progress", ATTENDANCE, "beats") in sent


def test_every_service_shares_what_it_says(document: Document) -> None:
    """What travels to other nodes stands on the topics of copies, the heads among it."""
    for service, facts in SHARED.items():
        operation = document["operations"][f"{service}.share-{SHARE}"]
        told_ = {each["$ref"].rpartition("/")[2] for each in operation["messages"]}

        expected = {fact.type.removeprefix("id.corpu.") for fact in facts}
        assert {*expected, "heads_told.v1", "restatement_asked.v1"} == told_


def test_every_subscription_is_told(document: Document) -> None:
    """Each with its consumer group and all facts that it hears."""
    told_ = {
        (operation["bindings"]["kafka"]["groupId"]["const"], each["$ref"].rpartition("/")[2])
        for operation in document["operations"].values()
        if operation["action"] == "receive"
        for each in operation["messages"]
    }

    assert {(each.subscription, each.fact.type.removeprefix("id.corpu.")) for each in heard()} | {
        (FOLD, "beats")
    } == told_


def test_a_subscription_is_named_after_its_service() -> None:
    """The names are durable data: service, dot, and a verb phrase in lower case with hyphens."""
    for each in heard():
        service, _, phrase = each.subscription.partition(".")

        assert each.service == service
        assert phrase.replace("-", "").isalpha()
        assert phrase.islower()


def test_the_headers_are_as_documented(document: Document) -> None:
    """What a message really carries fits the document's schema for headers."""
    message = told(left("e"), traceparent=SAMPLED)
    headers = {name: value.decode() for name, value in message.to_headers()}
    schema = document["components"]["schemas"]["headers"]

    Draft202012Validator(schema).validate(headers)
    assert schema["properties"].keys() == headers.keys()


def test_a_record_is_a_cloudevent_in_binary_mode() -> None:
    """The CloudEvents library reads our records as the Kafka protocol binding says."""
    message = told(left("e"), seq=3)
    record = KafkaMessage(
        dict(message.to_headers()), message.subject.encode(), message.data.encode()
    )

    event = from_binary_event(record, JSONFormat())

    assert {
        "specversion": "1.0", "id": message.id, "type": "id.corpu.seat_freed.v1",
        "source": "/corpu/35/enrolment", "subject": "l", "time": AT,
        "datacontenttype": "application/json", "aggregate": "enrolments/e", "seq": "3", "epoch": "1",
    }.items() <= event.get_attributes().items()  # fmt: skip
    assert json.loads(message.data) == event.get_data()


@pytest.mark.parametrize("service", APPS)
def test_an_openapi_document_is_complete(service: str) -> None:
    """It is OpenAPI 3.1, every reference leads somewhere, and every operation says what it does."""
    document: Document = json.loads((OPENAPI / f"{service}.json").read_text("utf-8"))

    assert document["openapi"].startswith("3.1")
    assert all(_at(document, reference) for reference in _references(document))
    for path, operations in document["paths"].items():
        for verb, operation in operations.items():
            assert operation.get("description") or operation.get("summary"), f"{verb} {path}"
