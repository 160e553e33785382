"""What the API documents say: every operation of every service is put in words."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.catalogue.contracts import ROOT

METHODS = {"get", "post", "put", "patch", "delete"}
MODULES = sorted({*(ROOT / "services").rglob("*.py"), *(ROOT / "shared").rglob("*.py")})


def _without_words(code: str) -> Iterator[str]:
    """The routes whose handler has no docstring: the document's description begins with it."""
    for node in ast.walk(ast.parse(code)):
        if (
            isinstance(node, ast.AsyncFunctionDef)
            and any(_is_route(decorator) for decorator in node.decorator_list)
            and not ast.get_docstring(node)
        ):
            yield node.name


def _is_route(decorator: ast.expr) -> bool:
    called = decorator.func if isinstance(decorator, ast.Call) else None
    return (
        isinstance(called, ast.Attribute)
        and called.attr in METHODS
        and isinstance(called.value, ast.Name)
        and called.value.id == "router"
    )


@pytest.mark.parametrize(
    "path",
    [path for path in MODULES if "@router." in path.read_text()],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_each_operation_says_what_it_does(path: Path) -> None:
    assert list(_without_words(path.read_text())) == []


def test_a_silent_operation_is_found() -> None:
    silent = '@router.get("/x")\nasync def silent(): ...\n'
    told = '@router.get("/y")\nasync def told():\n    "Says it."\n'
    assert list(_without_words(silent + told)) == ["silent"]
