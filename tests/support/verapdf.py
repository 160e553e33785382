"""veraPDF's reading of a PDF: the reference for what PDF/A and PDF/UA ask, from Maven.

A machine without Java or without a way to Maven's repository skips, and says what it lacks.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from deploy.catalogue.contracts import ROOT
from deploy.local import maven

PROJECT = ROOT / "deploy" / "verapdf"
FLAVOURS = "3a,ua1"
_WITHIN_S = 300.0


def broken_rules(folder: Path, *pdfs: bytes) -> list[str]:
    """The clauses of PDF/A-3a and PDF/UA-1 that the documents break, in veraPDF's words."""
    java, libs = _verapdf()
    paths = [folder / f"document-{at}.pdf" for at in range(len(pdfs))]
    for path, pdf in zip(paths, pdfs, strict=True):
        path.write_bytes(pdf)
    told = subprocess.run(  # noqa: S603  # a Java of this machine on jars that the pom names
        [java, "-cp", f"{libs}/*", str(PROJECT / "Validate.java"), FLAVOURS, *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
        timeout=_WITHIN_S,
    )
    assert told.returncode == 0, told.stderr[-2000:]
    return told.stdout.splitlines()


def _verapdf() -> tuple[str, Path]:
    if lack := maven.missing():
        _skip(lack)
    try:
        libs = maven.fetch(PROJECT)
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        _skip(str(error).splitlines()[0])
    java = maven.find_java()
    assert java is not None
    return java, libs


def _skip(lack: str) -> None:
    pytest.skip(f"veraPDF does not read our documents here: {lack}")
