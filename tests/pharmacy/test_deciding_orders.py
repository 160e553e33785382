"""What the pharmacy's answers store and say, in any order, on a real database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.pharmacy.handlers import following, listing, twins
from services.pharmacy.handlers.listing import PrescriptionWhole
from services.pharmacy.work import (
    CancelTwin,
)
from tests.pharmacy.room import Room
from tests.pharmacy.test_course import DELIVERED
from tests.pharmacy.test_rules import NOW, WALK, order


async def test_an_order_seen_before_the_answer_to_its_sending_counts_as_sent(room: Room):
    case = await room.draft()
    await room.sign(case)
    await room.find(case, order("received"))
    await room.find(case, order("received"))

    assert (await room.one(case)).state == "sent"
    assert await room.said(case) == ["Drafted", "Signed", "Sent"]
    assert await room.waiting(case) == {"AskOrders"}


async def test_a_refusal_without_a_reason_tells_the_liaison_what_to_do(room: Room):
    case = await room.draft()
    await room.sign(case)
    await room.find(case, order("received", "cancelled", order_id=str(case.prescription_id)))

    async with room.unit.transaction() as tx:
        shown = await listing.read_prescription(case.prescription_id, tx)
    assert isinstance(shown, PrescriptionWhole)
    assert [(said.rule, said.detail) for said in shown.violations] == [
        ("cancelled_by_pharmacy", following.NO_REASON)
    ]
    assert await room.said(case) == ["Drafted", "Signed", "Sent", "Refused"]


async def test_a_twin_is_taken_back_once_however_often_it_is_read_about(room: Room):
    case = await room.draft()
    await room.sign(case)
    older, twin = order("received", order_id=f"a{case.series_id}"), f"b{case.series_id}"
    for _ in range(2):
        await room.find(case, older, order("received", order_id=twin))
        assert await room.rows("SELECT 1 FROM due_work WHERE key = :key", key=f"twin:{twin}")
    await room.rows("DELETE FROM due_work WHERE key = :key", key=f"twin:{twin}")  # given up

    await room.find(case, older, order("received", order_id=twin))

    assert not await room.rows("SELECT 1 FROM due_work WHERE key = :key", key=f"twin:{twin}")
    assert (await room.one(case)).order_id == older.order_id


async def test_a_twin_that_has_become_the_only_order_is_not_taken_back(room: Room):
    case = await room.draft()
    await room.sign(case)
    first, second = f"a{case.series_id}", f"b{case.series_id}"
    await room.find(case, order("received", order_id=first), order("received", order_id=second))
    work = CancelTwin(prescription_id=case.prescription_id, order_id=second)
    async with room.unit.transaction() as tx:
        assert await twins.load_twin(tx, work) == work

    gone = order("received", "cancelled", order_id=first)
    await room.find(case, gone, order("received", order_id=second))

    assert (await room.one(case)).order_id == second
    async with room.unit.transaction() as tx:
        assert await twins.load_twin(tx, work) is None


async def test_an_order_that_vanished_is_asked_after_again(room: Room):
    case = await room.draft()
    await room.sign(case)
    await room.find(case, order("received", order_id=str(case.prescription_id)))
    await room.find(case)
    assert (await room.one(case)).state == "sent"
    assert await room.waiting(case) == {"AskOrders"}


async def test_nothing_more_is_asked_about_a_delivered_spray(room: Room):
    case = await room.draft()
    await room.sign(case)
    await room.find(case, order(*WALK[:4], order_id=str(case.prescription_id)))
    await room.find(case, order(*WALK, order_id=str(case.prescription_id)))
    assert (await room.one(case)).state == "delivered"
    assert await room.waiting(case) == set()


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    views=st.permutations(range(1, len(WALK) + 1)),
    again=st.lists(st.integers(1, len(WALK)), max_size=4),
    walk=st.sampled_from((WALK, ("received", "on_hold", *WALK[1:]))),
)
async def test_reads_that_come_home_in_any_order_store_and_say_the_same(
    room: Room, views: list[int], again: list[int], walk: tuple[str, ...]
):
    case = await room.draft()
    await room.sign(case)
    for length in [*again, *views, len(walk)]:
        await room.find(case, order(*walk[:length], order_id=str(case.prescription_id)))

    row = await room.one(case)
    assert (row.state, row.pharmacy_status) == ("delivered", "delivered")
    assert await room.said(case) == [name.removeprefix("Prescription") for name in DELIVERED]
    assert (row.accepted_at, row.shipped_at, row.delivered_at) == tuple(
        NOW + timedelta(hours=walk.index(step)) for step in WALK[1:] if step != "compounding"
    )


async def test_the_first_asking_is_within_the_hour_and_later_ones_daily(room: Room):
    case = await room.draft()
    await room.sign(case)
    due = []
    for length in (1, 2, 4):
        await room.find(case, order(*WALK[:length], order_id=str(case.prescription_id)))
        [row] = await room.rows(
            "SELECT due_at FROM due_work WHERE key = :key",
            key=f"ask_orders:{case.prescription_id}",
        )
        due.append(row.due_at - datetime(2026, 11, 23, 15, 0, tzinfo=UTC))
    assert due == [timedelta(hours=1), timedelta(days=1), timedelta(days=1)]
