"""Whatever fits a service's OpenAPI document, or just does not, is answered as the document says."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import SkipTest

import pytest
import schemathesis
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from deploy.contracts import OPENAPI
from deploy.demo.run import play
from shared.web.identity import ROLES
from tests.support.access import ENDLESS
from tests.support.node import memory_node
from tests.support.serving import listening

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
BRIEFLY = settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    derandomize=True,
)


@dataclass(frozen=True)
class Reached:
    """Where the services listen, a token for everything, and the ids of what is really there."""

    addresses: dict[str, str]
    headers: dict[str, str]
    ids: dict[str, str]


@asynccontextmanager
async def _serving(folder: Path) -> AsyncIterator[Reached]:
    """Serve a node in memory, on which a small cohort was played to its end."""
    async with AsyncExitStack() as stack:
        node = await stack.enter_async_context(memory_node(folder))
        await play(node.stage(folder), 8)
        addresses = {}
        for name, app in node.apps.items():
            addresses[name] = await stack.enter_async_context(listening(app))
        enrolment = node.engine.stores["enrolment"].snapshot()
        dossiers = node.engine.stores["certification"].snapshot()["dossiers"]
        one = enrolment["enrolments"][
            next(key for key, each in dossiers.items() if each["certificates"])
        ]
        ids = {
            **{name: one[name] for name in ("cohort_id", "learner_id")},
            "enrolment_id": one["_id"],
            "roster_id": next(iter(enrolment["rosters"])),
            "notice_id": next(iter(node.engine.stores["notify"].snapshot()["notices"])),
        }
        yield Reached(addresses, node.issuer.bearer(*ROLES, learner_id=ids["learner_id"]), ids)


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reached]:
    """Give the node, which runs beside the tests."""
    folder = tmp_path_factory.mktemp("fuzz")
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_serving(folder)) as node,
    ):
        yield node


@cache
def _schema(service: str) -> Any:  # noqa: ANN401 - schemathesis' own
    return schemathesis.openapi.from_path(OPENAPI / f"{service}.json")


def _operations() -> list[tuple[str, str, str]]:
    return [
        (path.stem, method, place)
        for path in sorted(OPENAPI.glob("*.json"))
        for place, operations in json.loads(path.read_text("utf-8"))["paths"].items()
        for method in operations
        if (path.stem, place) not in ENDLESS and (path.stem == "enrolment" or not _is_shared(place))
    ]


def _is_shared(place: str) -> bool:
    """Tell what is the same code in every service, and needs asking in one only."""
    return place.startswith(("/operations/", "/livez", "/readyz"))


@pytest.mark.parametrize(
    "mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["fits", "does-not"]
)
@pytest.mark.parametrize(("service", "method", "place"), _operations())
def test_an_answer_is_as_documented(
    reached: Reached, service: str, method: str, place: str, mode: GenerationMode
) -> None:
    """No defect, no undocumented status, media type, header or body."""
    operation = _schema(service)[place][method]

    @BRIEFLY
    @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
    def ask(case: Any, real: bool) -> None:  # noqa: ANN401, FBT001 - hypothesis gives it
        if real and isinstance(case.path_parameters, dict):
            case.path_parameters |= {
                n: i for n, i in reached.ids.items() if n in case.path_parameters
            }
        case.call_and_validate(
            base_url=reached.addresses[service], headers=reached.headers, checks=CHECKS
        )

    try:
        ask()
    except (Unsatisfiable, SkipTest):
        pytest.skip("nothing can be wrong about it")
