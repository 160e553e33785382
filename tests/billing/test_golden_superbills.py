"""The superbill of so many minutes, as JSON and as the words of its PDF, is the golden one."""

from __future__ import annotations

import io
import json
from pathlib import Path

import orjson
import pytest
from pypdf import PdfReader

from services.billing.gateways.typesetting import Template
from services.billing.rules.superbills.receipts import receipt_of
from tests.billing.bills import printed, superbill, wording, words_of
from tests.billing.records import CANARIES

GOLDEN = Path(__file__).parent / "golden"
MINUTES = [15, 16, 40, 90, 91, 151, 240]


@pytest.mark.parametrize("minutes", MINUTES)
def test_the_json_of_so_many_minutes_is_the_golden_one(minutes: int):
    golden = json.loads((GOLDEN / f"{minutes:03d}_min.json").read_text())
    assert json.loads(orjson.dumps(superbill(minutes))) == golden


@pytest.mark.parametrize("minutes", MINUTES)
async def test_the_words_of_the_document_are_the_golden_ones(minutes: int):
    pdf = await printed(superbill(minutes))
    golden = (GOLDEN / f"{minutes:03d}_min.txt").read_text()
    assert words_of(pdf).split() == golden.split()
    [twin] = PdfReader(io.BytesIO(pdf)).attachments["superbill.json"]
    assert twin == orjson.dumps(superbill(minutes))


async def test_the_place_of_service_is_printed_as_the_json_says_it():
    odd = json.loads(orjson.dumps(superbill(40)))
    odd["places_of_service"] = [{"code": "15", "words": "Mobile unit"}]
    words = words_of(await printed(odd))
    assert "POS 15: Mobile unit." in words
    assert "Office" not in words


async def test_a_receipt_for_a_health_account_tells_neither_diagnosis_nor_drug():
    receipt = receipt_of(superbill(91), wording().receipt)
    told = words_of(await printed(receipt, Template.RECEIPT)) + orjson.dumps(receipt).decode()
    for five in ("Testa Canary", "Made Up Ketamine Clinic PLLC", "11/23/2026", "office visit"):
        assert five in told
    assert "Paid by the patient $399.00" in told
    clinic = "Made Up Ketamine Clinic PLLC"
    for told_not in ("F33.2", "depress", "96365", "J3490", "ketamine", "infusion", CANARIES[2]):
        assert told_not.lower() not in told.replace(clinic, "").lower()
