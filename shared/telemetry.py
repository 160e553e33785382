"""Metrics, and the trace context that travels with every cause.

All metrics of the house are named here. Labels are services, kinds, codes and route templates,
never ids. Traces follow W3C `traceparent`: it is stored in the outbox and in due work, so a trace
runs through them. Spans are written, as JSON lines, only where a trace file is configured; without
one only the ids travel. Attributes pass the allow-list of the logs, and an exception is its type.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar, cast

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, StatusCode, TraceFlags, Tracer
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared import logs
from shared.errors import PracticeError

G = TypeVar("G")

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_NOTHING = frozenset({"0" * 32, "0" * 16})

_here: ContextVar[str | None] = ContextVar("traceparent", default=None)


class Metrics:
    """The metrics of one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        r = self.registry
        self.consumer_lag = Gauge(
            "practice_consumer_lag_records", "Records behind the broker", ["partition"], registry=r
        )
        self.consumer_idle = Gauge(
            "practice_consumer_progress_age_seconds", "Since the last batch was taken", registry=r
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
        self.parked_outbox = Gauge(
            "practice_parked_outbox_rows", "Committed events that the broker refuses", registry=r
        )
        self.timer_lateness = Gauge(
            "practice_due_work_lateness_seconds", "Lateness of the last timer decided", registry=r
        )
        self.work_unfinished = Gauge(
            "practice_due_work_unfinished", "Fallen due and not done", registry=r
        )
        self.work_running = Gauge(
            "practice_due_work_running", "Outside calls being made", registry=r
        )
        self.gateway_calls = Counter(
            "practice_gateway_calls_total",
            "Outside calls by vendor and outcome (ok, retry, poison, timeout, bug)",
            ["vendor", "outcome"],
            registry=r,
        )
        self.gateway_s = Histogram(
            "practice_gateway_call_seconds", "Duration of outside calls", ["vendor"], registry=r
        )
        self.breaker_open = Gauge(
            "practice_breaker_open", "1 while a vendor's breaker is open", ["vendor"], registry=r
        )
        self.key_refused = Gauge(
            "practice_vendor_key_refused",
            "1 while a vendor does not accept our key",
            ["vendor"],
            registry=r,
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

    def called(self, vendor: str, outcome: str, took_s: float) -> None:
        """Count one outside call."""
        self.gateway_calls.labels(vendor, outcome).inc()
        self.gateway_s.labels(vendor).observe(took_s)


def measured(gateway: G, vendor: str, metrics: Metrics) -> G:
    """The same gateway, with every call counted, timed and traced under the vendor's name."""
    return cast("G", _Measured(gateway, vendor, metrics))


class _Measured:
    def __init__(self, gateway: object, vendor: str, metrics: Metrics) -> None:
        self._gateway = gateway
        self._vendor = vendor
        self._metrics = metrics

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._gateway, name)
        if name == "aclose" or not inspect.iscoroutinefunction(found):
            return found

        async def call(*args: Any, **named: Any) -> Any:
            started, outcome = perf_counter(), "bug"
            try:
                with span("gateway_call", vendor=self._vendor, kind=name):
                    answer = await found(*args, **named)
                outcome = "ok"
            except (asyncio.CancelledError, TimeoutError):
                outcome = "timeout"
                raise
            except PracticeError as error:
                outcome = type(error).__name__.lower()
                raise
            finally:
                self._metrics.called(self._vendor, outcome, perf_counter() - started)
            return answer

        return call


class _Spans:
    """Where spans go in this process; nowhere until `set_up_tracing` names a file.

    The provider is never made OpenTelemetry's global one: libraries that find a global provider
    start writing spans of their own, FastAPI's with the query string in it.
    """

    tracer: Tracer | None = None
    stop: Callable[[], object] = ExitStack().close


def set_up_tracing(service: str, trace_file: Path | None) -> None:
    """Write spans to `trace_file`, one JSON object per line; without one only ids travel."""
    stop_tracing()
    if trace_file is None:
        return
    out = trace_file.open("a", buffering=1, encoding="utf-8")
    exporter = ConsoleSpanExporter(out=out, formatter=lambda span: span.to_json(indent=None) + "\n")
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    ending = ExitStack()
    ending.callback(out.close)
    ending.callback(provider.shutdown)
    _Spans.tracer, _Spans.stop = provider.get_tracer("practice"), ending.close


def stop_tracing() -> None:
    """Write out the spans that still wait, and write no more."""
    _Spans.tracer = None
    _Spans.stop()


def writes_spans() -> bool:
    """Whether this process writes spans; where it does not, hot paths need not make ids."""
    return _Spans.tracer is not None


def current_traceparent() -> str | None:
    """The traceparent of the span that runs here, if one does."""
    return _here.get()


@contextmanager
def span(name: str, *, parent: str | None = None, **attributes: Any) -> Iterator[str]:
    """A span under `parent` (or the one that runs here); yields the traceparent of its effects.

    `attributes` are ids, codes and counts; what is not on the logs' allow-list is left out.
    """
    parent = parent or _here.get()
    if _Spans.tracer is None:
        mine = child_of(parent)
        token = _here.set(mine)
        try:
            yield mine
        finally:
            _here.reset(token)
        return
    with _Spans.tracer.start_as_current_span(
        name,
        context=_context(parent),
        attributes=_attributes(attributes),
        record_exception=False,
        set_status_on_exception=False,
    ) as recording:
        found = recording.get_span_context()
        mine = f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"
        token = _here.set(mine)
        try:
            yield mine
        except BaseException as error:
            recording.set_status(StatusCode.ERROR, type(error).__name__)
            raise
        finally:
            _here.reset(token)


def note(**attributes: Any) -> None:
    """Add attributes to the span that runs here, where spans are written."""
    if _Spans.tracer is not None:
        trace.get_current_span().set_attributes(_attributes(attributes))


def child_of(parent: str | None) -> str:
    """A traceparent of the same trace with a new span id; a new trace where there is none."""
    found = _parsed(parent)
    trace_id, _, flags = found or (secrets.token_hex(16), "", "01")
    return f"00-{trace_id}-{secrets.token_hex(8)}-{flags}"


def well_formed(traceparent: str | None) -> str | None:
    """The traceparent itself if W3C would call it one; it travels on in rows and headers."""
    return None if _parsed(traceparent) is None else traceparent


def _parsed(traceparent: str | None) -> tuple[str, str, str] | None:
    """Trace id, span id and flags; `None` for anything that W3C would not call a traceparent.

    It comes from outside and goes into outbox rows and headers, so its form is held to the letter.
    """
    match = _TRACEPARENT.fullmatch(traceparent or "")
    if match is None or not _NOTHING.isdisjoint(match.groups()):
        return None
    return match[1], match[2], match[3]


def _context(parent: str | None) -> Any:
    found = _parsed(parent)
    if found is None:
        return trace.set_span_in_context(trace.INVALID_SPAN)
    trace_id, span_id, flags = found
    remote = SpanContext(
        int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16))
    )
    return trace.set_span_in_context(NonRecordingSpan(remote))


def _attributes(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in logs.safe(given).items() if value is not None}
