"""Logs that a program reads, metrics that Prometheus scrapes, and one trace through everything."""

import io
import json
import logging
import sys
from collections.abc import Iterator

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.bus.delivery import Delivery
from shared.kernel.trace import traceparent
from shared.store.relay import Relay
from shared.store.work import Frame
from shared.store.works import Works
from shared.web.telemetry import set_up_logs, set_up_traces
from tests.shared.store.conftest import Outgoing
from tests.support.box_service import Served
from tests.support.boxes import KINDS, SOURCE, BoxWork
from tests.support.deliveries import (
    FailingStore,
    failing,
    left,
    record,
    records,
    subscription,
    told,
)
from tests.support.waiting import until

TRACE = "ab" * 16


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """Give what the service writes to standard error, its logging set up as in a process of its own."""
    root = logging.getLogger()
    before = list(root.handlers), root.level
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    set_up_logs("boxes")
    yield written
    root.handlers[:], root.level = before[0], before[1]


@pytest.fixture(scope="module")
def spans() -> Iterator[InMemorySpanExporter]:
    """Give the spans that ended, every trace being sampled."""
    provider = set_up_traces("boxes", "35", ratio=1.0, endpoint="")
    exporter = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield exporter
    provider.shutdown()


def test_a_log_line_is_one_json_object(lines: io.StringIO) -> None:
    """It names service, level, logger, time and the trace of the work that logs."""
    token = traceparent.set(f"00-{TRACE}-{'c' * 16}-00")
    logging.getLogger("shared.bus").warning("waiting: %s", "the store\nis away")
    traceparent.reset(token)
    logging.getLogger("elsewhere").info("no trace")

    first, second = [json.loads(line) for line in lines.getvalue().splitlines()]

    assert ("boxes", "warning", "shared.bus", "waiting: the store\nis away", TRACE) == (
        first["service"], first["level"], first["logger"], first["event"], first["trace_id"],
    )  # fmt: skip
    assert first["timestamp"].endswith("Z")
    assert "trace_id" not in second


def test_an_error_is_one_line_as_well(lines: io.StringIO) -> None:
    """A traceback is a field of its line."""
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logging.getLogger("shared.bus").exception("failed")

    (line,) = lines.getvalue().splitlines()
    assert "ZeroDivisionError" in json.loads(line)["exception"]


async def test_what_is_handled_and_parked_leaves_no_personal_data_in_the_log(
    lines: io.StringIO,
) -> None:
    """A parked card is told by its reason and place, never by what it says."""
    store = FailingStore()
    works = Works(BoxWork, Frame(store, SOURCE), Relay(store, KINDS, Outgoing().publish))
    delivery = Delivery(subscription("boxes.note-who-left"), works)
    person = "198501012010012001"
    broken = record(told(left(person)))

    await delivery.deliver(
        [
            type(broken)("enrolment", 0, 0, broken.headers, f'{{"learner_id": {person}}}'.encode()),
            *records([failing("defect", person)]),
        ]
    )

    assert 2 <= len(lines.getvalue().splitlines())
    assert person not in lines.getvalue()


async def test_metrics_are_told_to_prometheus(service: Served) -> None:
    """Facts stated, handled and parked, the outbox's age, lag, seconds and requests; without a token."""
    await service.ask("POST", "/boxes", json={"label": "a"})
    await service.engine.bus.publish([told(failing("refused"))])
    await until(lambda: all(count == 0 for count in service.engine.bus.lag().values()))

    answer = await service.client.get("/metrics")

    assert 200 == answer.status_code
    for name in (
        'corpu_facts_stated_total{type="id.corpu.seat_freed.v1"}',
        'corpu_facts_parked_total{reason="not-here",subscription="boxes.fail"}',
        "corpu_outbox_age_seconds",
        "corpu_consumer_lag",
        'corpu_handler_seconds_count{subscription="boxes.fail"}',
        "http_requests_total",
    ):
        assert name in answer.text


async def test_handled_facts_are_counted_once() -> None:
    """By subscription and type, whatever had to be done again."""
    store = FailingStore()
    works = Works(BoxWork, Frame(store, SOURCE), Relay(store, KINDS, Outgoing().publish))
    delivery = Delivery(subscription("boxes.counted"), works)

    await delivery.deliver(records([left("a"), left("b"), failing("refused")]))

    from prometheus_client import REGISTRY  # noqa: PLC0415

    labels = {"subscription": "boxes.counted", "type": "id.corpu.seat_freed.v1"}
    assert 2 == REGISTRY.get_sample_value("corpu_facts_handled_total", labels)


async def test_one_trace_goes_from_the_request_through_every_handler(
    service: Served, spans: InMemorySpanExporter
) -> None:
    """The request's span is the parent of the handler's, over the fact that stands between them."""
    spans.clear()
    headers = {"traceparent": f"00-{TRACE}-{'c' * 16}-01"}
    await service.ask("POST", "/boxes", json={"label": "traced"}, headers=headers)
    await until(lambda: len(service.engine.bus.messages("enrolment")), equals=1)
    (fact,) = service.engine.bus.messages("enrolment")

    store, outgoing = FailingStore(), Outgoing()
    works = Works(BoxWork, Frame(store, SOURCE), Relay(store, KINDS, outgoing.publish))
    await Delivery(subscription("boxes.next"), works).deliver([record(fact)])

    ended = {span.name: span for span in spans.get_finished_spans()}
    request, handler = ended["POST /boxes"], ended["boxes.next"]
    assert {int(TRACE, 16)} == {request.context.trace_id, handler.context.trace_id}
    assert handler.parent is not None
    assert request.context.span_id == handler.parent.span_id
    assert "id.corpu.seat_freed.v1" == (handler.attributes or {})["cloudevents.event_type"]
    (stated,) = outgoing.published
    assert [TRACE, trace.format_span_id(handler.context.span_id)] == stated.traceparent.split("-")[
        1:3
    ]


async def test_a_trace_that_is_not_sampled_is_carried_on_without_a_span(
    spans: InMemorySpanExporter,
) -> None:
    """Spans cost something; the trace id for logs does not."""
    spans.clear()
    store, outgoing = FailingStore(), Outgoing()
    works = Works(BoxWork, Frame(store, SOURCE), Relay(store, KINDS, outgoing.publish))
    unsampled = f"00-{TRACE}-{'c' * 16}-00"

    await Delivery(subscription("boxes.quiet"), works).deliver(
        [record(told(left("a"), traceparent=unsampled))]
    )

    assert () == spans.get_finished_spans()
    assert [unsampled] == [each.traceparent for each in outgoing.published]
