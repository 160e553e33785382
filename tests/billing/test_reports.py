"""The accountant's reports: they tie to the ledger, and yesterday's say tomorrow what they said."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.documents import report_plots
from services.billing.rules.books import reports as rules
from services.billing.rules.books.reports import Bucket, Earned, Month
from shared.auth import Role
from shared.ids import new_id
from tests.billing.conftest import Billing

MONTH = timedelta(days=31)


@pytest.mark.parametrize(
    ("age_days", "bucket"),
    [(-3, "0-30"), (0, "0-30"), (30, "0-30"), (31, "31-60"), (60, "31-60"), (61, "61-90"),
     (90, "61-90"), (91, "91-120"), (120, "91-120"), (121, "over 120"), (4000, "over 120")],
)  # fmt: skip
def test_debts_stand_in_steps_of_thirty_days(age_days: int, bucket: str):
    assert rules.bucket_of(age_days) == bucket


@given(st.integers(2000, 2099), st.integers(1, 12), st.integers(-400, 400))
def test_months_are_counted_as_a_calendar_does(year: int, month: int, steps: int):
    there = Month(year, month).plus(steps)
    assert 1 <= there.month <= 12
    assert there.plus(-steps) == Month(year, month)


def test_a_month_is_the_clinics_not_greenwichs():
    assert str(Month.of(datetime(2027, 4, 1, 3, 59, tzinfo=UTC))) == "2027-03"
    assert str(Month.of(datetime(2027, 4, 1, 4, 0, tzinfo=UTC))) == "2027-04"


async def test_what_is_owed_stands_by_its_age_and_ties_to_the_ledger(billing: Billing):
    await billing.set_fee()
    old, new, paid = new_id(), new_id(), new_id()
    await billing.hear(billing.complete(old), billing.complete(old))
    billing.step(2 * MONTH)
    await billing.hear(billing.complete(new))
    await billing.save_card(paid)
    await billing.hear(billing.complete(paid))
    await billing.until_rest()

    report = await billing.told("GET", "/reports/aged-receivables")
    assert [(one["bucket"], one["owed_cents"], one["charges"]) for one in report["buckets"]] == [
        ("0-30", 39900, 1),
        ("31-60", 0, 0),
        ("61-90", 79800, 2),
        ("91-120", 0, 0),
        ("over 120", 0, 0),
    ]
    assert [(one["patient_id"], one["by_age_cents"]) for one in report["debtors"]] == [
        (str(old), [0, 0, 79800, 0, 0]),
        (str(new), [39900, 0, 0, 0, 0]),
    ]
    accounts = (await billing.told("GET", "/ledger/accounts"))["accounts"]
    [receivable] = [one for one in accounts if one["account"] == "patient_receivable"]
    assert receivable["balance_cents"] == report["owed_cents"] == 119700


async def test_a_report_as_of_a_day_says_later_what_it_said_then(billing: Billing):
    await billing.set_fee()
    patient = new_id()
    await billing.hear(billing.complete(patient))
    then = (await billing.told("GET", "/reports/aged-receivables"))["as_of"]
    billing.step(MONTH)
    charge = await billing.only_charge(patient)
    await billing.told(
        "POST",
        f"/charges/{charge['charge_id']}/outside-payments",
        {"tender": "cash", "reference": "DRAWER-0001", "amount_cents": 39900},
    )
    as_of = await billing.told("GET", f"/reports/aged-receivables?as_of={then}")
    assert as_of["owed_cents"] == 39900
    assert (await billing.told("GET", "/reports/aged-receivables"))["owed_cents"] == 0


async def test_revenue_is_that_of_the_month_of_the_service_by_kind_of_visit(billing: Billing):
    await billing.set_fee()
    stopped = billing.clock.now()
    await billing.hear(
        billing.complete(new_id(), stopped_at=stopped),
        billing.complete(new_id(), stopped_at=stopped),
        billing.complete(new_id(), stopped_at=stopped - MONTH),
    )
    month, before = Month.of(stopped), Month.of(stopped - MONTH)
    report = await billing.told("GET", f"/reports/revenue?since={before}&until={month}")
    assert [(one["month"], one["visit_type"], one["net_cents"]) for one in report["rows"]] == [
        (str(before), "ketamine_mood", 39900),
        (str(month), "ketamine_mood", 79800),
    ]
    assert report["net_cents"] == 119700
    assert (await billing.told("GET", f"/reports/revenue?until={before}"))["net_cents"] == 39900


async def test_the_journal_holds_every_transfer_of_its_days_and_balances(billing: Billing):
    await billing.set_fee()
    patient = new_id()
    await billing.save_card(patient)
    await billing.hear(billing.complete(patient))
    await billing.until_rest()
    today = billing.clock.now().date()
    span = f"since={today - timedelta(days=1)}&until={today + timedelta(days=1)}"
    answer = await billing.ask("GET", f"/ledger/journal.csv?{span}")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["debit"], row["credit"], row["amount"]) for row in rows] == [
        ("patient_receivable", "revenue_infusion", "399.00"),
        ("stripe_clearing", "patient_receivable", "399.00"),
    ]
    assert {row["patient_id"] for row in rows} == {str(patient)}
    past = f"since={today - timedelta(days=9)}&until={today - timedelta(days=8)}"
    assert (await billing.ask("GET", f"/ledger/journal.csv?{past}")).text.count("\n") == 1


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("/reports/revenue?since=2027-03&until=2027-02", "months_reversed"),
        ("/reports/revenue?since=2020-03&until=2027-02", "too_many_months"),
        ("/ledger/journal.csv?since=2027-03-02&until=2027-03-01", "days_reversed"),
        ("/ledger/journal.csv?since=2026-03-02&until=2027-03-01", "too_many_days"),
    ],
)
async def test_spans_that_make_no_report_are_refused_in_words(
    billing: Billing, path: str, rule: str
):
    answer = await billing.ask("GET", path)
    assert answer.status_code == 409, answer.text
    assert [one["rule"] for one in answer.json()["violations"]] == [rule]


async def test_the_front_desk_reads_no_books(billing: Billing):
    for path in ("/reports/revenue", "/reports/aged-receivables.csv", "/reports/revenue.svg"):
        assert (await billing.ask("GET", path, role=Role.FRONT_DESK)).status_code == 403


async def test_tables_and_pictures_hold_what_the_report_says(billing: Billing):
    await billing.set_fee()
    await billing.hear(billing.complete(new_id()))
    table = await billing.ask("GET", "/reports/aged-receivables.csv")
    assert table.text.splitlines()[1].endswith(",399.00,0.00,0.00,0.00,0.00,399.00")
    assert (
        "ketamine_mood,399.00,0.00,0.00,399.00"
        in (await billing.ask("GET", "/reports/revenue.csv")).text
    )
    for name in ("aged-receivables", "revenue"):
        picture = await billing.ask("GET", f"/reports/{name}.svg")
        assert picture.headers["content-type"] == "image/svg+xml"
        assert "$399.00" in _heard(picture.text)


def test_a_picture_of_nothing_is_a_picture():
    assert "$0.00" in _heard(report_plots.draw_ageing(date(2027, 3, 1), dict.fromkeys(Bucket, 0)))
    months = list(rules.months(Month(2026, 12), Month(2027, 2)))
    assert "Nothing" in _heard(report_plots.draw_revenue(months, []))


def drawn(picture: str) -> Any:
    return ET.fromstring(picture)  # noqa: S314  # our own


SVG = "{http://www.w3.org/2000/svg}"


def test_what_was_given_back_stands_below_the_line_and_inside_the_picture():
    months = [Month(2027, 1), Month(2027, 2)]
    earned = [
        Earned(months[0], "ketamine_mood", 79800, 0, 0),
        Earned(months[1], "ketamine_mood", 0, 0, 199500),
        Earned(months[1], "ketamine_pain", 0, 0, 39900),
    ]
    picture = drawn(report_plots.draw_revenue(months, earned))
    [base] = [line for line in picture.iter(f"{SVG}line") if line.attrib["class"] == "base"]
    nothing = float(base.attrib["y1"])
    bars = [
        (float(bar[1].attrib["y"]), float(bar[1].attrib["height"]))
        for bar in picture.iter(f"{SVG}g")
    ]
    assert bars[0][0] + bars[0][1] == pytest.approx(nothing, abs=0.2)
    lost = sorted(bars[1:])
    assert lost[0][0] == pytest.approx(nothing, abs=0.2)
    assert lost[1][0] == pytest.approx(lost[0][0] + lost[0][1], abs=0.2)
    assert lost[1][0] + lost[1][1] <= report_plots.BOTTOM + 0.1
    assert "-$2,394" in [text.text for text in picture.iter(f"{SVG}text")]


def test_the_legend_names_each_colour_once_and_stays_inside_the_picture():
    month = Month(2027, 1)
    kinds = [f"made_up_infusion_{letter}" for letter in "abcdefgh"]
    earned = [Earned(month, kind, 10000 * (9 - n), 0, 0) for n, kind in enumerate(kinds)]
    picture = drawn(report_plots.draw_revenue([month], earned))
    height = float(picture.attrib["height"])
    named = {
        text.text: (float(text.attrib["x"]), float(text.attrib["y"]))
        for text in picture.iter(f"{SVG}text")
        if text.text in {"others", *(kind.replace("_", " ") for kind in kinds)}
    }
    assert list(named) == [*(kind.replace("_", " ") for kind in kinds[:5]), "others"]
    for words, (x, y) in named.items():
        assert x + 7 * len(words) < report_plots.WIDTH
        assert y < height


def _heard(svg: str) -> str:
    """What somebody who does not see the picture is read."""
    root: Any = ET.fromstring(svg)  # noqa: S314  # our own
    return str(root.find("{http://www.w3.org/2000/svg}desc").text)
