"""Visits: whose they are, how they will be paid, and what is on file when they are priced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY, SMALLINT, TEXT, TIMESTAMP
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from services.billing.rules.charges.attempts import Charged
from services.billing.rules.charges.gates import in_turn as gates_in_turn
from services.billing.rules.charges.pricing import OnFile, Service, of_infusion, of_session
from services.billing.rules.charges.standing import ChargeState
from services.billing.rules.clinic import CLINIC_ZONE, zone_of
from services.billing.rules.packages.units import Wants, in_turn
from services.billing.store import fees
from services.billing.store.gates import read_gates
from services.billing.store.package_units import free_of
from shared.events.billing import TenderKind
from shared.events.scheduling import AppointmentBooked, ConsultCompleted, InfusionCompleted
from shared.messaging import Transaction

_ON_FILE = text(
    """
    SELECT c.charge_id IS NOT NULL AS charged, w.infusion_id IS NOT NULL AS waits,
           h.infusion_id IS NOT NULL AS held, f.fee_id, f.amount_cents, v.tender, k.card_id,
           EXISTS (SELECT FROM cards AS n
                    WHERE n.patient_id = i.patient_id AND n.gone_at IS NULL) AS has_card,
           EXISTS (SELECT FROM collections_holds AS o
                    WHERE o.patient_id = i.patient_id AND o.charge_id IS NULL
                      AND o.ended_at IS NULL) AS on_hold
      FROM unnest(:services, :appointments, :patients, :visit_types, :starts)
           WITH ORDINALITY AS i (service_id, appointment_id, patient_id, visit_type, started_at, n)
      LEFT JOIN charges AS c ON c.infusion_id = i.service_id
      LEFT JOIN uncharged_infusions AS w ON w.infusion_id = i.service_id
      LEFT JOIN held_charges AS h ON h.infusion_id = i.service_id
      LEFT JOIN visits AS v
             ON v.appointment_id = i.appointment_id AND v.patient_id = i.patient_id
      LEFT JOIN LATERAL (SELECT fee_id, amount_cents FROM fees
                          WHERE visit_type = i.visit_type
                            AND effective_from
                                <= (i.started_at AT TIME ZONE coalesce(v.zone, :zone))::date
                          ORDER BY effective_from DESC, revision DESC LIMIT 1) AS f ON true
      LEFT JOIN LATERAL (SELECT o.card_id FROM cards AS o JOIN mandates AS m USING (setup_id)
                          WHERE o.patient_id = i.patient_id AND o.gone_at IS NULL
                            AND m.withdrawn_at IS NULL
                          ORDER BY o.set_up_at DESC, o.setup_id DESC LIMIT 1) AS k ON true
     ORDER BY i.n
    """
).bindparams(
    bindparam("services", type_=ARRAY(PG_UUID)),
    bindparam("appointments", type_=ARRAY(PG_UUID)),
    bindparam("patients", type_=ARRAY(PG_UUID)),
    bindparam("visit_types", type_=ARRAY(TEXT)),
    bindparam("starts", type_=ARRAY(TIMESTAMP(timezone=True))),
    bindparam("zone", CLINIC_ZONE.key, type_=TEXT),
)

_LOCK_VISITS = text(
    "SELECT FROM visits WHERE appointment_id = ANY(:appointments)"
    " ORDER BY appointment_id FOR UPDATE"
).bindparams(bindparam("appointments", type_=ARRAY(PG_UUID)))

_KEPT_VISITS = text(
    """
    SELECT v.appointment_id IS NOT NULL AS is_kept,
           coalesce(i.sequence_no > c.planned_infusions, false) AS is_more
      FROM unnest(:appointments, :series, :numbers)
           WITH ORDINALITY AS i (appointment_id, series_id, sequence_no, n)
      LEFT JOIN visits AS v ON v.appointment_id = i.appointment_id
      LEFT JOIN estimate_courses AS c ON c.course_id = i.series_id AND c.ended_at IS NULL
     ORDER BY i.n
    """
).bindparams(
    bindparam("appointments", type_=ARRAY(PG_UUID)),
    bindparam("series", type_=ARRAY(PG_UUID)),
    bindparam("numbers", type_=ARRAY(SMALLINT)),
)

_LOCK_VISIT = text(
    "SELECT patient_id FROM visits WHERE appointment_id = :appointment_id FOR UPDATE"
)

_CHARGED = text(
    "SELECT charge_id, state, tender, amount_cents FROM charges"
    " WHERE appointment_id = :appointment_id ORDER BY posted_at DESC LIMIT 1"
)

_NOTE_TIMES = text(
    """
    UPDATE visits SET arrived_at = coalesce(arrived_at, :arrived_at),
           left_at = coalesce(left_at, :left_at)
     WHERE appointment_id = :appointment_id
    """
).bindparams(
    bindparam("arrived_at", type_=TIMESTAMP(timezone=True)),
    bindparam("left_at", type_=TIMESTAMP(timezone=True)),
)

_SET_START = text(
    "UPDATE visits SET starts_at = :starts_at WHERE appointment_id = :appointment_id"
).bindparams(bindparam("starts_at", type_=TIMESTAMP(timezone=True)))

_ZONE_OF_LOCATION = text(
    """
    SELECT zone FROM visits WHERE location_id = :location_id AND zone IS NOT NULL
     ORDER BY starts_at DESC NULLS LAST LIMIT 1
    """
)

_CHOOSE_TENDER = text(
    "UPDATE visits SET tender = :tender, chosen_at = :at WHERE appointment_id = :appointment_id"
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a visit when its booking is heard.

    `is_more` says that it was not planned with its series: it is in a lost one's place, or added.
    """

    is_kept: bool
    is_more: bool


async def load_known(tx: Transaction, booked: Sequence[AppointmentBooked]) -> list[Known]:
    """What is known of each visit, in one statement for the whole batch."""
    rows = await tx.execute(
        _KEPT_VISITS,
        {
            "appointments": [event.appointment_id for event in booked],
            "series": [event.series_id for event in booked],
            "numbers": [event.sequence_no for event in booked],
        },
    )
    return [Known(row.is_kept, row.is_more) for row in rows]


async def load_on_file(tx: Transaction, completed: Sequence[InfusionCompleted]) -> list[OnFile]:
    """What pricing needs of each infusion of a batch."""
    return await read_on_file(tx, [of_infusion(event) for event in completed])


async def load_session_on_file(
    tx: Transaction, completed: Sequence[ConsultCompleted]
) -> list[OnFile]:
    """What pricing needs of each session of a batch."""
    return await read_on_file(tx, [of_session(event) for event in completed])


async def read_on_file(tx: Transaction, services: Sequence[Service]) -> list[OnFile]:
    """What pricing needs of each service, in one statement for them all.

    Fees and visits are locked before: between this look and the commit no fee is recorded that
    would cover them, and no tender is chosen. So are the packages of their patients.
    """
    await fees.hold(tx)
    await tx.execute(_LOCK_VISITS, {"appointments": [one.appointment_id for one in services]})
    gates = await read_gates(tx, services)
    found = await tx.execute(
        _ON_FILE,
        {
            "services": [one.service_id for one in services],
            "appointments": [one.appointment_id for one in services],
            "patients": [one.patient_id for one in services],
            "visit_types": [one.code for one in services],
            "starts": [one.started_at for one in services],
        },
    )
    rows = found.all()
    units = in_turn(
        await free_of(tx, [one.patient_id for one in services]),
        [
            Wants(one.patient_id, one.code) if row.amount_cents and not row.charged else None
            for row, one in zip(rows, services, strict=True)
        ],
    )
    amounts_cents = [
        None if row.charged or row.held else unit.value_cents if unit else row.amount_cents
        for row, unit in zip(rows, units, strict=True)
    ]
    return [
        OnFile(
            already_charged=row.charged,
            waits_for_fee=row.waits,
            fee_id=row.fee_id,
            amount_cents=row.amount_cents,
            tender=row.tender and TenderKind(row.tender),
            card_id=row.card_id,
            has_card=row.has_card,
            is_held=row.held,
            is_on_hold=row.on_hold,
            gate=gate,
            unit=unit,
        )
        for row, unit, gate in zip(rows, units, gates_in_turn(gates, amounts_cents), strict=True)
    ]


async def note_times(
    tx: Transaction,
    appointment_id: UUID,
    *,
    arrived_at: datetime | None = None,
    left_at: datetime | None = None,
) -> None:
    """Keep when a patient came or left. A visit that is not known was no appointment of ours."""
    times = {"appointment_id": appointment_id, "arrived_at": arrived_at, "left_at": left_at}
    await tx.execute(_NOTE_TIMES, times)


async def set_start(tx: Transaction, appointment_id: UUID, starts_at: datetime | None) -> None:
    """Keep when a visit is; `None` for one that was lost."""
    await tx.execute(_SET_START, {"appointment_id": appointment_id, "starts_at": starts_at})


async def zone_of_location(tx: Transaction, location_id: UUID) -> ZoneInfo:
    """The zone of a place, as its visits tell it."""
    found = await tx.execute(_ZONE_OF_LOCATION, {"location_id": location_id})
    return zone_of(found.scalar_one_or_none())


async def lock_visit(tx: Transaction, appointment_id: UUID) -> UUID | None:
    """Whose visit it is; its row is ours until the commit. `None` when it is not known."""
    found = await tx.execute(_LOCK_VISIT, {"appointment_id": appointment_id})
    patient_id: UUID | None = found.scalar()
    return patient_id


async def find_charge(tx: Transaction, appointment_id: UUID) -> Charged | None:
    """How a visit is charged, once it is."""
    row = (await tx.execute(_CHARGED, {"appointment_id": appointment_id})).one_or_none()
    if row is None:
        return None
    return Charged(row.charge_id, ChargeState(row.state), TenderKind(row.tender), row.amount_cents)


async def choose_tender(tx: Transaction, appointment_id: UUID, tender: TenderKind) -> None:
    await tx.execute(
        _CHOOSE_TENDER,
        {"appointment_id": appointment_id, "tender": tender.value, "at": tx.now},
    )
