"""Charges that are held: looked at again, decided by a person, posted or waived."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import Row

from services.billing.handlers.approvals import ApprovalAsked, hold
from services.billing.handlers.charges import gates
from services.billing.handlers.charges.posting import post_charge
from services.billing.handlers.estimates import terms
from services.billing.handlers.listing import Blocked
from services.billing.rules.approvals import Entry
from services.billing.rules.charges import gates as rules
from services.billing.rules.charges import pricing
from services.billing.rules.charges.coverage import CLINICIAN_ASKED_FOR, Given
from services.billing.rules.charges.gates import Decision, HeldState
from services.billing.rules.charges.pricing import OnFile, Priced
from services.billing.rules.clinic import clinic_day
from services.billing.store import coverage, visits
from services.billing.store import held_charges as store
from services.billing.store.held_charges import Held
from services.billing.work import AskWhoGave, ClinicianKnown, LookAgain
from shared.claims import PRINTABLE, ClaimCheck
from shared.errors import Poison
from shared.events.billing import ChargeWaived, EstimateReason, ServiceKind
from shared.events.scheduling import VisitType
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction

Because = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=300, pattern=PRINTABLE),
]


class DecideHeld(BaseModel):
    """What becomes of a held charge, and why; nothing of the patient's health.

    `charged_cents` is what is charged instead where it is written down: 0 charges nothing.
    """

    decision: Decision
    charged_cents: Annotated[int, Field(strict=True, ge=0, le=10_000_000)] | None = None
    because: Because


class HeldDecided(DecideHeld):
    """`state` stays held while a new estimate, or a paper, is waited for."""

    infusion_id: UUID
    patient_id: UUID
    state: HeldState


async def ask_who_gave(work: AskWhoGave, claims: ClaimCheck) -> ClinicianKnown:
    redeem = claims.consult if work.service is ServiceKind.SESSION else claims.infusion
    record = await redeem(work.infusion_id, purpose="coverage")
    return ClinicianKnown(
        infusion_id=work.infusion_id,
        patient_id=record.patient_id,
        clinician_id=record.rendering.clinician_id,
    )


async def record_clinician(known: ClinicianKnown, tx: Transaction) -> None:
    """Who gave it is known: post what nothing else keeps back, and say what does."""
    held = await store.lock(tx, known.infusion_id)
    if held is None or held.state is not HeldState.HELD:
        return
    if known.patient_id != held.service.patient_id:
        raise Poison("claim_of_another")
    await store.note_clinician(tx, known.infusion_id, known.clinician_id)
    [on_file] = await visits.read_on_file(tx, [held.service])
    await _post_or_wait(replace(held, clinician_id=known.clinician_id), on_file, tx)


async def look_again(work: LookAgain, tx: Transaction) -> None:
    """Something may be there that was waited for."""
    held = await store.lock(tx, work.infusion_id)
    if held is not None and held.state is HeldState.HELD:
        [on_file] = await visits.read_on_file(tx, [held.service])
        await _post_or_wait(held, on_file, tx)


async def decide_held(
    infusion_id: UUID, wish: DecideHeld, by: str, tx: Transaction, *, seen: bool = False
) -> HeldDecided | ApprovalAsked | Refused:
    """Decide on a held charge. What is given up above a limit waits for a second person.

    `seen` says that one has looked at it.
    """
    held = await store.lock(tx, infusion_id)
    if held is None:
        return Refused.not_found("held charge")
    patient_id = held.service.patient_id
    [on_file] = await visits.read_on_file(tx, [held.service])
    if broken := rules.broken_by_decision(
        held.state, on_file.gate, held.amount_cents, wish.decision, wish.charged_cents
    ):
        return Refused.by_rules(broken)
    if wish.charged_cents is not None and not seen:
        asked = await hold(
            tx,
            Entry.WRITE_DOWN,
            wish,
            subject_id=infusion_id,
            patient_id=patient_id,
            amount_cents=held.amount_cents - wish.charged_cents,
            by=by,
        )
        if asked:
            return asked
    state = await _decide(held, on_file, wish, by, tx)
    return HeldDecided(
        infusion_id=infusion_id, patient_id=patient_id, state=state, **wish.model_dump()
    )


async def _decide(
    held: Held, on_file: OnFile, wish: DecideHeld, by: str, tx: Transaction
) -> HeldState:
    infusion_id = held.service.service_id
    if wish.charged_cents == 0:
        await store.waive(tx, infusion_id, by=by, because=wish.because)
        tx.publish(
            ChargeWaived(
                patient_id=held.service.patient_id,
                infusion_id=infusion_id,
                service=held.service.kind,
                amount_cents=held.amount_cents,
                waived_at=tx.now,
            )
        )
        return HeldState.WAIVED
    await store.note_decision(
        tx, infusion_id, wish.decision, wish.charged_cents, by=by, because=wish.because
    )
    if wish.decision is Decision.NEW_ESTIMATE:
        assert on_file.gate.series_id is not None, "the rule looked"
        terms.ask(tx, on_file.gate.series_id, EstimateReason.CHARGE_HELD)
        return HeldState.HELD
    decided = replace(held, decision=wish.decision, charged_cents=wish.charged_cents)
    return await _post_or_wait(decided, on_file, tx)


async def _post_or_wait(held: Held, on_file: OnFile, tx: Transaction) -> HeldState:
    """Charge the service once nothing is in the way any more; note what is.

    What is written down is paid as written down, and uses no unit of a package.
    """
    service, amount_cents, unit = held.service, held.amount_cents, on_file.unit
    if held.charged_cents is not None:
        amount_cents, unit = held.charged_cents, None
    elif unit is not None:
        amount_cents = unit.value_cents
    broken = rules.in_the_way(
        on_file.gate, amount_cents, decision=held.decision, given=await _given(held, tx)
    )
    if broken:
        await store.note_waits_for(tx, service.service_id, [one.rule for one in broken])
        if CLINICIAN_ASKED_FOR in broken:
            gates.ask_who_gave(tx, service)
        if held.waits_for == (CLINICIAN_ASKED_FOR.rule,) and rules.waits_for_people(broken):
            gates.say_held(tx, service, amount_cents, broken)
        return HeldState.HELD
    priced = pricing.price(replace(on_file, is_held=False, unit=unit))
    assert isinstance(priced, Priced), "what is held has a fee and no charge"
    post_charge(service, replace(priced, amount_cents=amount_cents), tx)
    await store.note_posted(tx, service.service_id)
    return HeldState.POSTED


async def _given(held: Held, tx: Transaction) -> Given | None:
    if held.clinician_id is None:
        return None
    day = clinic_day(held.service.started_at)
    papers = await coverage.papers_of(tx, held.service.patient_id)
    return Given(
        held.clinician_id,
        day,
        await coverage.standing_on(tx, held.clinician_id, day),
        tuple(map(coverage.as_paper, papers)),
    )


class HeldListed(BaseModel):
    """A service that is not charged yet. `waits_for` says for what, and what to do.

    What a person decided last stands beside it; a new estimate may be on its way.
    """

    infusion_id: UUID
    service: ServiceKind
    patient_id: UUID
    appointment_id: UUID
    series_id: UUID | None
    visit_type: VisitType
    started_at: datetime
    amount_cents: int
    waits_for: list[Blocked]
    held_at: datetime
    decision: Decision | None
    charged_cents: int | None
    decided_by: str | None
    decided_because: str | None
    decided_at: datetime | None


async def list_held_charges(asked: Paging, tx: Transaction) -> Page[HeldListed] | Refused:
    """Charges that are held, those that have waited longest first."""

    def item(row: Row[tuple[object, ...]]) -> HeldListed:
        found = dict(row._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
        broken = rules.in_words(found.pop("waits_for"))
        waits_for = [Blocked.model_validate(asdict(one)) for one in broken]
        return HeldListed.model_validate(found | {"waits_for": waits_for})

    return await page(tx, store.held(), by=store.BY_HELD, asked=asked, item=item)
