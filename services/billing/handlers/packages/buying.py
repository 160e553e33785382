"""A patient buys a package, with any tender that the clinic takes, at once and in one payment."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, computed_field

from services.billing.handlers.approvals import ApprovalAsked, hold
from services.billing.handlers.collecting.asking import broken_by_trying
from services.billing.handlers.listing import as_item
from services.billing.handlers.packages import paying
from services.billing.handlers.payments import care_credit
from services.billing.handlers.payments.care_credit import CareCreditDetail
from services.billing.handlers.payments.outside import Currency, Reference
from services.billing.rules.approvals import Entry
from services.billing.rules.charges.attempts import CURRENCY
from services.billing.rules.packages import offers as rules
from services.billing.rules.packages.offers import ALL_HELD, NotPaid, Offer, PurchaseState
from services.billing.rules.payments.references import reference_as_kept
from services.billing.store import holds
from services.billing.store import packages as store
from shared.events.billing import TenderKind
from shared.events.scheduling import TypeCode
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.ids import new_id
from shared.messaging import Transaction
from shared.refusals import Broken


class BuyPackage(BaseModel):
    """Which package, and how it is paid. A card is the one on file.

    `reference` is the receipt's of a payment that is not Stripe's, as of any payment from outside.
    """

    package_id: UUID
    tender: TenderKind = TenderKind.CARD
    reference: Reference | None = None
    currency: Currency = CURRENCY
    care_credit: CareCreditDetail | None = None


class PackageBought(BaseModel):
    """A package of a patient's. `left` units can be used, once it is paid.

    `reason` says why no money came.
    """

    purchase_id: UUID
    package_id: UUID
    patient_id: UUID
    visit_type: TypeCode
    units: int
    price_cents: int
    tender: TenderKind
    reference: str | None
    state: PurchaseState
    reason: NotPaid | None
    bought_at: datetime
    decided_at: datetime | None
    used: int
    refunded: int

    @computed_field  # type: ignore[prop-decorator]  # mypy knows no decorated property
    @property
    def detail(self) -> str | None:
        """Why no money came, and what to do about it."""
        return self.reason and rules.why_not_paid(self.reason)

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def left(self) -> int:
        is_paid = self.state is PurchaseState.PAID
        return self.units - self.used - self.refunded if is_paid else 0


async def buy_package(
    patient_id: UUID, wish: BuyPackage, by: str, tx: Transaction, *, seen: bool = False
) -> PackageBought | ApprovalAsked | Refused:
    """Sell a package. A card is charged as due work; what CareCredit pays waits for its funding.

    What is entered by hand above a limit waits for a second person; `seen` says that one has
    looked at it.
    """
    offer = await store.find_offer(tx, wish.package_id)
    if offer is None:
        return Refused.not_found("package", "package_id")
    card_id = await store.card_of(tx, patient_id) if wish.tender is TenderKind.CARD else None
    broken = rules.broken_by_sale(offer, tx.now) + rules.broken_by_payment(
        offer, wish.tender, wish.reference, wish.currency, card_id
    )
    if wish.care_credit is not None:
        broken += rules.broken_by_detail(
            wish.tender, by_link=wish.care_credit.tender_id is not None
        )
    if card_id is not None and not broken:
        broken = await _broken_by_asking(tx, patient_id, card_id)
    if broken:
        return Refused.by_rules(broken)
    reference = wish.reference and reference_as_kept(wish.reference)
    if reference is not None and await store.reference_is_used(tx, wish.tender, reference):
        return Refused.because(
            "reference_used",
            "This reference is of a payment that was recorded already. Check the receipt.",
            field="reference",
            source="one payment per receipt",
        )
    if (
        wish.tender is not TenderKind.CARD
        and not seen
        and (
            asked := await hold(
                tx,
                Entry.PACKAGE_PAYMENT,
                wish,
                subject_id=wish.package_id,
                patient_id=patient_id,
                amount_cents=offer.price_cents,
                by=by,
            )
        )
    ):
        return asked
    return await _buy(patient_id, wish, offer, reference, card_id, by, tx)


async def _broken_by_asking(tx: Transaction, patient_id: UUID, card_id: UUID) -> list[Broken]:
    """No card is charged while a hold is open for its patient, nor more often than may be."""
    held = [ALL_HELD] if await holds.is_all_held(tx, patient_id) else []
    return held or await broken_by_trying(tx, card_id)


async def _buy(
    patient_id: UUID,
    wish: BuyPackage,
    offer: Offer,
    reference: str | None,
    card_id: UUID | None,
    by: str,
    tx: Transaction,
) -> PackageBought | Refused:
    purchase_id = new_id()
    is_written = await store.buy(
        tx,
        purchase_id,
        package_id=wish.package_id,
        patient_id=patient_id,
        tender=wish.tender,
        reference=reference,
        card_id=card_id,
        by=by,
    )
    if not is_written:
        return Refused.by_rules([rules.PURCHASE_UNDER_WAY])
    state = PurchaseState.PENDING
    if wish.tender is TenderKind.CARD:
        paying.charge_card(tx, purchase_id)
    elif wish.tender is TenderKind.CARE_CREDIT:
        care_credit.report_for_package(
            tx,
            purchase_id=purchase_id,
            patient_id=patient_id,
            amount_cents=offer.price_cents,
            detail=wish.care_credit or CareCreditDetail(),
            by=by,
        )
    else:
        purchase = await store.lock(tx, purchase_id)
        assert purchase is not None, "it was just written"
        assert reference is not None, "the rule looked"
        await paying.settle(purchase, reference, tx)
        state = PurchaseState.PAID
    return PackageBought(
        purchase_id=purchase_id,
        package_id=wish.package_id,
        patient_id=patient_id,
        visit_type=offer.visit_type,
        units=offer.units,
        price_cents=offer.price_cents,
        tender=wish.tender,
        reference=reference,
        state=state,
        reason=None,
        bought_at=tx.now,
        decided_at=None if state is PurchaseState.PENDING else tx.now,
        used=0,
        refunded=0,
    )


async def list_bought(
    patient_id: UUID, asked: Paging, tx: Transaction
) -> Page[PackageBought] | Refused:
    """A patient's packages, the oldest first."""
    rows = store.bought_by(patient_id)
    return await page(tx, rows, by=store.BY_BUYING, asked=asked, item=as_item(PackageBought))
