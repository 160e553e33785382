"""Printing: a superbill's JSON to a PDF, in this process, with nothing fetched from anywhere."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import typst

from services.billing.work import SuperbillRendered
from shared.errors import Poison

TEMPLATE = Path(__file__).parent.parent / "superbill.typ"

STANDARDS: Any = ["a-3a", "ua-1"]
"""PDF/A-3a keeps the JSON twin inside it for decades; PDF/UA-1 can be read aloud."""


class Typesetter(Protocol):
    """Raises `Poison` when the content cannot be printed. The same content prints the same."""

    async def render(
        self, superbill_id: UUID, content: bytes, *, issued_at: datetime
    ) -> SuperbillRendered: ...


class Typst:
    """`Typesetter` by the typst library, off the event loop. Only its own fonts are used."""

    async def render(
        self, superbill_id: UUID, content: bytes, *, issued_at: datetime
    ) -> SuperbillRendered:
        pdf = await asyncio.to_thread(_compile, content, issued_at)
        return SuperbillRendered(superbill_id=superbill_id, pdf=pdf)


def _compile(content: bytes, issued_at: datetime) -> bytes:
    try:
        pdf = typst.compile(
            TEMPLATE,
            root=TEMPLATE.parent,
            format="pdf",
            ignore_system_fonts=True,
            sys_inputs={"superbill": content.decode()},
            pdf_standards=STANDARDS,
            timestamp=issued_at,
        )
    except typst.TypstError:  # its text may quote the content
        raise Poison("superbill_not_printable") from None
    assert isinstance(pdf, bytes)
    return pdf
