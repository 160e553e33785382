"""What an infusion or a session costs, and what becomes of the charge at once.

The fee is data (`POST /fees`): the clinic's $399 is a row, not a figure of this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID

from services.billing.rules.charges.gates import Gate
from services.billing.rules.clinic import CLINIC_ZONE
from services.billing.rules.packages.units import Unit
from shared.events.billing import ServiceKind, TenderKind
from shared.events.scheduling import ConsultCompleted, InfusionCompleted
from shared.refusals import Broken

FAR_AHEAD = timedelta(days=2 * 365)
"""A fee that begins later than this is taken for a mistyped year. The figure is ours."""


def fee_starts_at(effective_from: date) -> datetime:
    """The first moment of a fee's first day by the clinic's wall. A visit goes by its place's."""
    return datetime.combine(effective_from, time.min, CLINIC_ZONE)


def broken_by_fee(effective_from: date, now: datetime) -> list[Broken]:
    """What forbids recording a fee."""
    if fee_starts_at(effective_from) - now <= FAR_AHEAD:
        return []
    return [
        Broken(
            "fee_far_ahead",
            "A fee begins within the next two years. Check the year.",
            "a figure of ours against mistyped years",
            "effective_from",
        )
    ]


@dataclass(frozen=True, slots=True)
class Service:
    """An infusion or a session that took place, as far as its price depends on it.

    A session is known by its appointment.
    """

    kind: ServiceKind
    service_id: UUID
    patient_id: UUID
    appointment_id: UUID
    code: str
    started_at: datetime


def of_infusion(event: InfusionCompleted) -> Service:
    return Service(
        ServiceKind.INFUSION,
        event.infusion_id,
        event.patient_id,
        event.appointment_id,
        event.code,
        event.started_at,
    )


def of_session(event: ConsultCompleted) -> Service:
    return Service(
        ServiceKind.SESSION,
        event.appointment_id,
        event.patient_id,
        event.appointment_id,
        event.code,
        event.started_at,
    )


@dataclass(frozen=True, slots=True)
class OnFile:
    """What is known of a service when it is priced. The fee is the one in force at its start.

    `card_id` is of the card on file: the newest one that may be charged; `has_card` says that one
    is there at all. `is_held` says that its charge waits at a gate, `is_on_hold` that nothing may
    be asked of the patient now. `unit` is of a package that the patient paid ahead.
    """

    already_charged: bool
    waits_for_fee: bool
    fee_id: UUID | None
    amount_cents: int | None
    tender: TenderKind | None
    card_id: UUID | None
    has_card: bool
    is_held: bool
    is_on_hold: bool
    gate: Gate
    unit: Unit | None = None


class NoCharge(StrEnum):
    ALREADY_CHARGED = "already_charged"
    WAITS_FOR_FEE = "waits_for_fee"
    NO_FEE_IN_FORCE = "no_fee_in_force"
    COSTS_NOTHING = "costs_nothing"
    ALREADY_HELD = "already_held"


class FirstStep(StrEnum):
    """What happens to a charge as soon as it is posted."""

    CHARGE_CARD = "charge_card"
    DECLINE_FOR_WANT_OF_CARD = "decline_for_want_of_card"
    DECLINE_FOR_WANT_OF_MANDATE = "decline_for_want_of_mandate"
    WAIT_FOR_OUTSIDE_PAYMENT = "wait_for_outside_payment"
    WAIT_FOR_HOLD = "wait_for_hold"
    USE_UNIT = "use_unit"


@dataclass(frozen=True, slots=True)
class Priced:
    """A service with its price."""

    fee_id: UUID
    amount_cents: int
    tender: TenderKind
    card_id: UUID | None
    first_step: FirstStep
    unit: Unit | None = None


def price(found: OnFile) -> Priced | NoCharge:
    """Price a service once. A visit for which nothing was chosen is paid by the card on file.

    A fee of nothing is for what the clinic includes in something else. What was paid ahead costs
    the price of its unit and is paid by that, whatever was chosen.
    """
    if found.already_charged:
        return NoCharge.ALREADY_CHARGED
    if found.is_held:
        return NoCharge.ALREADY_HELD
    if found.fee_id is None or found.amount_cents is None:
        return NoCharge.WAITS_FOR_FEE if found.waits_for_fee else NoCharge.NO_FEE_IN_FORCE
    if found.amount_cents == 0:
        return NoCharge.COSTS_NOTHING
    if found.unit is not None:
        return Priced(
            fee_id=found.fee_id,
            amount_cents=found.unit.value_cents,
            tender=TenderKind.PREPAID,
            card_id=None,
            first_step=FirstStep.USE_UNIT,
            unit=found.unit,
        )
    tender = found.tender or TenderKind.CARD
    if tender is not TenderKind.CARD:
        step = FirstStep.WAIT_FOR_OUTSIDE_PAYMENT
    elif found.is_on_hold:
        step = FirstStep.WAIT_FOR_HOLD
    elif found.card_id is not None:
        step = FirstStep.CHARGE_CARD
    elif found.has_card:
        step = FirstStep.DECLINE_FOR_WANT_OF_MANDATE
    else:
        step = FirstStep.DECLINE_FOR_WANT_OF_CARD
    return Priced(
        fee_id=found.fee_id,
        amount_cents=found.amount_cents,
        tender=tender,
        card_id=found.card_id if step is FirstStep.CHARGE_CARD else None,
        first_step=step,
    )
