"""Logs: JSON lines that carry only fields known to be safe.

A field that is not on the allow-list is dropped, and a value that is not plain is reduced to its
type. Exception text is never logged, because it may quote what a patient typed: an exception is
its type, its code where it is ours, and the places it passed. Foreign loggers (uvicorn, aiokafka,
SQLAlchemy, FastStream) come through the same door: the text of a record is kept only if it stands,
word for word, in the code that logged it; one that was put together from values is left out.
"""

from __future__ import annotations

import linecache
import logging
import re
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, timedelta
from enum import Enum
from pathlib import Path
from time import monotonic
from types import MappingProxyType, TracebackType
from typing import Any, TextIO
from uuid import UUID

import structlog

from shared.clock import Clock
from shared.errors import PracticeError

_SAFE_FIELDS = {
    "event", "level", "logger", "at", "service", "code", "reason", "attempts", "kind", "parked",
    "topic", "error_type", "error_code", "places", "waits_for", "events", "idle_s", "part",
    "parked_in_a_row", "correlation_id", "method", "route", "status", "took_ms", "vendor",
    "moves", "port", "field", "sqlstate", "dropped", "repeated", "role", "check", "caused_by",
    "setting",
}  # fmt: skip

_bound: ContextVar[Mapping[str, Any]] = ContextVar("bound", default=MappingProxyType({}))

_EVENT = re.compile(r"[a-z][a-z0-9_]{0,79}")
_FOREIGN = "foreign"
_FLOOD_S = 5.0
_MAX_TEXT = 200
_MAX_ITEMS = 20

dropped: Counter[str] = Counter()
"""How often a field of this name was dropped; for a developer who misses one."""


def allow(*names: str) -> None:
    """Declare fields safe to log: ids, codes, counts, times. Never names, texts or payloads."""
    _SAFE_FIELDS.update(names)


def allowed(name: str) -> bool:
    return name in _SAFE_FIELDS


def safe(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that may be shown, with plain values; also for trace attributes and audits."""
    return {name: _plain(value) for name, value in fields.items() if name in _SAFE_FIELDS}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value[:_MAX_TEXT]
    if isinstance(value, UUID | date | timedelta):
        return str(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in list(value)[:_MAX_ITEMS]]
    return f"<{type(value).__name__}>"


def places(trace: TracebackType | None) -> list[str]:
    """Where an exception passed, as `file:line function`, without any value."""
    return [
        f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
        for frame in traceback.extract_tb(trace)[-8:]
    ]


def _described(error: BaseException) -> dict[str, Any]:
    """What may be said of an exception: its type, its code, where it passed, what caused it."""
    fields: dict[str, Any] = {
        "error_type": type(error).__name__,
        "places": places(error.__traceback__),
    }
    if isinstance(error, BaseExceptionGroup):
        fields["caused_by"] = [type(inner).__name__ for inner in error.exceptions]
    elif (cause := error.__cause__) is not None:
        fields["caused_by"] = [type(cause).__name__]
    if isinstance(error, PracticeError):
        fields["error_code"] = error.code
    state = getattr(getattr(error, "orig", error), "sqlstate", None)
    if isinstance(state, str):
        fields["sqlstate"] = state
    return fields


def _describe_exception(_: Any, __: str, fields: MutableMapping[str, Any]) -> Any:
    raised = fields.pop("exc_info", None)
    error = sys.exc_info()[1] if raised is True else raised
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        fields.update(_described(error))
    return fields


def _only_safe_fields(_: Any, __: str, fields: MutableMapping[str, Any]) -> Any:
    foreign = fields.get("event") == _FOREIGN and fields.pop("_foreign", None)
    unsafe = [name for name in fields if name not in _SAFE_FIELDS]
    shown = safe(fields)
    if not _EVENT.fullmatch(str(shown.get("event"))):
        shown["event"] = "text_left_out"
        unsafe.append("event")
    if foreign:
        shown["text"], shown["place"] = foreign
    if unsafe:
        shown["dropped"] = len(unsafe)
        dropped.update(name for name in unsafe if len(dropped) < 1000 or name in dropped)  # noqa: PLR2004  # a limit
    return shown


class _Foreign(logging.Handler):
    """Foreign records: a text without values, the place, the level; repeats are counted."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, int], tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        site = (record.pathname, record.lineno)
        now = monotonic()
        last, repeated = self._seen.get(site, (-_FLOOD_S, 0))
        if now - last < _FLOOD_S:
            self._seen[site] = (last, repeated + 1)
            return
        self._seen[site] = (now, 0)
        place = f"{Path(record.pathname).name}:{record.lineno} {record.funcName}"
        fields: dict[str, Any] = {"logger": record.name, "_foreign": (_constant(record), place)}
        if repeated:
            fields["repeated"] = repeated
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        structlog.get_logger().log(record.levelno, _FOREIGN, **fields)


def _constant(record: logging.LogRecord) -> str | None:
    """The record's text before its arguments, if the code that logged it says it word for word."""
    text = record.msg.strip() if isinstance(record.msg, str) else ""
    code = "".join(linecache.getlines(record.pathname))
    return text[:_MAX_TEXT] if text and text in code else None


def set_up(service: str, *, level: str, clock: Clock, out: TextIO | None = None) -> None:
    """Route everything that this process logs to `out` (stdout): one JSON object per line.

    On a terminal the lines are laid out for reading. What ends the process unexpectedly is logged
    the same way, without its text.
    """
    out = out or sys.stdout

    def stamp(_: Any, __: str, fields: MutableMapping[str, Any]) -> Any:
        fields["at"] = clock.now().isoformat(timespec="milliseconds")
        fields["service"] = service
        return fields

    structlog.configure(
        processors=[
            _merge_bound,
            structlog.stdlib.add_log_level,
            _describe_exception,
            stamp,
            _only_safe_fields,
            structlog.dev.ConsoleRenderer()
            if out.isatty()
            else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    _take_over_foreign_loggers()
    sys.excepthook = _last_words
    threading.excepthook = _thread_died


def _take_over_foreign_loggers() -> None:
    """Libraries that brought handlers of their own (FastStream) would print what they like."""
    root = logging.getLogger()
    root.handlers[:] = [_Foreign()]
    root.setLevel(logging.WARNING)
    for logger in list(logging.root.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            logger.handlers.clear()
            logger.propagate = True
    logging.captureWarnings(capture=True)


def _last_words(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    structlog.get_logger().critical("process_died", exc_info=error.with_traceback(trace))


def _thread_died(died: threading.ExceptHookArgs) -> None:
    if died.exc_value is not None:
        structlog.get_logger().critical("thread_died", exc_info=died.exc_value)


@contextmanager
def bind(**fields: Any) -> Iterator[None]:
    """Put fields on every line that is logged inside the block, by this task and its children."""
    before = _bound.set({**_bound.get(), **fields})
    try:
        yield
    finally:
        _bound.reset(before)


def _merge_bound(_: Any, __: str, fields: MutableMapping[str, Any]) -> Any:
    return {**_bound.get(), **fields}
