"""From a completed series to a draft: once per series, filled in by the claim check."""

from __future__ import annotations

from uuid import UUID

from services.pharmacy.handlers import keys
from services.pharmacy.handlers.refusing import refuse
from services.pharmacy.handlers.signing import ask_to_sign
from services.pharmacy.rules.prescription import broken_by, issue_day
from services.pharmacy.rules.states import UNSIGNED, State
from services.pharmacy.store import formulary, prescriptions
from services.pharmacy.values import Content, Violation
from services.pharmacy.work import RedeemSeries, SeriesRedeemed
from shared.claims import ClaimCheck
from shared.errors import Poison
from shared.events.pharmacy import PrescriptionDrafted
from shared.events.scheduling import PatientUpdated, SeriesCompleted
from shared.ids import new_id
from shared.messaging.transaction import Transaction

PURPOSE = "prescribing"
"""Why we ask, in scheduling's audit log."""


async def draft_for_series(completed: SeriesCompleted, tx: Transaction) -> None:
    """Begin one prescription per completed series, however often its completion is heard."""
    prescription_id = new_id()
    if await prescriptions.start_prescription(tx, prescription_id, completed):
        _redeem(tx, prescription_id, completed.series_id, redemption=1)


async def refresh_drafts(updated: PatientUpdated, tx: Transaction) -> None:
    """Read the patient anew for what is not signed yet. What is signed is never changed."""
    for row in await prescriptions.redeem_anew(tx, updated.patient_id):
        _redeem(tx, row.prescription_id, row.series_id, redemption=row.redemption)


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
    if prescription is None or prescription.state not in UNSIGNED:
        return
    if prescription.redemption != redeemed.redemption:  # a newer answer is on its way or here
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
    broken = broken_by(content)
    if broken:
        violations = [Violation(field=one.field, detail=one.detail) for one in broken]
        await refuse(prescription, broken[0].rule, tx, violations=violations)
        return
    sealed = prescriptions.seal_content(tx, prescription.prescription_id, content)
    await prescriptions.mark(tx, prescription, content=sealed)
    if prescription.state == State.DRAFTING:
        await prescriptions.move(tx, prescription, State.DRAFTED)
        tx.publish(
            PrescriptionDrafted(
                patient_id=prescription.patient_id,
                prescription_id=prescription.prescription_id,
                series_id=prescription.series_id,
                prescriber_id=prescription.prescriber_id,
                drafted_at=tx.now,
            )
        )
    await ask_to_sign(prescription, content, tx)
