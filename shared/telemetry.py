"""Metrics, and the trace context that travels with every cause.

All metrics of the house are named here. Labels are services, kinds, codes and route templates,
never ids. Traces follow W3C `traceparent`: it is stored in the outbox and in due work, so a trace
runs through them. Spans are written, as JSON lines, only where a trace file is configured.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_PROPAGATOR = TraceContextTextMapPropagator()


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.consumer_lag = Gauge(
            "practice_consumer_lag_records", "Records behind the broker", ["partition"], registry=r
        )
        self.outbox_depth = Gauge(
            "practice_outbox_rows", "Committed events not yet confirmed", registry=r
        )
        self.outbox_age = Gauge(
            "practice_outbox_oldest_seconds", "Age of the oldest of them", registry=r
        )
        self.parked = Gauge(
            "practice_parked_events", "Open parked events", ["state", "reason"], registry=r
        )
        self.parked_work = Gauge("practice_parked_work", "Parked due work", registry=r)
        self.timer_lateness = Gauge(
            "practice_due_work_lateness_seconds", "Lateness of the last timer decided", registry=r
        )
        self.work_unfinished = Gauge(
            "practice_due_work_unfinished", "Fallen due and not done", registry=r
        )
        self.breaker_open = Gauge(
            "practice_breaker_open", "1 while a vendor's breaker is open", ["vendor"], registry=r
        )
        self.requests = Counter(
            "practice_http_requests_total",
            "Requests by route template and status",
            ["method", "route", "status"],
            registry=r,
        )
        self.request_s = Histogram(
            "practice_http_request_seconds", "Request duration", ["route"], registry=r
        )


def set_up_tracing(service: str, trace_file: Path | None) -> None:
    """Write spans to `trace_file`; without one, spans cost nothing and only ids travel."""
    if trace_file is None:
        return
    out = trace_file.open("a", buffering=1)
    exporter = ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(indent=None) + "\n")
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


@contextmanager
def span(name: str, *, parent: str | None, **attributes: Any) -> Iterator[str]:
    """A span under `parent`; yields the traceparent that its effects carry on.

    `attributes` are ids, codes and counts.
    """
    context = _PROPAGATOR.extract({"traceparent": parent} if parent else {})
    with trace.get_tracer("practice").start_as_current_span(
        name, context=context, attributes=attributes, record_exception=False
    ):
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        yield carrier.get("traceparent") or child_of(parent)


def child_of(parent: str | None) -> str:
    """A traceparent of the same trace with a new span id; a new trace where there is none."""
    parts = (parent or "").split("-")
    trace_id = parts[1] if len(parts) == 4 and len(parts[1]) == 32 else secrets.token_hex(16)  # noqa: PLR2004  # W3C lengths
    return f"00-{trace_id}-{secrets.token_hex(8)}-01"
