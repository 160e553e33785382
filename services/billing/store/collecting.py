"""Dunning: policies, ceilings, how far a charge has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Select, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import TEXT

from services.billing.rules.clinic import zone_of
from services.billing.rules.collecting.asking import Ceiling
from services.billing.rules.collecting.dunning import (
    Case,
    Course,
    DunningState,
    Next,
    Policy,
    Step,
)
from services.billing.rules.payments.pay_links import LinkReason
from services.billing.tables import Charge, Dunning
from shared.messaging import Transaction

LOOKED_BACK = timedelta(days=30)
"""As far as any network counts tries."""

_POLICIES = text(
    """
    SELECT DISTINCT ON ("case") "case", after_days FROM dunning_policies
     WHERE effective_from <= :on ORDER BY "case", effective_from DESC
    """
)

_CEILINGS = text(
    """
    SELECT DISTINCT ON (n.brand, n.within_h) n.tries_max, n.within_h
      FROM network_ceilings AS n
     WHERE n.effective_from <= :on
       AND n.brand = coalesce((SELECT brand FROM cards WHERE card_id = :card_id
                                  AND brand IN (SELECT brand FROM network_ceilings)), n.brand)
     ORDER BY n.brand, n.within_h, n.effective_from DESC
    """
)

_TRIED_AT = text(
    """
    SELECT created_at FROM payment_attempts WHERE card_id = :card_id AND created_at > :since
    UNION ALL
    SELECT bought_at FROM package_purchases WHERE card_id = :card_id AND bought_at > :since
    """
)

_ZONE = text(
    """
    SELECT v.zone FROM charges AS c JOIN visits AS v USING (appointment_id)
     WHERE c.charge_id = :charge_id
    """
)

_BEGIN = text(
    """
    INSERT INTO dunnings (charge_id, state, began_at, tries, links, step, step_at)
    VALUES (:charge_id, 'going_on', :at, 0, 0, 'give_up', :at)
    ON CONFLICT (charge_id) DO UPDATE SET state = 'going_on', ended_at = NULL
    RETURNING began_at, tries, links
    """
)

_LEAVE = text(
    """
    UPDATE dunnings SET step = :step, step_at = :step_at, why = :why
     WHERE charge_id = :charge_id AND state = 'going_on'
    """
).bindparams(bindparam("why", type_=TEXT))

_READ = text(
    """
    SELECT began_at, tries, links, step, step_at, why FROM dunnings
     WHERE charge_id = :charge_id AND state = 'going_on'
    """
)

_COUNT = text(
    "UPDATE dunnings SET tries = tries + :tries, links = links + :links"
    " WHERE charge_id = :charge_id"
)

_END = text(
    """
    UPDATE dunnings SET state = :state, ended_at = :at
     WHERE charge_id = :charge_id AND state <> 'settled'
    """
)


@dataclass(frozen=True, slots=True)
class GoingOn:
    """A charge's dunning and its next step."""

    course: Course
    next: Next


async def policies(tx: Transaction, on: date) -> dict[Case, Policy]:
    """In force on a day."""
    rows = await tx.execute(_POLICIES, {"on": on})
    return {Case(row.case): Policy(Case(row.case), tuple(row.after_days)) for row in rows}


async def ceilings(tx: Transaction, card_id: UUID, on: date) -> list[Ceiling]:
    """Those of the card's network; all of them where it is not known, or has none of its own."""
    rows = await tx.execute(_CEILINGS, {"card_id": card_id, "on": on})
    return [Ceiling(row.tries_max, timedelta(hours=row.within_h)) for row in rows]


async def tried_at(tx: Transaction, card_id: UUID) -> list[datetime]:
    """When a card was tried lately, whatever for and by whomever."""
    since = tx.now - LOOKED_BACK
    return list((await tx.execute(_TRIED_AT, {"card_id": card_id, "since": since})).scalars())


async def zone(tx: Transaction, charge_id: UUID) -> ZoneInfo:
    """By whose day and night a patient is asked for a charge: those of the visit's location."""
    found = await tx.execute(_ZONE, {"charge_id": charge_id})
    return zone_of(found.scalar_one_or_none())


async def begin(tx: Transaction, charge_id: UUID) -> Course:
    """A charge was refused: its dunning begins, or goes on where it had ended."""
    row = (await tx.execute(_BEGIN, {"charge_id": charge_id, "at": tx.now})).one()
    return Course(row.began_at, row.tries, row.links)


async def leave(tx: Transaction, charge_id: UUID, following: Next) -> None:
    """Keep what comes next."""
    await tx.execute(
        _LEAVE,
        {
            "charge_id": charge_id,
            "step": following.step.value,
            "step_at": following.at,
            "why": following.why and following.why.value,
        },
    )


async def going_on(tx: Transaction, charge_id: UUID) -> GoingOn | None:
    """`None` where a charge is not dunned, or not any more."""
    row = (await tx.execute(_READ, {"charge_id": charge_id})).one_or_none()
    return row and GoingOn(
        Course(row.began_at, row.tries, row.links),
        Next(Step(row.step), row.step_at, row.why and LinkReason(row.why)),
    )


async def count(tx: Transaction, charge_id: UUID, *, tries: int = 0, links: int = 0) -> None:
    await tx.execute(_COUNT, {"charge_id": charge_id, "tries": tries, "links": links})


async def end(tx: Transaction, charge_id: UUID, state: DunningState) -> None:
    await tx.execute(_END, {"charge_id": charge_id, "state": state.value, "at": tx.now})


_DUNNINGS: Table = Dunning.__table__  # type: ignore[attr-defined]  # every table=True model has one
_CHARGES: Table = Charge.__table__  # type: ignore[attr-defined]  # as above

BY_END = (_DUNNINGS.c.ended_at, _DUNNINGS.c.charge_id)


def given_up() -> Select[Any]:
    """Charges that are left to a person, with what is owed on each."""
    owed_cents = _CHARGES.c.amount_cents - _CHARGES.c.paid_cents - _CHARGES.c.forgiven_cents
    return (
        select(
            _DUNNINGS.c.charge_id,
            _DUNNINGS.c.tries,
            _DUNNINGS.c.links,
            _DUNNINGS.c.began_at,
            _DUNNINGS.c.ended_at,
            _CHARGES.c.patient_id,
            owed_cents.label("owed_cents"),
        )
        .join(_CHARGES, _CHARGES.c.charge_id == _DUNNINGS.c.charge_id)
        .where(_DUNNINGS.c.state == DunningState.GIVEN_UP.value)
    )
