"""Logs: JSON lines that carry only fields known to be safe.

A field that is not on the allow-list is dropped. Exception text is never logged, because it may
quote what a patient typed: an exception is its type, its code where it is ours, and the places it
passed. Foreign loggers (uvicorn, aiokafka, SQLAlchemy, FastStream) come through the same door, as
the template of their message without its arguments.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

import structlog

from shared.clock import Clock
from shared.errors import PracticeError

_SAFE_FIELDS = {
    "event", "level", "logger", "at", "service", "code", "reason", "attempts", "kind", "parked",
    "topic", "error_type", "error_code", "places", "waits_for", "events", "idle_s", "part",
    "parked_in_a_row", "correlation_id", "method", "route", "status", "took_ms", "vendor",
    "moves", "port", "field", "sqlstate", "dropped", "repeated",
}  # fmt: skip

_FLOOD_S = 5.0


def allow(*names: str) -> None:
    """Declare fields safe to log: ids, codes, counts, times. Never names, texts or payloads."""
    _SAFE_FIELDS.update(names)


def places(trace: TracebackType | None) -> list[str]:
    """Where an exception passed, as `file:line function`, without any value."""
    return [
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace)[-8:]
    ]


def _describe_exception(_: Any, __: str, fields: MutableMapping[str, Any]) -> Any:
    raised = fields.pop("exc_info", None)
    error = sys.exc_info()[1] if raised is True else raised
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        fields["error_type"] = type(error).__name__
        fields["places"] = places(error.__traceback__)
        if isinstance(error, PracticeError):
            fields["error_code"] = error.code
    return fields


def _only_safe_fields(_: Any, __: str, fields: MutableMapping[str, Any]) -> Any:
    dropped = [name for name in fields if name not in _SAFE_FIELDS]
    for name in dropped:
        del fields[name]
    if dropped:
        fields["dropped"] = len(dropped)
    return fields


class _Foreign(logging.Handler):
    """Foreign records, reduced to template, level and logger; repeats are counted."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[str, tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        template = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        if not record.args and record.name != "uvicorn.error":
            template = template.split(":")[0][:80]  # already formatted: the rest may hold values
        if "%" not in template and "{" in template:
            template = template.split("{")[0]
        now = monotonic()
        last, repeated = self._seen.get(template, (0.0, 0))
        if now - last < _FLOOD_S:
            self._seen[template] = (last, repeated + 1)
            return
        self._seen[template] = (now, 0)
        fields: dict[str, Any] = {"logger": record.name}
        if repeated:
            fields["repeated"] = repeated
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        structlog.get_logger().log(record.levelno, template, **fields)


def set_up(service: str, *, level: str, clock: Clock) -> None:
    """Route everything that this process logs to stdout, one JSON object per line."""

    def stamp(_: Any, __: str, fields: MutableMapping[str, Any]) -> Any:
        fields["at"] = clock.now().isoformat(timespec="milliseconds")
        fields["service"] = service
        return fields

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            _describe_exception,
            stamp,
            _only_safe_fields,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Foreign()]
    root.setLevel(logging.WARNING)
    logging.getLogger("uvicorn.access").disabled = True


bind = structlog.contextvars.bound_contextvars
