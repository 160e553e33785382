"""Docs that lead nowhere mislead: links resolve, commands exist, tables name what there is."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic_settings import BaseSettings

from deploy.catalogue.contracts import ROOT
from services.billing.settings import BillingSettings
from services.notifications.settings import NotificationsSettings
from services.pharmacy.settings import PharmacySettings
from services.scheduling.settings import SchedulingSettings
from shared.settings import PracticeSettings, ServiceSettings
from shared.telemetry import Metrics

FOLDERS = ("docs", "services", "shared", "deploy", "tests", "bench")
PAGES = sorted(
    {*ROOT.glob("*.md"), *(page for name in FOLDERS for page in (ROOT / name).rglob("*.md"))}
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?:make|practice|python -m|bash|\./?\.ci/run|\.ci/run)\b.*$", re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    """GitHub's anchors of a page's headings."""
    text = FENCE.sub("", page.read_text())
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _dead_links(page: Path) -> list[str]:
    dead = []
    for link in LINK.findall(FENCE.sub("", page.read_text())):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            dead.append(link)
    return dead


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    assert _dead_links(page) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Here\n[a](gone.md) [b](#there) [c](#here) [d](page.md)\n")
    assert _dead_links(page) == ["gone.md", "#there"]


def _commands(page: Path) -> list[str]:
    """The commands that a page shows, in its blocks and inline."""
    text = page.read_text()
    blocks = "\n".join(block for _, block in FENCE.findall(text))
    inline = re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    return [line.strip() for line in COMMAND.findall("\n".join([blocks, *inline]))]


def _missing(command: str) -> str | None:
    """Why a command cannot be run, or None."""
    words = re.sub(r"\s+#.*$", "", command).split()
    match words:
        case ["make", *targets]:
            makefile = (ROOT / "Makefile").read_text()
            unknown = [
                t for t in targets if not re.search(rf"^{re.escape(t)}:", makefile, re.MULTILINE)
            ]
            return f"no target {unknown}" if unknown else None
        case ["practice", *words]:
            return _missing_in(typer.main.get_command(_cli()), words)
        case ["python", "-m", module, *_]:
            found = importlib.util.find_spec(module)
            return None if found is not None else f"no module {module}"
        case ["bash", script] | [script]:
            return None if (ROOT / script).exists() else f"no file {script}"
        case _:
            return "not understood"


def _cli() -> Any:
    from deploy.local.cli import app

    return app


def _missing_in(command: Any, words: list[str]) -> str | None:
    """Walk the words down the command line's groups; options must be known."""
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        if words[0] not in command.commands:
            return f"no command {words[0]}"
        command, words = command.commands[words[0]], words[1:]
    known = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    unknown = [word for word in words if word.startswith("-") and word not in known]
    return f"no option {unknown}" if unknown else None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_shows_exists(page: Path) -> None:
    wrong = {command: why for command in _commands(page) if (why := _missing(command))}
    assert wrong == {}


@pytest.mark.parametrize(
    "command",
    [
        "make coffee",
        "practice dance",
        "practice outbox replay --untill",
        "python -m services.dancing",
        "bash .ci/walk",
    ],
)
def test_a_command_that_does_not_exist_is_found(command: str) -> None:
    assert _missing(command) is not None


def test_the_runbook_lists_every_metric_and_no_other() -> None:
    listed = re.findall(
        r"^\| `(practice_\w+)`", (ROOT / "docs/runbook.md").read_text(), re.MULTILINE
    )
    there = {
        metric.name + ("_total" if metric.type == "counter" else "")
        for metric in Metrics().registry.collect()
    }
    assert set(listed) == there


SETTINGS: dict[str, type[BaseSettings]] = {
    "PRACTICE_": PracticeSettings,
    "SCHEDULING_": SchedulingSettings,
    "BILLING_": BillingSettings,
    "PHARMACY_": PharmacySettings,
    "NOTIFICATIONS_": NotificationsSettings,
}


def test_the_runbook_lists_every_setting_no_other_and_which_are_needed() -> None:
    runbook = (ROOT / "docs/runbook.md").read_text()
    section = runbook.partition("\n## Settings")[2].partition("\n## ")[0]
    listed = {
        name: cells[-1] == "needed"
        for line in section.splitlines()
        for cells in [[cell.strip() for cell in line.strip("|").split("|")]]
        for name in re.findall(r"`([A-Z][A-Z_]+)`", cells[0])
        if "_" in name
    }
    there = {
        ("X_" if name in ServiceSettings.model_fields else prefix) + name.upper(): needed
        for prefix, settings in SETTINGS.items()
        for name, field in settings.model_fields.items()
        for needed in [field.is_required()]
    }
    assert listed == there


def test_the_runbook_quotes_what_readiness_says() -> None:
    code = "".join(
        path.read_text()
        for path in (ROOT / "shared").glob("**/*.py")
        if "migrations" not in str(path)
    )
    runbook = (ROOT / "docs/runbook.md").read_text()
    section = runbook.partition("## Readiness")[2].partition("\n## ")[0]
    quoted = re.findall(r"^\| \w+ \| `([^`]+)`", section, re.MULTILINE)
    assert len(quoted) > 5
    for words in quoted:
        for part in re.split(r"waits for (?=\w+)|…|\d+", words):
            assert part.strip(" s:") in code, words


def test_the_runbook_explains_every_reason_that_the_seam_gives() -> None:
    code = "".join(
        (ROOT / f"shared/messaging/{name}.py").read_text()
        for name in ("seam", "records", "envelope", "causes")
    )
    reasons = set(re.findall(r'(?:Poison\(|reason=|else )"([a-z_]+)"', code))
    reasons |= set(re.findall(r'Unreadable\(record, "([a-z_]+)"', code))
    runbook = (ROOT / "docs/runbook.md").read_text()
    assert {reason for reason in reasons if f"`{reason}`" not in runbook} <= {"lost_races"}
    assert reasons >= {"not_json", "null_value", "key_mismatch", "no_type"}


def test_the_requirements_are_pinned_by_hash_and_name_no_index() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text()
        assert "://" not in text
        assert "index-url" not in text
        pins = re.findall(
            r"^(\S+==.+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.MULTILINE
        )
        named = [line for line in text.splitlines() if line and line[0] not in "# "]
        assert len(pins) == len(named) > 10


def _unfounded(step: str) -> set[str]:
    """The names in a step of a walk that stand in none of the files that it links to."""
    names = set(re.findall(r"`(?:tx\.)?(\w+)`", step))
    linked = [ROOT / link.partition("#")[0] for link in LINK.findall(step)]
    code = "".join(path.read_text() for path in linked)
    return {name for name in names if not re.search(rf"\b{name}\b", code)}


def test_every_name_on_the_walk_after_one_event_stands_in_the_file_that_it_leads_to() -> None:
    walk = (
        (ROOT / "README.md").read_text().partition("## Follow one event")[2].partition("\n## ")[0]
    )
    steps = re.split(r"^\d+\. ", walk, flags=re.MULTILINE)[1:]
    assert len(steps) == 8
    assert {
        number: wrong for number, step in enumerate(steps, 1) if (wrong := _unfounded(step))
    } == {}


def test_a_name_that_stands_nowhere_is_found() -> None:
    assert _unfounded("`dance` in [money](shared/money.py), `dollars` there") == {"dance"}
