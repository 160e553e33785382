"""Documents: archival, readable aloud and by programs, and nothing in them is ever run."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path

import orjson
import pytest
from pypdf import PdfReader

from services.billing.gateways.typesetting import Template, Typst
from shared.errors import Poison
from tests.billing.bills import printed, superbill, words_of
from tests.billing.records import STOPPED_AT
from tests.support.verapdf import broken_rules

TWELVE = (
    *("F33.2", "F43.12", "F41.1", "G89.4", "M79.7", "F31.81", "G54.6", "B02.29"),
    *("F32.A", "F42.9", "R45.851", "Z99.99"),
)


async def test_verapdf_finds_every_document_archival_and_accessible(tmp_path: Path):
    documents = [
        await printed(superbill(40)),
        await printed(superbill(240, diagnoses=TWELVE)),
    ]
    assert broken_rules(tmp_path, *documents) == []


async def test_verapdf_notices_a_document_that_is_neither(tmp_path: Path):
    pdf = await printed(superbill(40))
    said_less = pdf.replace(b"<pdfaid:part>3<", b"<pdfaid:part>1<").replace(
        b"<pdfuaid:", b"<pdfxaid:"
    )
    found = " ".join(broken_rules(tmp_path, said_less))
    assert "PDF/A Identification" in found
    assert "PDF/UA Identification" in found


async def test_a_document_says_of_itself_that_it_is_archival_and_can_be_read_aloud():
    reader = PdfReader(io.BytesIO(await printed(superbill(40))))
    about = reader.xmp_metadata.rdf_root.toxml() if reader.xmp_metadata else ""
    assert "<pdfaid:part>3</pdfaid:part>" in about
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in about
    assert "<pdfuaid:part>1</pdfuaid:part>" in about
    catalog = reader.trailer["/Root"]
    assert catalog["/MarkInfo"]["/Marked"]
    assert str(catalog["/Lang"]).startswith("en")
    assert reader.metadata is not None
    assert reader.metadata.title == "Superbill SB-2026-000040"


async def test_the_tables_of_a_document_are_tagged_with_their_headers():
    pdf = await printed(superbill(91))
    roles = [role for role in _roles(PdfReader(io.BytesIO(pdf))) if role in {"/Table", "/TH"}]
    assert roles.count("/Table") >= 3
    assert roles.count("/TH") >= 3 + 8 + 4


def _roles(reader: PdfReader) -> list[str]:
    def below(node: object) -> list[str]:
        node = getattr(node, "get_object", lambda: node)()
        if isinstance(node, list):
            return [role for kid in node for role in below(kid)]
        if not isinstance(node, dict):
            return []
        return [str(node.get("/S")), *below(node.get("/K", []))]

    return below(reader.trailer["/Root"]["/StructTreeRoot"])


@pytest.mark.skipif(shutil.which("pdfdetach") is None, reason="poppler is not installed")
async def test_poppler_finds_the_twin_and_reads_the_words(tmp_path: Path):
    bill = superbill(91)
    document = tmp_path / "superbill.pdf"
    document.write_bytes(await printed(bill))

    listed = _poppler("pdfdetach", "-list", str(document))
    _poppler("pdfdetach", "-saveall", "-o", str(tmp_path), str(document))
    words = _poppler("pdftotext", "-layout", str(document), "-")

    assert "1 embedded files" in listed
    assert "superbill.json" in listed
    assert (tmp_path / "superbill.json").read_bytes() == orjson.dumps(bill)
    assert "SB-2026-000091" in words
    assert "96366" in words


def _poppler(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603


async def test_the_same_content_prints_the_same_bytes():
    bill = superbill(40)
    assert await printed(bill) == await printed(bill)


async def test_a_document_is_printed_at_any_moment_and_dated_to_the_second():
    """A clock that runs never stands at a whole second."""
    content = orjson.dumps(superbill(40))
    at = STOPPED_AT.replace(microsecond=811_841)
    printed_at = await Typst().render(Template.SUPERBILL, content, issued_at=at)
    assert printed_at == await Typst().render(Template.SUPERBILL, content, issued_at=STOPPED_AT)


async def test_an_ordinary_superbill_fits_one_page_and_the_fullest_two():
    ordinary, fullest = superbill(91), superbill(240, diagnoses=TWELVE)
    assert len(PdfReader(io.BytesIO(await printed(ordinary))).pages) == 1
    assert len(PdfReader(io.BytesIO(await printed(fullest))).pages) == 2


async def test_what_a_patient_typed_is_printed_and_never_run():
    odd = json.loads(orjson.dumps(superbill(40)))
    odd["patient"]["name"] = '#panic("x") $ * _ ] [ `raw` @ref <b> \\ // §'
    assert '#panic("x")' in words_of(await printed(odd)).translate({0x201C: '"', 0x201D: '"'})


async def test_content_that_cannot_be_printed_is_parked_without_being_quoted():
    with pytest.raises(Poison) as refused:
        await Typst().render(Template.SUPERBILL, b'{"number": "Canary"}', issued_at=STOPPED_AT)
    assert refused.value.code == "superbill_not_printable"
    assert "Canary" not in str(refused.value)
