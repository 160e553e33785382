"""Patients who were not discharged: listed by how long they wait, and told once.

Those who walked out are among them until somebody has seen to them, and those whose drip runs on
past its time until somebody has said that it ended.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Row, select

from services.scheduling import store
from services.scheduling.rules.clinic.house import HouseFigure
from services.scheduling.rules.visits import overdue as rules
from services.scheduling.rules.visits import walk_outs
from services.scheduling.rules.visits.doses import dose_state
from services.scheduling.rules.visits.drip_ends import LOOK_AT_DRIP
from services.scheduling.rules.visits.life import VisitState
from services.scheduling.rules.visits.walk_outs import LeftBy
from services.scheduling.store import leaving as kept
from services.scheduling.store.house import figure_of
from services.scheduling.store.walk_outs import account_of
from services.scheduling.work import LookForOverdueDischarges
from shared.auth import Actor
from shared.events import Moment
from shared.events.scheduling import DischargeOverdue
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


class NotDischarged(BaseModel):
    """A patient whose recovery is over, and who was not discharged or walked out at `left_at`.

    Or one whose drip is `running`, longer than it was booked for: nobody said that it ended.
    `waiting_min` counts from the drip on, from when the patient left before it, or from when a drip
    that runs should have been over. `overdue_since`
    is when it was told, for who waits too long, or past the place's hours.
    """

    appointment_id: UUID
    patient_id: UUID
    series_id: UUID | None
    location_id: UUID
    chair_id: UUID | None
    visit_type: str
    state: VisitState
    stopped_at: Moment | None
    left_at: Moment | None
    waiting_min: int
    overdue_since: Moment | None
    do: str


async def list_not_discharged(
    location_id: UUID | None, asked: Paging, reader: Actor, tx: Transaction
) -> Page[NotDischarged] | Refused:
    """Those of a place, or of all, the longest first."""

    def item(row: Row[tuple[object, ...]]) -> NotDischarged:
        return NotDischarged(
            **{name: getattr(row, name) for name in kept.SHOWN},
            waiting_min=(tx.now - row.since) // timedelta(minutes=1),
            overdue_since=row.raised_at,
            do=_what_to_do(tx, row),
        )

    drip_overdue_min = await figure_of(tx, HouseFigure.DRIP_OVERDUE_MIN)
    waiting = kept.waiting(tx, location_id, drip_overdue_min)
    return await page(
        tx,
        select(waiting),
        by=(waiting.c.since, waiting.c.appointment_id),
        asked=asked,
        item=item,
        shown_to=reader,
        as_entity="appointment",
    )


def _what_to_do(tx: Transaction, row: Row[Any]) -> str:
    if row.state == VisitState.RUNNING:
        return LOOK_AT_DRIP
    if row.account is None:
        return rules.WHAT_TO_DO
    dose = dose_state(
        asked=row.infusion_id is not None and (row.dose_asked or row.dose_plan_id is not None),
        recorded=row.recorded,
        given=row.given,
        wasted=row.wasted,
        witnessed=row.witnessed,
    )
    account = account_of(tx, row.appointment_id, row.account)
    owed = walk_outs.what_to_do(
        called=row.called,
        dose=dose,
        left_by=LeftBy(account["left_by"]),
        is_drip=row.infusion_id is not None,
    )
    assert owed is not None, "what is settled is not listed"
    return owed


async def raise_overdue(_: LookForOverdueDischarges, tx: Transaction) -> None:
    """Say of each once that its patient should have left."""
    overdue_min = await figure_of(tx, HouseFigure.DISCHARGE_OVERDUE_MIN)
    for visit in await kept.not_told(tx):
        assert visit.stopped_at is not None, "a drip that is over has stopped"
        policy = await store.policy_of(tx, visit.location_id, visit.visit_type)
        zone = await store.zone_at(tx, visit.location_id)
        due = rules.overdue_from(
            visit.stopped_at,
            policy.figures_on(visit.starts_at.astimezone(zone).date()).recovery_min,
            overdue_min,
            rules.closes_at(policy, visit.stopped_at, zone),
        )
        if due <= tx.now and await kept.note_told(tx, visit.appointment_id):
            tx.publish(DischargeOverdue.model_validate(visit.model_dump()))
