"""Logs with the trace id and without personal data, metrics for Prometheus, traces for OpenTelemetry."""

import logging
import sys
from typing import Any

import structlog
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_fastapi_instrumentator import Instrumentator
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.kernel.trace import traceparent
from shared.web.identity import public
from shared.web.strictness import lenient

_propagator = TraceContextTextMapPropagator()


def _trace_id(_: Any, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:  # noqa: ANN401
    """Add the trace id of the work that logs."""
    parts = traceparent.get().split("-")
    if len(parts) > 1:
        line["trace_id"] = parts[1]
    return line


def set_up_logs(service: str, *, level: int = logging.INFO) -> None:
    """Write one JSON object a line to standard error, for our loggers and the libraries' alike."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _trace_id,
        structlog.processors.format_exc_info,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, lambda _, __, line: {"service": service, **line}],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # aiokafka tells every reconnection attempt as an error, many times a second while a broker is away.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)


class _CarryTrace:
    """Puts a request's trace where stated facts take it from."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        carrier: dict[str, str] = {}
        _propagator.inject(carrier)
        token = traceparent.set(carrier.get("traceparent", ""))
        try:
            await self._app(scope, receive, send)
        finally:
            traceparent.reset(token)


def set_up_traces(service: str, node: str, *, ratio: float, endpoint: str) -> TracerProvider:
    """Make the process's tracer: `ratio` of new traces is sampled; they go to `endpoint`, if there is one."""
    resource = Resource.create({"service.name": f"corpu-{service}", "corpu.node": node})
    provider = TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(ratio)))
    if endpoint:
        # Imported here because its protobuf weighs 12 MB, which a node without a collector need not carry.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )

        provider.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces"))
        )
    trace.set_tracer_provider(provider)
    return provider


def observe(app: FastAPI) -> None:
    """Give an application `/metrics` and a span for each request."""
    Instrumentator(excluded_handlers=["/metrics", "/livez", "/readyz"]).instrument(app).expose(
        app, include_in_schema=False, dependencies=[public(), lenient()]
    )
    app.add_middleware(_CarryTrace)
    FastAPIInstrumentor.instrument_app(
        app, excluded_urls="metrics,livez,readyz", exclude_spans=["receive", "send"]
    )
