"""From a draft to a signature, at the certified vendor and nowhere else.

A session is dated on the day it is opened. When that day is over before the prescriber has
signed, the session no longer counts and a new one is opened with the new day's date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import UUID

import structlog

from services.pharmacy.gateways.signing import Signing
from services.pharmacy.gateways.vendor import Refusal
from services.pharmacy.handlers import keys
from services.pharmacy.handlers.giving_back import hold, refuse
from services.pharmacy.rules import prescription as rules
from services.pharmacy.rules.signature import (
    Declined,
    NotOurs,
    Shown,
    Signed,
    Stale,
    Waiting,
    judge,
)
from services.pharmacy.rules.states import State
from services.pharmacy.store import prescriptions, signings
from services.pharmacy.tables import Prescription
from services.pharmacy.values import Content, Displayed, Evidence, Session, Violation
from services.pharmacy.work import AskSession, OpenSession, SendOrder, SessionRefused, SessionSeen
from shared.events.pharmacy import PrescriptionSignatureDeclined, PrescriptionSigned
from shared.http.webhooks import Notice
from shared.ids import new_id
from shared.messaging.transaction import Transaction

log = structlog.get_logger(__name__)

_UNDECIDED = frozenset({"opening", "open"})

NOT_OURS = Violation(
    detail="What the vendor holds is not what we had shown to this prescriber. Nothing is sent."
    " Ask the prescriber and the vendor what happened."
)


GIVEN_UP = Violation(
    rule="session_given_up",
    detail="The session at the signing vendor was given up by hand. It does not count any more;"
    " take the prescription up again to have it shown anew.",
)


@dataclass(frozen=True, slots=True)
class ToShow:
    """What the vendor is to show, under which reference."""

    signing_id: UUID
    displayed: Displayed


async def ask_to_sign(prescription: Prescription, content: Content, tx: Transaction) -> None:
    """Have today's prescription shown to its prescriber, in place of any showing that differs."""
    today = rules.issue_day(tx.now, content.zone)
    shown = rules.displayed(content, today)
    before = await signings.signing_that_counts(tx, prescription.prescription_id)
    if before is not None:
        if before.sha256 == rules.sha256_of(shown):
            return
        await signings.supersede_undecided(tx, prescription.prescription_id)
    if prescription.state == State.AWAITING_SIGNATURE:
        await prescriptions.move(tx, prescription, State.DRAFTED)
    signing_id = new_id()
    signings.begin_signing(tx, signing_id, prescription.prescription_id, today, shown)
    tx.do(OpenSession(signing_id=signing_id), key=keys.open_session(prescription.prescription_id))


async def load_showing(tx: Transaction, work: OpenSession) -> ToShow | None:
    signing = await signings.find_signing(tx, work.signing_id)
    if signing is None or signing.state not in _UNDECIDED:
        return None
    return ToShow(signing.signing_id, signings.open_displayed(tx, signing))


async def open_session(showing: ToShow, signing: Signing) -> SessionSeen | SessionRefused:
    """Open the session. Safe to repeat: its reference is the signing's id, committed before."""
    match await signing.open(showing.signing_id, showing.displayed):
        case Refusal(code=code, violations=violations):
            return SessionRefused(signing_id=showing.signing_id, code=code, violations=violations)
        case session:
            return SessionSeen(signing_id=showing.signing_id, session=session)


async def load_asking(tx: Transaction, work: AskSession) -> AskSession | None:
    signing = await signings.find_signing(tx, work.signing_id)
    return work if signing is not None and signing.state in _UNDECIDED else None


async def ask_session(work: AskSession, signing: Signing) -> SessionSeen:
    """See what has become of the session. A read, so safe to repeat."""
    return SessionSeen(signing_id=work.signing_id, session=await signing.find(work.signing_id))


async def hear_signing_vendor(notice: Notice, tx: Transaction) -> None:
    """Something happened to a session: go and see."""
    try:
        signing_id = UUID(notice.object_id)
    except ValueError:
        log.info("notice_about_nothing_of_ours", vendor="signing")
        return
    tx.do(AskSession(signing_id=signing_id), key=keys.session_told(signing_id))


async def record_session(seen: SessionSeen, tx: Transaction) -> None:
    """Store what has become of a session, if it still counts and only as far as it is ours."""
    locked = await signings.lock_signing(tx, seen.signing_id)
    if locked is None:
        return
    prescription, signing = locked
    if signing.state not in _UNDECIDED:
        return
    if seen.session is None:
        tx.do(
            OpenSession(signing_id=signing.signing_id),
            key=keys.open_session(prescription.prescription_id),
        )
        return
    content = prescriptions.open_content(tx, prescription)
    shown = Shown(
        sha256=signing.sha256,
        dea_number=content.prescriber.dea_number or "",
        issue_date=signing.issue_date,
        zone=content.zone,
    )
    match judge(seen.session, shown, tx.now):
        case Waiting(ask_at):
            await _wait(prescription, signing.signing_id, seen.session, ask_at, tx)
        case Stale():
            await signings.supersede_undecided(tx, prescription.prescription_id)
            await ask_to_sign(prescription, content, tx)
        case Signed(evidence):
            await signings.keep_signature(tx, signing.signing_id, seen.session, evidence)
            await _sign(prescription, evidence, tx)
        case Declined(at):
            await signings.keep_declined_session(tx, signing.signing_id, seen.session)
            await _decline(prescription, at, tx)
        case NotOurs(reason):
            log.error(
                "signature_not_ours",
                reason=reason,
                prescription_id=prescription.prescription_id,
            )
            await refuse(prescription, reason, [NOT_OURS], tx)
        case never:
            assert_never(never)


async def record_session_refusal(refused: SessionRefused, tx: Transaction) -> None:
    """The vendor will not show this prescription: a person corrects what it is about."""
    locked = await signings.lock_signing(tx, refused.signing_id)
    if locked is None:
        return
    prescription, signing = locked
    if signing.state not in _UNDECIDED:
        return
    await hold(prescription, refused.code, refused.violations, tx)


async def hold_unshown(work: OpenSession | AskSession, tx: Transaction) -> None:
    """A person gave up what the vendor was to show or to say; a retry has it shown anew."""
    locked = await signings.lock_signing(tx, work.signing_id)
    if locked is not None and locked[1].state in _UNDECIDED:
        await hold(locked[0], "session_given_up", [GIVEN_UP], tx)


async def _wait(
    prescription: Prescription,
    signing_id: UUID,
    session: Session,
    ask_at: datetime,
    tx: Transaction,
) -> None:
    await signings.keep_open_session(tx, signing_id, session)
    if prescription.state == State.DRAFTED:
        await prescriptions.move(tx, prescription, State.AWAITING_SIGNATURE)
    tx.do(
        AskSession(signing_id=signing_id),
        due=ask_at,
        key=keys.ask_session(prescription.prescription_id),
    )


async def _sign(prescription: Prescription, evidence: Evidence, tx: Transaction) -> None:
    """Send as soon as it is signed (21 CFR 1311.170(a))."""
    await prescriptions.move(tx, prescription, State.SIGNED, at=evidence.signed_at)
    tx.cancel(keys.ask_session(prescription.prescription_id))
    tx.publish(
        PrescriptionSigned(
            patient_id=prescription.patient_id,
            prescription_id=prescription.prescription_id,
            signed_at=evidence.signed_at,
        )
    )
    tx.do(
        SendOrder(prescription_id=prescription.prescription_id),
        key=keys.send(prescription.prescription_id),
    )


async def _decline(prescription: Prescription, at: datetime, tx: Transaction) -> None:
    await prescriptions.move(tx, prescription, State.SIGNATURE_DECLINED, at=at)
    for key in keys.all_of(prescription.prescription_id):
        tx.cancel(key)
    tx.publish(
        PrescriptionSignatureDeclined(
            patient_id=prescription.patient_id,
            prescription_id=prescription.prescription_id,
            declined_at=at,
        )
    )
