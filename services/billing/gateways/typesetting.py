"""Printing: a document's JSON to a PDF, in this process, with nothing fetched from anywhere.

A document is a template in `documents/`, named for what it prints, and its content. Templates share
`look.typ`. The content is attached to the PDF, so that programs need not read pages.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import typst

from shared.errors import Poison

TEMPLATES = Path(__file__).parent.parent / "documents"

STANDARDS: Any = ["a-3a", "ua-1"]
"""PDF/A-3a keeps the JSON twin inside it for decades; PDF/UA-1 can be read aloud."""


class Template(StrEnum):
    """What can be printed; each is a file in `documents/`."""

    DISPUTE = "dispute"
    RECEIPT = "receipt"
    ESTIMATE = "estimate"
    STATEMENT = "statement"
    SUPERBILL = "superbill"


class Typesetter(Protocol):
    """Raises `Poison` when the content cannot be printed. The same content prints the same."""

    async def render(self, template: Template, content: bytes, *, issued_at: datetime) -> bytes:
        """A PDF of JSON `content`, dated `issued_at`, with the content attached."""
        ...


class Typst:
    """`Typesetter` by the typst library, off the event loop. Only its own fonts are used."""

    async def render(self, template: Template, content: bytes, *, issued_at: datetime) -> bytes:
        return await asyncio.to_thread(_compile, template, content, issued_at)


def _compile(template: Template, content: bytes, issued_at: datetime) -> bytes:
    try:
        pdf = typst.compile(
            TEMPLATES / f"{template}.typ",
            root=TEMPLATES,
            format="pdf",
            ignore_system_fonts=True,
            sys_inputs={"content": content.decode()},
            pdf_standards=STANDARDS,
            timestamp=issued_at.replace(microsecond=0),  # typst takes whole seconds only
        )
    except typst.TypstError:  # its text may quote the content
        raise Poison(f"{template}_not_printable") from None
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":
            raise
        raise Poison(f"{template}_not_printable") from None  # typst gave up on letters it lacks
    assert isinstance(pdf, bytes)
    return pdf
