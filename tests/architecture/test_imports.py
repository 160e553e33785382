"""Who may import whom. Each contract is seen to hold, and to go red on a planted violation."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.catalogue.contracts import ROOT

PLANTED = {
    "shared": (
        "shared/planted.py",
        "import services.planted",
        "shared.planted -> services.planted",
    ),
    "independent": (
        "services/planted/handlers.py",
        "import services.other",
        "services.planted.handlers -> services.other",
    ),
    "services": (
        "services/planted/app.py",
        "from deploy.kafka import topics",
        "services.planted.app -> deploy.kafka.topics",
    ),
    "rules": (
        "services/planted/rules.py",
        "import random\nimport httpx\nfrom decimal import Decimal\nfrom shared import clock, money",
        "services.planted.rules imports random",
    ),
    "values": (
        "services/planted/values.py",
        "import time\nimport pydantic",
        "services.planted.values imports time",
    ),
    "migrations": (
        "services/planted/migrations/versions/0001_planted.py",
        "from services.planted import tables\nfrom datetime import datetime\nimport sqlalchemy",
        "services.planted.migrations.versions.0001_planted imports services.planted.tables",
    ),
    "outside": (
        "deploy/local/outside/planted.py",
        "import services.planted",
        "deploy.local.outside.planted -> services.planted",
    ),
}


def _lint(folder: Path) -> tuple[int, str]:
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as run; run()",
            "--no-cache",
            "--no-logo",
        ],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return run.returncode, run.stdout + run.stderr


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of a copy of the house with one violation per contract."""
    house = tmp_path_factory.mktemp("house")
    for folder in ("shared", "services", "deploy", "tests/architecture"):
        shutil.copytree(
            ROOT / folder, house / folder, ignore=shutil.ignore_patterns("__pycache__", "target")
        )
    shutil.copy(ROOT / "pyproject.toml", house)
    for name in ("planted", "other"):
        (house / "services" / name).mkdir()
        (house / "services" / name / "__init__.py").touch()
    (house / "services/planted/tables.py").touch()
    for folder in ("migrations", "migrations/versions"):
        (house / "services/planted" / folder).mkdir()
        (house / "services/planted" / folder / "__init__.py").touch()
    for path, code, _ in PLANTED.values():
        (house / path).write_text(code + "\n")
    code, said = _lint(house)
    assert code == 1, said
    return said


def _contracts() -> dict[str, str]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {one["id"]: one["name"] for one in config["tool"]["importlinter"]["contracts"]}


def test_the_import_contracts_hold() -> None:
    code, said = _lint(ROOT)
    assert code == 0, said


def test_every_contract_has_its_planted_violation() -> None:
    assert set(PLANTED) == set(_contracts())


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_violation_turns_its_contract_red(planted: str, contract: str) -> None:
    assert f"{_contracts()[contract]} BROKEN" in planted
    assert PLANTED[contract][2] in planted


def test_rules_are_red_for_each_thing_that_they_may_not_import(planted: str) -> None:
    wrong = set(re.findall(r"services\.planted\.rules imports (\S+)", planted))
    assert wrong == {"random", "httpx", "shared.clock"}


BANNED_CALLS = {"now", "utcnow", "today", "fromtimestamp", "uuid1", "uuid4", "uuid7", "new_id"}
"""Time and ids are passed in: a rule that reads them gives another answer tomorrow."""


def _impure_calls(code: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in BANNED_CALLS:
                yield f"line {node.lineno}: {name}()"
        if isinstance(node, ast.AsyncFunctionDef | ast.Await):
            yield f"line {node.lineno}: async"


def _rules() -> list[Path]:
    services = ROOT / "services"
    return sorted({*services.glob("*/rules.py"), *services.glob("*/rules/**/*.py")})


@pytest.mark.parametrize("path", _rules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_rule_reads_no_clock_and_makes_no_id(path: Path) -> None:
    assert list(_impure_calls(path.read_text())) == []


@pytest.mark.parametrize(
    "code",
    [
        "from datetime import datetime, UTC\nat = datetime.now(UTC)",
        "from datetime import date\nday = date.today()",
        "from uuid import uuid4\nfound = uuid4()",
        "import uuid\nfound = uuid.uuid4()",
        "async def rule(): ...",
    ],
)
def test_a_rule_that_reads_a_clock_or_makes_an_id_is_found(code: str) -> None:
    assert list(_impure_calls(code))
