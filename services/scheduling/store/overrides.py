"""Overrides. Why one was signed is sealed here and opened here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    DateTime,
    Row,
    Select,
    SmallInteger,
    Subquery,
    Text,
    Uuid,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
    update,
)
from sqlmodel import SQLModel, col

from services.scheduling.rules.series.overrides import Signed
from services.scheduling.store.rows import one, seal, unseal
from services.scheduling.tables import Appointment, Patient, Series
from services.scheduling.tables.dose_amendments import DoseAmendment
from services.scheduling.tables.drip_ends import BanExtension, EndCorrection
from services.scheduling.tables.leaving import Transfer, WalkOut
from services.scheduling.tables.overrides import Override
from services.scheduling.tables.series_corrections import SeriesCorrection
from services.scheduling.tables.visit_corrections import VisitCorrection
from services.scheduling.tables.visits import Dose, VitalsOverride
from shared.ids import new_id
from shared.messaging import Transaction


async def add_override(tx: Transaction, series: Series, reason: str, **values: Any) -> Override:
    override_id = new_id()
    override = Override(
        override_id=override_id,
        series_id=series.series_id,
        patient_id=series.patient_id,
        reason=seal(tx, {"reason": reason}, "overrides", "reason", override_id),
        signed_at=tx.now,
        **values,
    )
    tx.insert(Override, **override.model_dump())
    await _let_hold(tx, series.series_id)
    return override


def add_gap_override(
    tx: Transaction, visit: Appointment, gap_min_days: int, reason: str, clinician_id: UUID, by: str
) -> None:
    """Keep a prescriber's word that a treatment outside a series is given sooner."""
    override_id = new_id()
    tx.insert(
        Override,
        override_id=override_id,
        series_id=None,
        appointment_id=visit.appointment_id,
        patient_id=visit.patient_id,
        rule=Signed.DRUG_GAP,
        infusions=None,
        gap_min_days=gap_min_days,
        reason=seal(tx, {"reason": reason}, "overrides", "reason", override_id),
        clinician_id=clinician_id,
        signed_by=by,
        signed_at=tx.now,
    )


async def signed_gap_of(tx: Transaction, appointment_id: UUID) -> int | None:
    """How many days from another visit a treatment may be, where a prescriber's word stands."""
    rows = select(func.min(col(Override.gap_min_days))).where(
        col(Override.appointment_id) == appointment_id, col(Override.withdrawn_at).is_(None)
    )
    found: int | None = (await tx.execute(rows)).scalar_one()
    return found


async def lock_override(tx: Transaction, override_id: UUID) -> Override | None:
    """An override as it is once its patient's row is held."""
    held = (
        select(col(Patient.patient_id))
        .join(Override, col(Override.patient_id) == col(Patient.patient_id))
        .where(col(Override.override_id) == override_id)
    )
    await tx.execute(held.with_for_update(key_share=True, of=Patient))
    rows = select(Override).where(col(Override.override_id) == override_id)
    return await one(tx, rows, Override)


async def withdraw_override(tx: Transaction, override: Override, by: str) -> Override:
    values = {"withdrawn_at": tx.now, "withdrawn_by": by}
    await tx.execute(
        update(Override).where(col(Override.override_id) == override.override_id).values(**values)
    )
    if override.series_id is not None:
        await _let_hold(tx, override.series_id)
    return Override(**(override.model_dump() | values))


async def _let_hold(tx: Transaction, series_id: UUID) -> None:
    """Have a series be given by all that stands signed for it."""
    more, gap, longest = _signed_for(series_id)
    await tx.execute(
        update(Series)
        .where(col(Series.series_id) == series_id)
        .values(
            extra_infusions=more.scalar_subquery(),
            gap_min_days=gap.scalar_subquery(),
            gap_max_days=longest.scalar_subquery(),
        )
    )


async def series_without(tx: Transaction, series: Series, override_id: UUID) -> Series:
    """A series as it would be given by all that stands signed for it but one override."""
    more, gap, longest = _signed_for(series.series_id, besides=override_id)
    rows = select(
        more.scalar_subquery().label("extra_infusions"),
        gap.scalar_subquery().label("gap_min_days"),
        longest.scalar_subquery().label("gap_max_days"),
    )
    left = (await tx.execute(rows)).mappings().one()
    return Series(**(series.model_dump() | dict(left)))


def _signed_for(
    series_id: UUID, *, besides: UUID | None = None
) -> tuple[Select[Any], Select[Any], Select[Any]]:
    """How many infusions more stand signed for a series, how few days apart, and how many.

    Once it was completed, only what was signed since then makes it longer.
    """
    standing = [col(Override.series_id) == series_id, col(Override.withdrawn_at).is_(None)]
    if besides is not None:
        standing.append(col(Override.override_id) != besides)
    more = (
        select(func.coalesce(func.sum(col(Override.infusions)), 0))
        .join(Series, col(Series.series_id) == col(Override.series_id))
        .where(
            *standing,
            or_(
                col(Series.completed_at).is_(None),
                col(Override.signed_at) >= col(Series.completed_at),
            ),
        )
        .correlate(None)
    )
    return (
        more,
        select(func.min(col(Override.gap_min_days))).where(*standing),
        select(func.max(col(Override.gap_max_days))).where(*standing),
    )


def reason_of(tx: Transaction, override: Override) -> str:
    opened = unseal(tx, override.reason, "overrides", "reason", override.override_id)
    return str(opened["reason"])


_NO_NUMBER = null().cast(SmallInteger)
_NO_TIME, _NO_TEXT = null().cast(DateTime(timezone=True)), null().cast(Text)


@dataclass(frozen=True, slots=True)
class _OfVisit:
    """A table whose rows are signed of a single visit, for good, by the names of its columns.

    `sealed` holds the reason.
    """

    kind: Signed
    table: type[SQLModel]
    id: str
    sealed: str
    signed_by: str = "signed_by"
    signed_at: str = "signed_at"

    def rows(self) -> Select[Any]:
        """In the columns that all overrides have; no row without a reason is an override."""
        its: Any = self.table.__table__.c  # type: ignore[attr-defined]
        return (
            select(
                its[self.id].label("override_id"),
                literal(self.kind.value).label("kind"),
                col(Appointment.patient_id),
                col(Appointment.series_id),
                col(Appointment.appointment_id),
                col(Appointment.location_id),
                _NO_NUMBER.label("infusions"),
                _NO_NUMBER.label("gap_min_days"),
                _NO_NUMBER.label("gap_max_days"),
                its[self.sealed].label("sealed"),
                its.clinician_id,
                its[self.signed_by].label("signed_by"),
                its[self.signed_at].label("signed_at"),
                _NO_TIME.label("withdrawn_at"),
                _NO_TEXT.label("withdrawn_by"),
            )
            .join(Appointment, col(Appointment.appointment_id) == its.appointment_id)
            .where(its[self.sealed].is_not(None))
        )


_OF_VISITS = (
    _OfVisit(Signed.VITALS, VitalsOverride, "override_id", "why"),
    _OfVisit(
        Signed.DOSE_NOT_GIVEN, Dose, "appointment_id", "not_given", "recorded_by", "recorded_at"
    ),
    _OfVisit(Signed.TRANSFER, Transfer, "appointment_id", "handed_over"),
    _OfVisit(Signed.WALK_OUT, WalkOut, "appointment_id", "account"),
    _OfVisit(Signed.END_CORRECTION, EndCorrection, "correction_id", "why"),
    _OfVisit(Signed.DOSE_AMENDMENT, DoseAmendment, "amendment_id", "amended"),
    _OfVisit(Signed.BAN_EXTENSION, BanExtension, "extension_id", "why"),
    _OfVisit(Signed.VISIT_CORRECTION, VisitCorrection, "correction_id", "corrected"),
)

SIGNED: Subquery = union_all(
    select(
        col(Override.override_id),
        col(Override.rule).label("kind"),
        col(Override.patient_id),
        col(Override.series_id),
        col(Override.appointment_id),
        func.coalesce(col(Series.location_id), col(Appointment.location_id)).label("location_id"),
        col(Override.infusions),
        col(Override.gap_min_days),
        col(Override.gap_max_days),
        col(Override.reason).label("sealed"),
        col(Override.clinician_id),
        col(Override.signed_by),
        col(Override.signed_at),
        col(Override.withdrawn_at),
        col(Override.withdrawn_by),
    )
    .outerjoin(Series, col(Series.series_id) == col(Override.series_id))
    .outerjoin(Appointment, col(Appointment.appointment_id) == col(Override.appointment_id)),
    *(each.rows() for each in _OF_VISITS),
    select(
        col(SeriesCorrection.correction_id),
        literal(Signed.SERIES_CORRECTION.value),
        col(Series.patient_id),
        col(Series.series_id),
        null().cast(Uuid),
        col(Series.location_id),
        _NO_NUMBER,
        _NO_NUMBER,
        _NO_NUMBER,
        col(SeriesCorrection.corrected),
        col(SeriesCorrection.clinician_id),
        col(SeriesCorrection.signed_by),
        col(SeriesCorrection.signed_at),
        _NO_TIME,
        _NO_TEXT,
    ).join(Series, col(Series.series_id) == col(SeriesCorrection.series_id)),
).subquery("signed")

_SEALED = {
    Signed.SIZE: ("overrides", "reason"),
    Signed.GAP: ("overrides", "reason"),
    Signed.LONG_GAP: ("overrides", "reason"),
    Signed.DRUG_GAP: ("overrides", "reason"),
    Signed.SERIES_CORRECTION: ("series_corrections", "corrected"),
    **{each.kind: (str(each.table.__tablename__), each.sealed) for each in _OF_VISITS},
}
"""Where what is sealed of each kind stands."""

BY_SIGNED = (SIGNED.c.signed_at, SIGNED.c.override_id)


def overrides_signed(
    kind: Signed | None, series_id: UUID | None, patient_id: UUID | None
) -> Select[Any]:
    """All overrides, to be shown a page at a time, those withdrawn included."""
    rows = select(SIGNED)
    wanted = {"kind": kind, "series_id": series_id, "patient_id": patient_id}
    for name, value in wanted.items():
        if value is not None:
            rows = rows.where(SIGNED.c[name] == value)
    return rows


def why_of(tx: Transaction, row: Row[Any]) -> Mapping[str, Any]:
    """The `reason` of any override, and of one of vitals what was `outside`."""
    return unseal(tx, row.sealed, *_SEALED[row.kind], row.override_id)
