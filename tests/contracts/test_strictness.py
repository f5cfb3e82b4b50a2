"""Every door of every service refuses what it does not understand, and says what it does."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from deploy.contracts import APPS, OPENAPI
from shared.web.identity import ROLES
from tests.contracts.test_access import clients_of
from tests.support.access import BODIES, fill, routes_of
from tests.support.node import MemoryNode, memory_node

FOR_PEOPLE = {"/verify/{code}", "/live/{session_id}/watch", "/live/player/{edition}/{name}"}
"""What is opened from links, to which messengers add parameters, and the files of such a page."""
NAMES = dict.fromkeys(
    ("enrolment_id", "learner_id", "cohort_id", "roster_id", "notice_id", "parked_id", "claim_id",
     "agreement_id", "session_id", "node", "number", "verification", "agency", "code"), "35.73"
)  # fmt: skip
"""Something for each name in a path that is none of its own."""
FOR_MONITORS = {"/livez", "/readyz", "/metrics"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def node(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MemoryNode]:
    """Give a node on which nothing has happened."""
    async with memory_node(tmp_path_factory.mktemp("strict")) as found:
        yield found


@pytest.mark.asyncio(loop_scope="module")
async def test_no_route_takes_a_parameter_that_it_does_not_know(node: MemoryNode) -> None:
    """Whoever asks for `?cohort_id=x` is told the names that there are, and not everything; pages and probes open."""
    routes = [each for name, app in node.apps.items() for each in routes_of(name, app)]
    before = {name: store.snapshot() for name, store in node.engine.stores.items()}
    async with clients_of(node) as clients:
        for route in routes:
            body = BODIES.get((route.service, route.method, route.path), dict)()
            path = fill(route.path, NAMES).partition("?")[0]
            answer = await clients[route.service].request(
                route.method, path, params={"fbclid": "x"}, **body
            )
            where = f"{route}: {answer.status_code} {answer.text[:200]}"
            if route.path in FOR_PEOPLE | FOR_MONITORS:
                assert answer.status_code in {200, 404}, where
                continue
            assert 422 == answer.status_code, where
            if route.method == "HEAD":
                continue
            assert "urn:corpu:problem:unknown-parameter" == answer.json()["type"], where
            assert "`fbclid`" in answer.json()["detail"], where
    assert before == {name: store.snapshot() for name, store in node.engine.stores.items()}


@pytest.mark.asyncio(loop_scope="module")
async def test_no_filter_that_says_nothing_finds_everything(node: MemoryNode) -> None:
    """`?cohort=`, as a script asks whose variable is empty, is refused; only a page's place may be its beginning."""
    places = {"after", "since"}
    everybody = node.issuer.bearer(*ROLES, learner_id="35.73")
    async with clients_of(node) as clients:
        asked = [
            (service, path, each["name"])
            for service in APPS
            for path, operations in json.loads((OPENAPI / f"{service}.json").read_text())[
                "paths"
            ].items()
            for each in operations.get("get", {}).get("parameters", ())
            if each["in"] == "query" and each["name"] not in places
        ]
        for service, path, name in asked:
            address = f"{fill(path, NAMES).partition('?')[0]}?{name}="
            answer = await clients[service].get(address, headers=everybody)
            refused = [each["where"] for each in answer.json()["errors"]]
            assert f"query.{name}" in refused, f"{service} {address}: {answer.text[:200]}"
    assert len(asked) > 40


def _bodies(service: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Tell every object that a service's request bodies are made of, with where it stands."""
    document = json.loads((OPENAPI / f"{service}.json").read_text("utf-8"))

    def objects(schema: dict[str, Any], where: str) -> Iterator[tuple[str, dict[str, Any]]]:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            # One that is in itself has been told already.
            if f"/{name}" not in where:
                yield from objects(document["components"]["schemas"][name], f"{where}/{name}")
            return
        if schema.get("type") == "object" or "properties" in schema:
            yield where, schema
        inner = [*schema.get("properties", {}).items(), ("items", schema.get("items"))]
        inner += [("other", schema.get("additionalProperties"))]
        inner += schema.get("patternProperties", {}).items()
        inner += [
            (kind, each) for kind in ("anyOf", "oneOf", "allOf") for each in schema.get(kind, ())
        ]
        for name, each in inner:
            if isinstance(each, dict):
                yield from objects(each, f"{where}.{name}")

    for place, operations in document["paths"].items():
        for method, operation in operations.items():
            for body in operation.get("requestBody", {}).get("content", {}).values():
                yield from objects(body["schema"], f"{service}: {method} {place}")


def test_no_body_takes_a_field_that_it_does_not_know() -> None:
    """Every object in a request names all of its fields, or bounds the names that people choose in it."""
    told = [found for service in APPS for found in _bodies(service)]
    open_ones = [
        where
        for where, schema in told
        if schema.get("additionalProperties", True) is True and "patternProperties" not in schema
    ]

    assert len(told) > 30
    assert [] == open_ones
