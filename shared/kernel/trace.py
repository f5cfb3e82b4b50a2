"""The trace that the present work belongs to, as a W3C `traceparent`."""

from contextvars import ContextVar

traceparent: ContextVar[str] = ContextVar("traceparent", default="")
"""What facts stated now carry on, so that one trace follows a nomination to its certificate."""
