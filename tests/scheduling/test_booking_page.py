"""The booking page can be read and used by anyone, and says what is true (WCAG 2.2, AA)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from fastapi import FastAPI

from services.scheduling.documents.booking_page import STYLE
from shared.db import create_engine
from tests.scheduling.conftest import Clinic, unit_on
from tests.scheduling.test_self_booking import FIRST, choose, led, make, offered, opened

__all__ = ["led"]

TEXT, CONTROL = 4.5, 3.0
"""WCAG 2.2: 1.4.3 for text, 1.4.11 for what a control is known by."""

SEEN_TOGETHER = [
    *(("ink", behind, TEXT) for behind in ("card", "tint", "paper")),
    *(("soft", behind, TEXT) for behind in ("card", "tint")),
    *(("deep", behind, TEXT) for behind in ("card", "tint")),
    ("on-deep", "deep", TEXT),
    ("alert", "alert-tint", TEXT),
    *(("edge", behind, CONTROL) for behind in ("card", "tint")),
    *(("deep", behind, CONTROL) for behind in ("card", "tint")),
]
"""Each colour that something is written or drawn in, and what it is seen on."""

ADORNS = {"line", "paper", "card", "tint", "alert-tint"}
"""What only fills a ground, or parts the page from what is around it."""


def palettes() -> list[dict[str, str]]:
    """The colours by name: in light, and in dark."""
    roots = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    return [dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", root)) for root in roots]


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_black_on_white_has_the_contrast_that_is_known_of_it() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
def test_whatever_is_read_or_used_stands_out_from_what_is_behind_it(
    palette: dict[str, str],
) -> None:
    found = {
        (name, behind): contrast(palette[name], palette[behind])
        for name, behind, least in SEEN_TOGETHER
        if contrast(palette[name], palette[behind]) < least
    }
    assert found == {}


def test_no_colour_is_used_that_is_not_looked_at() -> None:
    looked_at = {name for pair in SEEN_TOGETHER for name in pair[:2]}
    for palette in palettes():
        assert set(palette) == looked_at | ADORNS
    assert STYLE.count("var(--line)") == 1, "around the page only: it is too faint for a control"


def test_a_choice_is_seen_as_one() -> None:
    assert "opacity" not in STYLE
    assert "appearance" not in STYLE


def title(page: str) -> str:
    [found] = re.findall(r"<title>(.*?)</title>", page)
    assert f"<h1>{found}</h1>" in page
    return str(found)


async def test_the_title_says_what_became_of_it(led: Clinic) -> None:
    link, other = await make(led), await make(led)
    assert title((await opened(led, link)).text) == "Book your session"
    await choose(led, other, FIRST)
    lost = await choose(led, link, FIRST)
    assert title(lost.text) == "That time is no longer free"
    assert "Nothing was booked" in lost.text
    assert title((await opened(led, other)).text) == "Your session is booked"
    again = await choose(led, other, FIRST + timedelta(hours=3))
    assert title(again.text) == "You have booked a session already"
    none = await led.client.post(link["path"], data={})
    assert (none.status_code, title(none.text)) == (422, "Please choose a time")
    assert offered(none)


@pytest.mark.parametrize(
    ("day", "told", "first"),
    [
        *((day, "first that has is Monday, October 5", FIRST) for day in ("x", "%00")),
        ("2025-01-01", "first that has is Monday, October 5", FIRST),
        ("2027-02-30", "first that has is Monday, October 5", FIRST),
        (
            "2026-10-06",
            "next that has is Wednesday, October 7",
            datetime(2026, 10, 7, 13, tzinfo=UTC),
        ),
    ],
)
async def test_a_day_without_free_times_leads_to_the_next_that_has_some(
    led: Clinic, day: str, told: str, first: datetime
) -> None:
    page = await led.client.get((await make(led))["path"] + f"?day={day}")
    assert page.status_code == 200
    assert f"That day has no free time. The {told}." in page.text
    assert offered(page)[0] == first


async def test_who_chose_a_day_goes_on_with_its_times(led: Clinic) -> None:
    page = (await opened(led, await make(led))).text
    assert re.findall(r'href="[^"]*\?day=[\d-]+"', page) == [], "a phone would stay at the days"
    assert len(re.findall(r'href="[^"]*\?day=[\d-]+#times"', page)) == 13
    assert 'id="times" tabindex="-1"' in page, "a keyboard goes on there too"


async def test_whose_time_was_taken_is_offered_the_others_of_that_day(led: Clinic) -> None:
    at = datetime(2026, 10, 14, 15, 0, tzinfo=UTC)
    await choose(led, await make(led), at)
    link = await make(led)
    for chosen in (at, at.astimezone(ZoneInfo("Asia/Tokyo"))):
        lost = await choose(led, link, chosen)
        assert lost.status_code == 409
        assert "2. Choose a time on Wednesday, October 14" in lost.text
        assert '<a href="#times">choose another time</a>' in lost.text


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-11:00"])
async def test_a_time_at_the_end_of_all_days_is_not_ours_and_no_fault(led: Clinic, at: str) -> None:
    answer = await led.client.post((await make(led))["path"], data={"starts_at": at})
    assert answer.status_code in {409, 422}
    assert offered(answer)


def test_twice_as_large_a_text_needs_no_second_scroll_bar() -> None:
    """What is laid out in columns may be as narrow as its page (WCAG 2.2: 1.4.4, 1.4.10)."""
    columns = re.findall(r"minmax\((.*?), 1fr\)", STYLE)
    assert columns
    assert all("100%" in least or float(least.removesuffix("rem")) <= 5 for least in columns)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_address_that_is_too_long_for_a_link_is_told_to_be_none(
    led: Clinic, method: str
) -> None:
    page = await led.client.request(method, "/book/" + "x" * 300)
    assert (page.status_code, title(page.text)) == (404, "This link does not work")
    assert "choose a time" not in page.text
    assert "call us" not in page.text, "whose number it would be is not known"


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_patient_reads_a_page_too_where_the_database_is_away(
    led: Clinic, app: FastAPI, method: str
) -> None:
    link = await make(led)
    nowhere = create_engine("postgresql+asyncpg://nobody@127.0.0.1:1/nothing", pool_size=1)
    app.state.unit = unit_on(nowhere, led.clock)
    page = await led.client.request(method, link["path"])
    assert (page.status_code, title(page.text)) == (503, "Something is wrong on our side")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Retry-After"] == "2"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    app.state.unit = unit_on(led.engine, led.clock)
    assert title((await opened(led, link)).text) == "Book your session"
    await nowhere.dispose()


async def test_a_form_that_cannot_be_read_is_the_senders_fault_not_ours(led: Clinic) -> None:
    link = await make(led)
    torn = {"Content-Type": "multipart/form-data"}  # without the boundary that parts its fields
    answer = await led.client.post(link["path"], content=b"starts_at=x", headers=torn)
    assert answer.status_code == 400


async def test_a_program_may_look_whether_a_link_is_good(led: Clinic) -> None:
    assert (await led.client.head((await make(led))["path"])).status_code == 200
    assert (await led.client.head("/book/nonsense")).status_code == 404


async def test_a_link_that_was_used_is_revoked_and_shows_nothing_more(led: Clinic) -> None:
    patient_id = await led.patient()
    link = await make(led, patient_id)
    await choose(led, link, FIRST)
    assert "Dr. Made Up" in (await opened(led, link)).text
    revoked = await led.post(f"/booking-links/{link['link_id']}/revoke", {})
    assert (revoked["state"], revoked["appointment_id"] is not None) == ("revoked", True)
    page = await opened(led, link)
    assert (page.status_code, title(page.text)) == (410, "This link is no longer in use")
    assert "Dr. Made Up" not in page.text
    assert "October" not in page.text
    [listed] = (await led.get("/appointments", location_id=led.location_id))["items"]
    assert listed["state"] == "booked", "the session stands"
