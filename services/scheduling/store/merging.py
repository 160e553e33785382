"""Files that were one too many of a person, and what stands under a file."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import exists, select, update
from sqlmodel import col

from services.scheduling.rules.patients.merging import Standing
from services.scheduling.rules.series.course import SeriesState
from services.scheduling.rules.series.holds import HELD
from services.scheduling.rules.series.waitlist import WishState
from services.scheduling.rules.visits.life import COMING, FREED, HERE
from services.scheduling.store.rows import seal
from services.scheduling.tables import (
    Appointment,
    BookingLink,
    Consent,
    FileMerge,
    Imported,
    Outcome,
    Patient,
    Review,
    Series,
    WaitingWish,
)
from shared.messaging import Transaction

TO_COME = (*COMING, *HERE, HELD)


async def standing_of(tx: Transaction, patient_id: UUID) -> Standing:
    """What stands under a file, once its row is held."""
    visits = col(Appointment.patient_id) == patient_id
    state = col(Appointment.state)
    row = (
        await tx.execute(
            select(
                exists().where(visits, state.not_in((*TO_COME, *FREED))).label("begun"),
                exists().where(visits, state.in_(TO_COME)).label("to_come"),
                exists()
                .where(
                    col(Series.patient_id) == patient_id, col(Series.state) == SeriesState.BOOKED
                )
                .label("open_series"),
                exists()
                .where(
                    col(WaitingWish.patient_id) == patient_id,
                    col(WaitingWish.state) == WishState.WAITING,
                )
                .label("waits"),
                exists()
                .where(col(Outcome.patient_id) == patient_id, col(Outcome.withdrawn_at).is_(None))
                .label("scored"),
                exists()
                .where(col(Review.patient_id) == patient_id, col(Review.acknowledged_at).is_(None))
                .label("open_review"),
            )
        )
    ).one()
    return Standing(
        history=row.begun or row.scored,
        to_come=row.to_come,
        open_series=row.open_series,
        waits=row.waits,
        open_review=row.open_review,
    )


async def close_file(
    tx: Transaction, patient_id: UUID, into_patient_id: UUID, reason: str, by: str
) -> None:
    """Close a file. Its consents, and what imports know it by, are the other one's from here on.

    So are the files that were merged into it before. Links to book by are taken back.
    """
    tx.insert(
        FileMerge,
        patient_id=patient_id,
        into_patient_id=into_patient_id,
        reason=seal(tx, {"reason": reason}, "file_merges", "reason", patient_id),
        merged_at=tx.now,
        merged_by=by,
    )
    into = {"merged_into": into_patient_id}
    closed = (col(Patient.patient_id) == patient_id) | (col(Patient.merged_into) == patient_id)
    await tx.execute(update(Patient).where(closed).values(into))
    await tx.execute(
        update(Consent)
        .where(col(Consent.patient_id) == patient_id)
        .values(patient_id=into_patient_id)
    )
    await tx.execute(
        update(Imported)
        .where(col(Imported.object_id) == patient_id)
        .values(object_id=into_patient_id)
    )
    await tx.execute(
        update(BookingLink)
        .where(
            col(BookingLink.patient_id) == patient_id,
            col(BookingLink.revoked_at).is_(None),
            col(BookingLink.appointment_id).is_(None),
        )
        .values(revoked_at=tx.now)
    )


async def merged_into(tx: Transaction, patient_id: UUID) -> list[UUID]:
    """The files that are closed in favour of this one."""
    rows = select(col(Patient.patient_id)).where(col(Patient.merged_into) == patient_id)
    return list((await tx.execute(rows.order_by(col(Patient.patient_id)))).scalars())
