"""A log line carries ids, codes and counts; what a patient could have typed never reaches one."""

from __future__ import annotations

import ast
import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from shared import logs
from shared.errors import Poison
from tests.platform.conftest import CLOCK, Lines

CANARY = "Testa Canary +1 202-555-0147"
ROOT = Path(__file__).parents[2]


log = structlog.get_logger("tests")


def test_an_allowed_field_is_shown_and_any_other_is_dropped_and_counted(lines: Lines) -> None:
    logs.dropped.clear()
    log.info("visit_checked_in", attempts=2, patient_name=CANARY, phone=CANARY)
    line = lines.only()
    assert line["event"] == "visit_checked_in"
    assert (line["attempts"], line["service"], line["dropped"]) == (2, "test", 2)
    assert line["at"] == "2026-11-02T14:00:00.000+00:00"
    assert "Canary" not in lines.getvalue()
    assert logs.dropped == {"patient_name": 1, "phone": 1}


def test_a_module_may_declare_a_field_of_its_own_safe(lines: Lines) -> None:
    log.info("x", made_up_id=1)
    logs.allow("made_up_id")
    log.info("x", made_up_id=1)
    assert ["made_up_id" in line for line in lines.all()] == [False, True]


@pytest.mark.parametrize(
    "value", [{"name": CANARY}, Poison("code", CANARY), object(), b"Canary", [{"name": CANARY}]]
)
def test_a_value_that_is_not_plain_is_reduced_to_its_type(lines: Lines, value: object) -> None:
    log.info("x", reason=value)
    assert "Canary" not in lines.getvalue()
    assert "<" in json.dumps(lines.only()["reason"])


def test_an_event_that_is_a_sentence_is_left_out_because_it_may_hold_values(lines: Lines) -> None:
    log.info(f"checked in {CANARY}")  # noqa: G004  # the mistake that is caught
    log.info("checked in %s", CANARY)
    assert {line["event"] for line in lines.all()} == {"text_left_out"}
    assert "Canary" not in lines.getvalue()


def test_an_exception_is_its_type_its_code_and_its_places(lines: Lines) -> None:
    try:
        try:
            raise ValueError(CANARY)
        except ValueError as cause:
            raise Poison("sealed_key", CANARY) from cause
    except Poison:
        log.exception("x")
    line = lines.only()
    assert (line["error_type"], line["error_code"]) == ("Poison", "sealed_key")
    assert line["caused_by"] == ["ValueError"]
    assert line["places"][0].startswith("test_logs.py:")
    assert "Canary" not in lines.getvalue()


def test_an_exception_group_names_what_it_holds(lines: Lines) -> None:
    log.error("x", exc_info=ExceptionGroup(CANARY, [KeyError(CANARY), ValueError(CANARY)]))
    assert lines.only()["caused_by"] == ["KeyError", "ValueError"]
    assert "Canary" not in lines.getvalue()


def test_a_foreign_text_is_kept_only_as_it_stands_in_the_code(lines: Lines) -> None:
    foreign = logging.getLogger("aiokafka.conn")
    foreign.error("Unable to connect to %s", CANARY)
    foreign.error(f"Failed to process {CANARY}")  # as libraries do
    foreign.error("Failed" + f" for {CANARY}: %s", 3)
    foreign.error({"name": CANARY})
    constant, *built = lines.all()
    assert constant["text"] == "Unable to connect to %s"
    assert constant["place"].startswith("test_logs.py:")
    assert constant["logger"] == "aiokafka.conn"
    assert [line["text"] for line in built] == [None, None, None]
    assert "Canary" not in lines.getvalue()


def test_a_foreign_exception_keeps_its_type_and_loses_its_text(lines: Lines) -> None:
    try:
        raise RuntimeError(CANARY)
    except RuntimeError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
    line = lines.only()
    assert (line["text"], line["error_type"]) == ("Exception in ASGI application", "RuntimeError")
    assert "Canary" not in lines.getvalue()


def test_a_flood_from_one_place_is_one_line_and_a_count(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(logs, "monotonic", lambda: now)
    for _ in range(2):
        for _ in range(500):
            logging.getLogger("aiokafka").error("Topic %s is not available", "t")
        now += 6
    first, second = lines.all()
    assert "repeated" not in first
    assert second["repeated"] == 499


def test_a_library_that_brought_its_own_handler_loses_it(lines: Lines) -> None:
    own = io.StringIO()
    chatty = logging.getLogger("faststream.access.kafka")
    chatty.addHandler(logging.StreamHandler(own))
    chatty.propagate = False
    logs.set_up("test", level="info", clock=CLOCK, out=lines)
    chatty.error("Received %s", CANARY)
    assert own.getvalue() == ""
    assert lines.only()["text"] == "Received %s"


def test_a_warning_is_a_line_without_its_text(lines: Lines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn(f"odd value {CANARY}", stacklevel=1)
    assert lines.only()["logger"] == "py.warnings"
    assert "Canary" not in lines.getvalue()


def test_a_bound_correlation_id_stands_on_every_line_within(lines: Lines) -> None:
    with logs.bind(correlation_id="c-1", patient_name=CANARY):
        log.info("x")
    log.info("x")
    assert [line.get("correlation_id") for line in lines.all()] == ["c-1", None]
    assert "Canary" not in lines.getvalue()


def test_a_process_that_dies_of_an_exception_does_not_print_its_text() -> None:
    code = f"""
import threading
from shared import logs
from shared.clock import SystemClock
logs.set_up("test", level="info", clock=SystemClock())
def die():
    raise LookupError({CANARY!r})
thread = threading.Thread(target=die); thread.start(); thread.join()
raise ValueError({CANARY!r})
"""
    ended = subprocess.run(  # noqa: S603  # our own interpreter and a constant
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert ended.returncode == 1
    assert "Canary" not in ended.stdout + ended.stderr
    thread, process = (json.loads(line) for line in ended.stdout.splitlines())
    assert (thread["event"], thread["error_type"]) == ("thread_died", "LookupError")
    assert (process["event"], process["error_type"]) == ("process_died", "ValueError")


def test_on_a_terminal_the_lines_are_laid_out_and_still_filtered(lines: Lines) -> None:
    lines.isatty = lambda: True  # type: ignore[method-assign]
    logs.set_up("test", level="info", clock=CLOCK, out=lines)
    log.info("visit_checked_in", attempts=2, patient_name=CANARY)
    assert "visit_checked_in" in lines.getvalue()
    assert not lines.getvalue().startswith("{")
    assert "Canary" not in lines.getvalue()


def _logged_fields(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="log")), keywords=keywords):
                yield from ((node.lineno, found.arg) for found in keywords if found.arg)


def test_every_field_that_our_code_logs_is_on_the_allow_list() -> None:
    import_all = sorted((ROOT / "shared").rglob("*.py")) + sorted((ROOT / "services").rglob("*.py"))
    declared = {
        name.value
        for path in import_all
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "logs.allow"
        for name in node.args
        if isinstance(name, ast.Constant)
    }
    missing = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path in import_all
        for line, name in _logged_fields(path)
        if not logs.allowed(name) and name not in declared | {"exc_info"}
    ]
    assert missing == []
