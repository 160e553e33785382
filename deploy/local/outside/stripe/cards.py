"""Stripe's test cards and what their issuers say. Numbers and names: docs.stripe.com/testing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Decline:
    """What a 402 says. `network` is the code the card network gives beside Stripe's."""

    code: str
    decline_code: str | None
    advice_code: str | None
    message: str
    network: str | None = None
    network_advice: str | None = None
    """Mastercard's merchant advice code, which Stripe passes on beside its own advice."""


_NETWORK_ADVICE = {"confirm_card_data": "01", "try_again_later": "02", "do_not_try_again": "03"}


def _declined(
    decline_code: str,
    *,
    advice: str,
    message: str = "Your card was declined.",
    network: str = "05",
    network_advice: str | None = None,
) -> Decline:
    told = network_advice or _NETWORK_ADVICE[advice]
    return Decline("card_declined", decline_code, advice, message, network, told)


GENERIC = _declined("generic_decline", advice="try_again_later")
INSUFFICIENT_FUNDS = _declined(
    "insufficient_funds",
    advice="try_again_later",
    message="Your card has insufficient funds.",
    network="51",
)
LOST = _declined("lost_card", advice="do_not_try_again", network="41")
STOLEN = _declined("stolen_card", advice="do_not_try_again", network="43")
VELOCITY = _declined(
    "card_velocity_exceeded",
    advice="try_again_later",
    message="Your card was declined for making repeated attempts too frequently "
    "or exceeding its amount limit.",
    network="61",
)
DO_NOT_HONOR = _declined("do_not_honor", advice="try_again_later")
PICK_UP = _declined("pickup_card", advice="do_not_try_again", network="04")
FRAUDULENT = _declined("fraudulent", advice="do_not_try_again", network="59")
RESTRICTED = _declined("restricted_card", advice="do_not_try_again", network="62")
INVALID_ACCOUNT = _declined("invalid_account", advice="confirm_card_data", network="14")
REVOKED = _declined(
    "revocation_of_authorization", advice="do_not_try_again", network="R1", network_advice="21"
)
EXPIRED = Decline(
    "expired_card", "expired_card", "do_not_try_again", "Your card has expired.", "54", "01"
)
INCORRECT_CVC = Decline(
    "incorrect_cvc",
    "incorrect_cvc",
    "confirm_card_data",
    "Your card's security code is incorrect.",
    "N7",
    "01",
)
PROCESSING_ERROR = Decline(
    "processing_error",
    "processing_error",
    "try_again_later",
    "An error occurred while processing your card. Try again in a little bit.",
    "96",
    "02",
)
INCORRECT_NUMBER = Decline("incorrect_number", None, None, "Your card number is incorrect.")
AUTHENTICATION_REQUIRED = Decline(
    "authentication_required",
    "authentication_required",
    None,
    "Your card was declined. This transaction requires authentication.",
)
NOT_A_TEST_CARD = Decline(
    "card_declined",
    "test_mode_live_card",
    None,
    "Your card was declined. Your request was in test mode, but used a non test card.",
)

BY_DECLINE_CODE = {
    str(decline.decline_code): decline
    for decline in (
        GENERIC,
        INSUFFICIENT_FUNDS,
        LOST,
        STOLEN,
        VELOCITY,
        DO_NOT_HONOR,
        PICK_UP,
        FRAUDULENT,
        RESTRICTED,
        INVALID_ACCOUNT,
        REVOKED,
        EXPIRED,
        INCORRECT_CVC,
        PROCESSING_ERROR,
        AUTHENTICATION_REQUIRED,
    )
}


class Authentication(StrEnum):
    """When the issuer asks its customer to prove that it is they."""

    NEVER = "never"
    UNLESS_SET_UP = "unless_set_up"
    ALWAYS = "always"
    ON_SESSION = "on_session"


class Refunding(StrEnum):
    """How money comes back to a card."""

    AT_ONCE = "at_once"
    LATER = "later"
    """Pending for an hour, then there."""
    FAILING = "failing"
    """There, and a day later it was not."""


class Doubt(StrEnum):
    """What the cardholder's bank asks back as soon as a charge succeeds."""

    FRAUDULENT = "fraudulent"
    NOT_RECEIVED = "product_not_received"
    INQUIRY = "inquiry"


@dataclass(frozen=True, slots=True)
class TestCard:
    """A card, and how its issuer behaves."""

    __test__ = False  # pytest, this is not a test

    number: str
    brand: str = "visa"
    funding: str = "credit"
    on_attach: Decline | None = None
    on_charge: Decline | None = None
    authentication: Authentication = Authentication.NEVER
    refunds: Refunding = Refunding.AT_ONCE
    doubt: Doubt | None = None
    available_at_once: bool = False


def _refused(number: str, decline: Decline) -> TestCard:
    return TestCard(number, on_attach=decline, on_charge=decline)


_VISA = TestCard("4242424242424242")
_CARDS = {
    "visa": _VISA,
    "visa_debit": TestCard("4000056655665556", funding="debit"),
    "mastercard": TestCard("5555555555554444", "mastercard"),
    "mastercard_debit": TestCard("5200828282828210", "mastercard", "debit"),
    "amex": TestCard("378282246310005", "amex"),
    "discover": TestCard("6011111111111117", "discover"),
    "chargeDeclined": _refused("4000000000000002", GENERIC),
    "chargeDeclinedInsufficientFunds": _refused("4000000000009995", INSUFFICIENT_FUNDS),
    "chargeDeclinedLostCard": _refused("4000000000009987", LOST),
    "chargeDeclinedStolenCard": _refused("4000000000009979", STOLEN),
    "chargeDeclinedExpiredCard": _refused("4000000000000069", EXPIRED),
    "chargeDeclinedIncorrectCvc": _refused("4000000000000127", INCORRECT_CVC),
    "chargeDeclinedProcessingError": _refused("4000000000000119", PROCESSING_ERROR),
    "chargeDeclinedVelocityLimitExceeded": _refused("4000000000006975", VELOCITY),
    "pendingRefund": TestCard("4000000000007726", refunds=Refunding.LATER),
    "refundFail": TestCard("4000000000005126", refunds=Refunding.FAILING),
    "createDispute": TestCard("4000000000000259", doubt=Doubt.FRAUDULENT),
    "createDisputeProductNotReceived": TestCard("4000000000002685", doubt=Doubt.NOT_RECEIVED),
    "createDisputeInquiry": TestCard("4000000000001976", doubt=Doubt.INQUIRY),
    "bypassPending": TestCard("4000000000000077", available_at_once=True),
    "chargeCustomerFail": TestCard("4000000000000341", on_charge=GENERIC),
    "authenticationRequiredOnSetup": TestCard(
        "4000002500003155", authentication=Authentication.UNLESS_SET_UP
    ),
    "authenticationRequired": TestCard("4000002760003184", authentication=Authentication.ALWAYS),
    "authenticationRequiredSetupForOffSession": TestCard(
        "4000003800000446", authentication=Authentication.ON_SESSION
    ),
    "authenticationRequiredChargeDeclinedInsufficientFunds": TestCard(
        "4000008260003178",
        on_charge=INSUFFICIENT_FUNDS,
        authentication=Authentication.UNLESS_SET_UP,
    ),
}
BY_NUMBER = {card.number: card for card in _CARDS.values()}


def named(well_known_id: str) -> TestCard | None:
    """The card behind `pm_card_…` or `tok_…`; `visa_` before a decline changes nothing."""
    for prefix in ("pm_card_", "tok_"):
        if well_known_id.startswith(prefix):
            name = well_known_id.removeprefix(prefix)
            return _CARDS.get(name) or _CARDS.get(name.removeprefix("visa_"))
    return None


def passes_luhn(number: str) -> bool:
    digits = [int(digit) for digit in reversed(number)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


@dataclass(slots=True)
class CardOnFile:
    """The issuer's side of one PaymentMethod: what the API never shows."""

    card: TestCard
    is_set_up: bool = False
    issuer_now_says: Decline | None = None
    refunds_now_come: Refunding | None = None

    def refunds_come(self) -> Refunding:
        return self.refunds_now_come or self.card.refunds


class Verdict(StrEnum):
    APPROVED = "approved"
    ASK_CUSTOMER = "ask_customer"


def judge_charge(file: CardOnFile, *, off_session: bool, authenticated: bool) -> Verdict | Decline:
    """What the issuer says to a charge."""
    if file.issuer_now_says is not None:
        return file.issuer_now_says
    asks = not authenticated and _asks(file, off_session=off_session)
    if asks:
        return AUTHENTICATION_REQUIRED if off_session else Verdict.ASK_CUSTOMER
    return file.card.on_charge or Verdict.APPROVED


def _asks(file: CardOnFile, *, off_session: bool) -> bool:
    match file.card.authentication:
        case Authentication.NEVER:
            return False
        case Authentication.ALWAYS:
            return True
        case Authentication.UNLESS_SET_UP:
            return not (off_session and file.is_set_up)
        case Authentication.ON_SESSION:
            return not off_session


def judge_setup(file: CardOnFile, *, authenticated: bool) -> Verdict | Decline:
    """What the issuer says to being saved for later."""
    if file.issuer_now_says is not None:
        return file.issuer_now_says
    if file.card.on_attach is not None:
        return file.card.on_attach
    asks = file.card.authentication in {Authentication.UNLESS_SET_UP, Authentication.ALWAYS}
    return Verdict.ASK_CUSTOMER if asks and not authenticated else Verdict.APPROVED
