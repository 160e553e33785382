"""A month's superbill gathers those of its visits, each line with its own day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from services.billing.rules.superbills import lint
from services.billing.rules.superbills.document import Issue, Superbill
from services.billing.rules.superbills.months import broken_by_gathering, gather
from shared.events.billing import MonthlySuperbillIssued, SuperbillCorrected
from shared.ids import new_id
from tests.billing.bills import code_book, paid, superbill_of, wording, words_of
from tests.billing.conftest import Billing
from tests.billing.records import STOPPED_AT, infusion_record
from tests.support.claim_check import infusion_path

TODAY = date(2026, 11, 23)


def visit_of(day: int, **changes: Any) -> Superbill:
    at = STOPPED_AT.replace(day=day)
    number = changes.pop("number", f"SB-2026-{day:06d}")
    record = infusion_record(started_at=at - timedelta(minutes=40), stopped_at=at, **changes)
    return superbill_of(record, paid(at=at), number=number, issued_at=at)


def test_a_month_sums_its_visits_and_passes_the_lint_of_each():
    bills = [visit_of(9), visit_of(2, diagnoses=("F43.12", "F41.1"))]
    month = gather(bills, "2026-11", Issue("SB-2026-000099", STOPPED_AT, wording()), TODAY)
    assert [visit.date_of_service.day for visit in month.visits] == [2, 9]
    assert month.gathers == ("SB-2026-000002", "SB-2026-000009")
    assert [(one.pointer, one.code) for one in month.diagnoses] == [
        ("A", "F43.12"),
        ("B", "F41.1"),
        ("C", "F33.2"),
    ]
    assert [line.pointers for line in month.lines[::2]] == [("A", "B"), ("C", "A")]
    assert (month.total_cents, month.paid_cents, month.balance_cents) == (79800, 79800, 0)
    assert lint.lint(month, code_book(date(2026, 11, 2))) == []
    assert "hand in either this one or those, not both" in month.notice


def test_what_no_payer_takes_as_one_claim_is_not_gathered():
    bills = [visit_of(2), visit_of(9, ein="52-1234567")]
    assert [one.rule for one in broken_by_gathering(bills, None)] == ["month_of_two"]
    assert [one.rule for one in broken_by_gathering([], None)] == ["month_without_superbills"]
    many = [visit_of(2, diagnoses=("F33.2", *(f"F31.{n}" for n in range(10)))), visit_of(9)]
    many.append(visit_of(16, diagnoses=("G54.6",)))
    assert [one.rule for one in broken_by_gathering(many, None)] == ["too_many_diagnoses"]


async def test_a_month_is_gathered_on_request_and_again_when_it_has_more(billing: Billing):
    patient = new_id()
    await billing.set_fee()
    await billing.save_card(patient)
    now = billing.clock.now()
    path = f"/patients/{patient}/superbills"
    ask = {"month": f"{now:%Y-%m}"}
    none = await billing.ask("POST", path, ask)
    assert none.json()["violations"][0]["rule"] == "month_without_superbills"

    first = billing.complete(patient)
    await billing.hear(first)
    await billing.until_rest()
    await billing.told("POST", path, ask)
    await billing.until_rest()
    same = await billing.ask("POST", path, ask)
    assert same.json()["violations"][0]["rule"] == "superbill_issued"

    await billing.hear(billing.complete(patient, stopped_at=now - timedelta(days=1)))
    await billing.until_rest()
    await billing.told("POST", path, ask)
    await billing.until_rest()

    one, two = await billing.said(MonthlySuperbillIssued)
    assert (one.document_version, two.document_version) == (1, 2)
    assert (one.number, two.replaces_id) == (two.number, one.superbill_id)
    assert (one.total_cents, two.total_cents) == (39900, 79800)
    document = await billing.ask("GET", f"/superbills/{two.superbill_id}/pdf")
    assert f"{now:%B} {now.year}" in words_of(document.content)
    charges = await billing.charges(patient)
    assert len({charge["superbill_id"] for charge in charges}) == 2

    record = billing.scheduling.records[infusion_path(first.infusion_id)]
    record["diagnoses"] = ["F33.1"]
    [charge] = [one for one in charges if one["infusion_id"] == str(first.infusion_id)]
    correct = f"/superbills/{charge['superbill_id']}/corrections"
    await billing.told("POST", correct, {"reason": "record"})
    await billing.until_rest()
    assert len(await billing.said(SuperbillCorrected)) == 1
    gathered = await billing.told("POST", path, ask)
    assert gathered["version"] == 3
    assert any(name.endswith("version 2") for name in gathered["gathers"])
