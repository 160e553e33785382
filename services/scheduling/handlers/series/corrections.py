"""What a series is given for, and by whose order, put right by a prescriber's signature."""

from __future__ import annotations

from uuid import UUID

from services.scheduling import store
from services.scheduling.forms.series_corrections import CorrectSeries, SeriesCorrectionAnswer
from services.scheduling.handlers.series.whole_plans import broken_by_prescriber
from services.scheduling.handlers.signers import broken_by_signer
from services.scheduling.rules.series import corrections as rules
from services.scheduling.rules.series.course import SeriesState
from services.scheduling.rules.signing import Act
from services.scheduling.store import series_corrections as kept
from services.scheduling.tables.series_corrections import SeriesCorrection
from shared.auth import Actor
from shared.http.problems import Refused
from shared.messaging import Transaction


async def correct_series(
    series_id: UUID, wish: CorrectSeries, by: Actor, tx: Transaction
) -> SeriesCorrectionAnswer | Refused:
    """Put right, signed, the diagnoses or the prescriber of a series. What stood there is kept."""
    course = await store.lock_course(tx, series_id)
    if course is None:
        return Refused.not_found("series", "series_id")
    series = course.series
    had = store.diagnoses_of(tx, series)
    diagnoses = had if wish.diagnoses is None else wish.diagnoses
    prescriber_id = wish.prescriber_id or series.prescriber_id
    other = prescriber_id != series.prescriber_id
    broken = rules.broken_by_same(changed=diagnoses != had or other)
    if other:
        broken += rules.broken_by_other_prescriber(
            SeriesState(series.state), told=series.completed_at is not None
        )
        broken += await broken_by_prescriber(tx, prescriber_id)
    broken += await broken_by_signer(tx, wish.clinician_id, by, Act.INDICATION)
    if broken:
        return Refused.by_rules(broken, "The series stays as it is")
    row = await kept.add_correction(
        tx, series, diagnoses, prescriber_id, wish.clinician_id, by.subject, wish.reason
    )
    return _show(tx, series.patient_id, row)


async def list_corrections(
    series_id: UUID, tx: Transaction
) -> list[SeriesCorrectionAnswer] | Refused:
    course = await store.find_course(tx, series_id)
    if course is None:
        return Refused.not_found("series", "series_id")
    patient_id = course.series.patient_id
    return [_show(tx, patient_id, each) for each in await kept.corrections_of(tx, series_id)]


def _show(tx: Transaction, patient_id: UUID, row: SeriesCorrection) -> SeriesCorrectionAnswer:
    return SeriesCorrectionAnswer(
        patient_id=patient_id,
        **row.model_dump(exclude={"corrected"}),
        **kept.corrected_of(tx, row),
    )
