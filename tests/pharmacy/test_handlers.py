"""Deciders on a real database: what they store and say, whatever comes home and in what order."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from deploy.local.postgres import Database
from services.pharmacy.events import on
from services.pharmacy.handlers import drafting, following, listing, signing, twins
from services.pharmacy.handlers.listing import PrescriptionShown, PrescriptionWhole
from services.pharmacy.tables import Base
from services.pharmacy.values import Evidence, Session
from services.pharmacy.work import (
    AskOrders,
    CancelTwin,
    OpenSession,
    OrdersFound,
    RedeemSeries,
    SendOrder,
    SeriesRedeemed,
    SessionRefused,
    SessionSeen,
)
from shared.clock import FixedClock
from shared.db import create_engine, migrate
from shared.errors import Poison
from shared.events.scheduling import PatientUpdated, SeriesCompleted, SeriesStopped
from shared.http.problems import Refused
from shared.messaging import Work
from shared.messaging.transaction import UnitOfWork
from shared.vault import Vault
from tests.pharmacy.practice import VAULT_KEYS, Case
from tests.pharmacy.test_course import DELIVERED
from tests.pharmacy.test_rules import NOW, WALK, order
from tests.support import people


class Room:
    """Pharmacy's deciders with a database, and no vendor near."""

    def __init__(self, unit: UnitOfWork) -> None:
        self.unit = unit

    async def rows(self, query: str, **values: object) -> Sequence[Any]:
        async with self.unit.engine.begin() as connection:
            result = await connection.execute(text(query), values)
            return result.all() if result.returns_rows else []

    async def one(self, case: Case) -> Any:
        [row] = await self.rows(
            "SELECT * FROM prescriptions WHERE series_id = :id", id=case.series_id
        )
        return row

    async def said(self, case: Case) -> list[str]:
        rows = await self.rows(
            "SELECT headers->>'ce_type' AS kind FROM outbox WHERE key = :key ORDER BY seq",
            key=str(case.patient_id),
        )
        return [row.kind.removeprefix("pharmacy.Prescription") for row in rows]

    async def waiting(self, case: Case) -> set[str]:
        rows = await self.rows(
            "SELECT kind FROM due_work WHERE key LIKE :key AND state = 'waiting'",
            key=f"%{case.prescription_id}",
        )
        return {row.kind for row in rows}

    async def draft(self, **changes: Any) -> Case:
        """A prescription that is drafted and about to be shown."""
        case = await self.begin()
        await self.redeem(case, **changes)
        if (await self.one(case)).state == "drafted":
            await self.done(case)
        return case

    async def begin(self) -> Case:
        """A prescription whose patient and prescriber are not known yet."""
        case = Case()
        async with self.unit.transaction() as tx:
            await drafting.draft_for_series(
                SeriesCompleted(
                    patient_id=case.patient_id,
                    series_id=case.series_id,
                    prescriber_id=case.prescriber_id,
                    infusions_completed=6,
                    completed_at=tx.now,
                ),
                tx,
            )
        case.prescription_id = (await self.one(case)).prescription_id
        return case

    async def stop(self, case: Case) -> None:
        async with self.unit.transaction() as tx:
            await drafting.withdraw_for_series(
                SeriesStopped(
                    patient_id=case.patient_id,
                    series_id=case.series_id,
                    infusions_completed=6,
                    stopped_at=tx.now,
                ),
                tx,
            )

    async def discard(self, work: Work) -> None:
        """A person gives parked work up."""
        async with self.unit.transaction() as tx:
            await on.discards[work.kind].decide(work, tx)

    async def done(self, case: Case) -> None:
        """What waits has been done, as workers would."""
        await self.rows("DELETE FROM due_work WHERE key LIKE :key", key=f"%{case.prescription_id}")

    async def redeem(self, case: Case, *, redemption: int = 1, **changes: Any) -> None:
        ids = {"patient_id": case.patient_id, "clinician_id": case.prescriber_id}
        series = people.series(case.series_id, **(ids | changes))
        async with self.unit.transaction() as tx:
            await drafting.write_draft(
                SeriesRedeemed(
                    prescription_id=case.prescription_id, redemption=redemption, series=series
                ),
                tx,
            )

    async def showing(self, case: Case) -> Any:
        [row] = await self.rows(
            "SELECT * FROM signings WHERE prescription_id = :id AND state <> 'superseded'",
            id=case.prescription_id,
        )
        return row

    async def see(self, signing_id: UUID, session: Session | None) -> None:
        async with self.unit.transaction() as tx:
            await signing.record_session(SessionSeen(signing_id=signing_id, session=session), tx)

    async def sign(self, case: Case, **evidence: Any) -> None:
        showing = await self.showing(case)
        await self.see(showing.signing_id, signed(showing, **evidence))

    async def find(self, case: Case, *orders: Any) -> None:
        async with self.unit.transaction() as tx:
            await following.record_orders(
                OrdersFound(prescription_id=case.prescription_id, orders=orders), tx
            )


def signed(showing: Any, **changes: Any) -> Session:
    evidence = {
        "signature_id": f"sig_{showing.signing_id}",
        "signer_dea_number": "AB1234563",
        "signed_at": NOW,
        "factors": ("knowledge", "hard_token"),
        "sha256": showing.sha256,
    } | changes
    return Session(
        session_id=f"sess_{showing.signing_id}",
        status="signed",
        url="https://vendor.example/s",
        sha256=showing.sha256,
        signature=Evidence.model_validate(evidence),
    )


@pytest.fixture(scope="module")
async def room(module_database: Database) -> AsyncIterator[Room]:
    engine = create_engine(module_database.url)
    await migrate(engine, "pharmacy", Base.metadata)
    yield Room(UnitOfWork(engine, FixedClock(NOW), on, vault=Vault(VAULT_KEYS)))
    await engine.dispose()


async def test_a_series_of_another_patient_is_never_written_out(room: Room):
    with pytest.raises(Poison, match="claim_of_others"):
        await room.draft(patient_id=Case().patient_id)
    with pytest.raises(Poison, match="claim_of_others"):
        await room.draft(clinician_id=Case().prescriber_id)


async def test_a_field_over_the_partners_limit_is_held_and_nothing_is_shown(room: Room):
    await room.rows("UPDATE partner_pharmacies SET limits = limits || '{\"patient.last_name\": 5}'")
    case = await room.draft()
    await room.rows(
        "UPDATE partner_pharmacies SET limits = limits || '{\"patient.last_name\": 30}'"
    )

    row = await room.one(case)
    assert (row.state, row.reason) == ("needs_correction", "too_long")
    assert await room.said(case) == ["Held"]
    assert await room.waiting(case) == set()


async def test_a_prescriber_without_a_dea_number_is_corrected_and_taken_up_again(room: Room):
    case = await room.draft(of_prescriber={"dea_number": None})
    assert (await room.one(case)).reason == "dea_number_missing"

    for _ in range(2):  # asked for twice, it is taken up once
        async with room.unit.transaction() as tx:
            shown = await drafting.take_up_again(case.prescription_id, tx)
        assert isinstance(shown, PrescriptionShown)
        assert (shown.state, shown.reason) == ("drafting", None)
    assert await room.waiting(case) == {"RedeemSeries"}
    await room.redeem(case, redemption=2, of_prescriber={"dea_number": None})
    assert (await room.one(case)).state == "drafting", "an answer to the first asking is outdated"

    await room.redeem(case, redemption=3)
    assert (await room.one(case)).state == "drafted"
    await room.sign(case)
    assert (await room.one(case)).state == "signed"
    assert await room.said(case) == ["Held", "Drafted", "Signed"]


async def test_what_is_still_wrong_after_a_retry_is_held_again_with_what_is_wrong_now(room: Room):
    case = await room.draft(of_prescriber={"dea_number": None})
    async with room.unit.transaction() as tx:
        await drafting.take_up_again(case.prescription_id, tx)
    await room.redeem(case, redemption=2, of_prescriber={"dea_number": "AB1234564"})

    assert (await room.one(case)).reason == "dea_number_wrong"
    assert await room.said(case) == ["Held", "Held"]
    async with room.unit.transaction() as tx:
        shown = await listing.read_prescription(case.prescription_id, tx)
    assert isinstance(shown, PrescriptionWhole)
    [wrong] = shown.violations
    assert (wrong.field, wrong.rule) == ("prescriber.dea_number", "dea_number_wrong")
    assert "two letters and seven digits" in wrong.detail


async def test_a_patient_who_is_corrected_is_taken_up_again_without_being_asked_for(room: Room):
    case = await room.draft(of_prescriber={"npi": "1234567890"})
    async with room.unit.transaction() as tx:
        await drafting.refresh_drafts(
            PatientUpdated(patient_id=case.patient_id, updated_at=NOW), tx
        )
    assert await room.waiting(case) == {"RedeemSeries"}
    await room.redeem(case, redemption=2)
    assert await room.said(case) == ["Held", "Drafted"]


async def test_a_prescriber_corrected_while_the_prescription_waits_signs_the_corrected_one(
    room: Room,
):
    case = await room.draft()
    old = await room.showing(case)
    async with room.unit.transaction() as tx:
        shown = await drafting.take_up_again(case.prescription_id, tx)
    assert isinstance(shown, PrescriptionShown)
    assert shown.state == "drafted"
    await room.redeem(case, redemption=2, of_prescriber={"name": "Dana Corrected"})
    assert (await room.showing(case)).signing_id != old.signing_id
    assert await room.said(case) == ["Drafted"]


async def test_a_draft_held_after_it_was_shown_is_drafted_once_and_signed_anew(room: Room):
    case = await room.draft()
    old = await room.showing(case)
    await room.redeem(case, of_prescriber={"dea_number": None})
    async with room.unit.transaction() as tx:
        await drafting.take_up_again(case.prescription_id, tx)
    await room.redeem(case, redemption=2)

    await room.see(old.signing_id, signed(old))
    assert (await room.one(case)).state == "drafted", "what is superseded does not count"
    await room.sign(case)
    assert await room.said(case) == ["Drafted", "Held", "Signed"]


async def test_an_answer_that_comes_home_after_the_hold_waits_for_the_correction(room: Room):
    case = await room.draft()
    async with room.unit.transaction() as tx:
        await drafting.refresh_drafts(
            PatientUpdated(patient_id=case.patient_id, updated_at=NOW), tx
        )
    showing = await room.showing(case)
    async with room.unit.transaction() as tx:
        await signing.record_session_refusal(
            SessionRefused(
                signing_id=showing.signing_id, code="signing_refused_422", violations=()
            ),
            tx,
        )
    await room.redeem(case, redemption=2)

    assert (await room.one(case)).state == "needs_correction"
    assert await room.waiting(case) == set()
    assert await room.said(case) == ["Drafted", "Held"]


async def test_what_the_law_forbids_is_refused_and_cannot_be_taken_up_again(room: Room):
    await room.rows("ALTER TABLE formulary DROP CONSTRAINT ck_formulary_refills")
    await room.rows("UPDATE formulary SET refills = 6")
    case = await room.draft()
    await room.rows("UPDATE formulary SET refills = 0")

    assert (await room.one(case)).reason == "too_many_refills"
    async with room.unit.transaction() as tx:
        refused = await drafting.take_up_again(case.prescription_id, tx)
    assert isinstance(refused, Refused)
    assert refused.violations[0].rule == "content_is_closed"
    assert await room.said(case) == ["Refused"]


@pytest.mark.parametrize("state", ["signed", "sent", "delivered"])
async def test_what_is_signed_is_never_taken_up_again(room: Room, state: str):
    case = await room.draft()
    await room.sign(case)
    if state != "signed":
        steps = WALK if state == "delivered" else WALK[:1]
        await room.find(case, order(*steps, order_id=str(case.prescription_id)))
    async with room.unit.transaction() as tx:
        refused = await drafting.take_up_again(case.prescription_id, tx)
    assert isinstance(refused, Refused)
    assert state in refused.violations[0].detail


async def test_a_series_given_up_at_scheduling_is_held_until_it_is_corrected(room: Room):
    case = await room.begin()
    work = RedeemSeries(
        prescription_id=case.prescription_id, series_id=case.series_id, redemption=1
    )
    await room.discard(work)
    row = await room.one(case)
    assert (row.state, row.reason) == ("needs_correction", "series_not_redeemed")
    async with room.unit.transaction() as tx:
        await drafting.take_up_again(case.prescription_id, tx)
    await room.redeem(case, redemption=2)
    assert (await room.one(case)).state == "drafted"


async def test_a_session_given_up_by_hand_is_held_and_shown_anew_after_a_retry(room: Room):
    case = await room.draft()
    showing = await room.showing(case)
    await room.discard(OpenSession(signing_id=showing.signing_id))
    assert (await room.one(case)).reason == "session_given_up"
    await room.see(showing.signing_id, signed(showing))
    async with room.unit.transaction() as tx:
        await drafting.take_up_again(case.prescription_id, tx)
    await room.redeem(case, redemption=2)
    assert (await room.showing(case)).signing_id != showing.signing_id
    assert await room.said(case) == ["Drafted", "Held"]


async def test_a_sending_given_up_by_hand_is_over_and_tells_the_liaison_what_to_ask(room: Room):
    case = await room.draft()
    await room.sign(case)
    await room.discard(SendOrder(prescription_id=case.prescription_id))
    row = await room.one(case)
    assert (row.state, row.reason) == ("refused", "order_given_up")
    assert await room.said(case) == ["Drafted", "Signed", "Refused"]


async def test_a_question_given_up_by_hand_does_not_end_the_following(room: Room):
    case = await room.draft()
    await room.sign(case)
    await room.find(case, order("received", order_id=str(case.prescription_id)))
    await room.done(case)
    await room.discard(AskOrders(prescription_id=case.prescription_id))
    assert await room.waiting(case) == {"AskOrders"}


async def test_a_series_stopped_after_it_was_completed_is_not_signed_for(room: Room):
    case = await room.draft()
    showing = await room.showing(case)
    await room.stop(case)
    await room.see(showing.signing_id, signed(showing))
    await room.redeem(case)

    row = await room.one(case)
    assert (row.state, row.reason) == ("refused", "series_stopped")
    assert await room.said(case) == ["Drafted", "Refused"]
    assert await room.waiting(case) == set()


async def test_a_stop_that_is_heard_after_the_signature_changes_nothing_that_was_signed(room: Room):
    case = await room.draft()
    await room.sign(case)
    await room.stop(case)
    assert (await room.one(case)).state == "signed"
    assert await room.waiting(case) == {"SendOrder"}


async def test_an_answer_that_comes_home_after_a_newer_one_is_not_written(room: Room):
    case = await room.draft()
    async with room.unit.transaction() as tx:
        await drafting.refresh_drafts(
            PatientUpdated(patient_id=case.patient_id, updated_at=NOW), tx
        )
    moved = people.HOME | {"line1": "9 New Canary Row"}
    await room.redeem(case, redemption=2, of_patient={"address": moved})
    newest = await room.showing(case)
    await room.redeem(case, redemption=1)
    assert (await room.showing(case)).signing_id == newest.signing_id

    await room.redeem(case, redemption=2)
    assert (await room.showing(case)).signing_id != newest.signing_id, "this test sees a change"


async def test_a_new_address_that_comes_home_after_the_signature_changes_nothing(room: Room):
    case = await room.draft()
    async with room.unit.transaction() as tx:
        await drafting.refresh_drafts(
            PatientUpdated(patient_id=case.patient_id, updated_at=NOW), tx
        )
    await room.sign(case)
    signed_content = (await room.one(case)).content

    moved = people.HOME | {"line1": "9 New Canary Row"}
    await room.redeem(case, redemption=2, of_patient={"address": moved})

    row = await room.one(case)
    assert (row.state, row.content) == ("signed", signed_content)


async def test_a_held_prescription_is_not_revived_by_the_signature_of_an_open_session(
    room: Room,
):
    case = await room.draft()
    showing = await room.showing(case)
    await room.redeem(case, of_prescriber={"dea_number": None})
    assert (await room.one(case)).reason == "dea_number_missing"

    await room.see(showing.signing_id, signed(showing))

    assert (await room.one(case)).state == "needs_correction"
    assert await room.said(case) == ["Drafted", "Held"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"sha256": "0" * 64}, "signature_hash_mismatch"),
        ({"signer_dea_number": "XY1234563"}, "signer_not_prescriber"),
        ({"factors": ("knowledge",)}, "one_factor_only"),
    ],
)
async def test_a_signature_that_is_not_ours_goes_back_to_a_person_and_is_never_sent(
    room: Room, wrong: dict[str, Any], reason: str
):
    case = await room.draft()
    await room.sign(case, **wrong)

    row = await room.one(case)
    assert (row.state, row.reason, row.signed_at) == ("refused", reason, None)
    assert await room.said(case) == ["Drafted", "Refused"]
    assert await room.waiting(case) == set()


@pytest.mark.parametrize("days", [-1, 1])
async def test_a_signature_of_another_day_is_asked_for_again(room: Room, days: int):
    case = await room.draft()
    before = await room.showing(case)
    await room.sign(case, signed_at=NOW + timedelta(days=days))

    after = await room.showing(case)
    assert after.signing_id != before.signing_id
    assert (await room.one(case)).state == "drafted"
    assert await room.waiting(case) == {"OpenSession"}
    await room.see(before.signing_id, signed(before))
    assert (await room.one(case)).state == "drafted", "what is superseded does not count"

    await room.sign(case)
    assert (await room.one(case)).state == "signed"
    assert await room.said(case) == ["Drafted", "Signed"]


async def test_a_session_that_the_vendor_has_lost_is_opened_again(room: Room):
    case = await room.draft()
    await room.see((await room.showing(case)).signing_id, None)
    assert await room.waiting(case) == {"OpenSession"}


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
