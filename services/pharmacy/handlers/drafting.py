"""From a completed series to a draft: once per series, filled in by the claim check.

A draft that fails a check which a correction can mend is held. After the correction it is redeemed
and checked anew, because a person asks for it or because the patient was updated.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from uuid import UUID

import structlog

from services.pharmacy.handlers import keys
from services.pharmacy.handlers.giving_back import hold, refuse
from services.pharmacy.handlers.listing import PrescriptionShown
from services.pharmacy.handlers.signing import ask_to_sign
from services.pharmacy.rules.prescription import forbidden_by, issue_day, to_correct
from services.pharmacy.rules.states import CONTENT_IS_OPEN, UNDER_WAY, State
from services.pharmacy.store import formulary, prescriptions
from services.pharmacy.tables import Prescription
from services.pharmacy.values import Content, Violation
from services.pharmacy.work import RedeemSeries, SeriesRedeemed
from shared.claims import ClaimCheck
from shared.errors import Poison
from shared.events.pharmacy import PrescriptionDrafted
from shared.events.scheduling import PatientUpdated, SeriesCompleted, SeriesStopped
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging.transaction import Transaction
from shared.refusals import Broken

log = structlog.get_logger(__name__)

PURPOSE = "prescribing"
"""Why we ask, in scheduling's audit log."""

STOPPED = Violation(
    rule="series_stopped",
    detail="The series was stopped after it had been completed. Nothing is prescribed for it.",
)
NOT_REDEEMED = Violation(
    rule="series_not_redeemed",
    detail="Scheduling could not say who the patient and the prescriber are. Correct the patient,"
    " the clinician and the location there; then take this up again.",
)


async def draft_for_series(completed: SeriesCompleted, tx: Transaction) -> None:
    """Begin one prescription per completed series, however often its completion is heard."""
    prescription_id = new_id()
    if await prescriptions.start_prescription(tx, prescription_id, completed):
        _redeem(tx, prescription_id, completed.series_id, redemption=1)


async def withdraw_for_series(stopped: SeriesStopped, tx: Transaction) -> None:
    """Nothing is signed for a series that was stopped after all. What is signed is out of reach."""
    prescription = await prescriptions.lock_prescription_of(tx, stopped.series_id)
    if prescription is None:
        return
    if prescription.state in CONTENT_IS_OPEN:
        await refuse(prescription, "series_stopped", [STOPPED], tx)
    elif prescription.state in UNDER_WAY:
        log.error("stopped_after_signature", prescription_id=prescription.prescription_id)


async def refresh_drafts(updated: PatientUpdated, tx: Transaction) -> None:
    """Read the patient anew for what is not signed yet. What is signed is never changed."""
    for prescription in await prescriptions.lock_open_ones_of(tx, updated.patient_id):
        await _redeem_anew(prescription, tx)


async def take_up_again(prescription_id: UUID, tx: Transaction) -> PrescriptionShown | Refused:
    """Read everything anew after a correction. Asked for twice, it is the same prescription."""
    prescription = await prescriptions.lock_prescription(tx, prescription_id)
    if prescription is None:
        return Refused.not_found("prescription")
    if prescription.state not in CONTENT_IS_OPEN:
        return Refused.because(
            "content_is_closed",
            f"The prescription is {prescription.state}; only one that is neither signed nor over"
            " is taken up again.",
            source="what is signed, or over, stays as it is",
        )
    await _redeem_anew(prescription, tx)
    return PrescriptionShown.of(prescription)


async def _redeem_anew(prescription: Prescription, tx: Transaction) -> None:
    """Answers to earlier askings are outdated."""
    redemption = prescription.redemption + 1
    await prescriptions.mark(tx, prescription, redemption=redemption)
    if prescription.state == State.NEEDS_CORRECTION:
        await prescriptions.move(tx, prescription, State.DRAFTING, reason=None, violations=None)
    _redeem(tx, prescription.prescription_id, prescription.series_id, redemption=redemption)


def _redeem(tx: Transaction, prescription_id: UUID, series_id: UUID, *, redemption: int) -> None:
    work = RedeemSeries(prescription_id=prescription_id, series_id=series_id, redemption=redemption)
    tx.do(work, key=keys.redeem(prescription_id))


async def redeem_series(work: RedeemSeries, claims: ClaimCheck) -> SeriesRedeemed:
    """Ask who the patient and the prescriber are. A read, so safe to repeat."""
    series = await claims.series(work.series_id, purpose=PURPOSE)
    return SeriesRedeemed(
        prescription_id=work.prescription_id, redemption=work.redemption, series=series
    )


async def write_draft(redeemed: SeriesRedeemed, tx: Transaction) -> None:
    """Write the prescription out, check it, and ask to have it signed.

    Raises `Poison` when what was redeemed is about another patient or prescriber.
    """
    prescription = await prescriptions.lock_prescription(tx, redeemed.prescription_id)
    if prescription is None or not _is_awaited(prescription, redeemed.redemption):
        return
    series = redeemed.series
    redeemed_ids = (series.patient.patient_id, series.prescriber.clinician_id)
    if redeemed_ids != (prescription.patient_id, prescription.prescriber_id):
        raise Poison("claim_of_others")
    item, partner = await formulary.formulary_on(tx, issue_day(tx.now, series.location.zone))
    content = Content(
        patient=series.patient,
        prescriber=series.prescriber,
        zone=series.location.zone,
        item=item,
        partner=partner,
    )
    if forbidden := forbidden_by(content):
        await refuse(prescription, forbidden[0].rule, _violations(forbidden), tx)
        return
    if wrong := to_correct(content):
        await hold(prescription, wrong[0].rule, _violations(wrong), tx)
        return
    await _write(prescription, content, tx)
    await ask_to_sign(prescription, content, tx)


async def hold_unredeemed(work: RedeemSeries, tx: Transaction) -> None:
    """A person gave the question to scheduling up: what it was about is not known."""
    prescription = await prescriptions.lock_prescription(tx, work.prescription_id)
    if prescription is not None and _is_awaited(prescription, work.redemption):
        await hold(prescription, "series_not_redeemed", [NOT_REDEEMED], tx)


def _violations(broken: Iterable[Broken]) -> list[Violation]:
    return [Violation(**asdict(one)) for one in broken]


def _is_awaited(prescription: Prescription, redemption: int) -> bool:
    """Whether this answer is the newest one asked for, and may still be written.

    What was held meanwhile waits for its correction.
    """
    awaits = CONTENT_IS_OPEN - {State.NEEDS_CORRECTION}
    return prescription.state in awaits and prescription.redemption == redemption


async def _write(prescription: Prescription, content: Content, tx: Transaction) -> None:
    sealed = prescriptions.seal_content(tx, prescription.prescription_id, content)
    await prescriptions.mark(tx, prescription, content=sealed)
    if prescription.state != State.DRAFTING:
        return
    drafted_before = prescription.drafted_at is not None
    await prescriptions.move(tx, prescription, State.DRAFTED)
    if not drafted_before:
        tx.publish(
            PrescriptionDrafted(
                patient_id=prescription.patient_id,
                prescription_id=prescription.prescription_id,
                series_id=prescription.series_id,
                prescriber_id=prescription.prescriber_id,
                drafted_at=tx.now,
            )
        )
