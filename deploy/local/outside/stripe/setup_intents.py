"""SetupIntents: a card saved for later, with its holder's agreement."""

from __future__ import annotations

from fastapi import APIRouter

from deploy.local.outside.stripe import cards
from deploy.local.outside.stripe.books import Books
from deploy.local.outside.stripe.calls import (
    Anyone,
    Given,
    IsSecret,
    Practice,
    check_client,
    expanded,
    expansions,
)
from deploy.local.outside.stripe.cards import Decline, Verdict
from deploy.local.outside.stripe.checkout_completion import complete_with, refuse_of_checkout
from deploy.local.outside.stripe.errors import StripeProblem, invalid, missing
from deploy.local.outside.stripe.listing import find, listed
from deploy.local.outside.stripe.objects import Object, new_id
from deploy.local.outside.stripe.params import Params
from deploy.local.outside.stripe.payment_methods import (
    attach_to,
    card_error,
    from_data,
    named_or_found,
)

router = APIRouter(prefix="/setup_intents")
_OPEN = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})


def ask_customer(intent: Object) -> None:
    """Leave it to the cardholder to prove that it is they."""
    intent["status"] = "requires_action"
    intent["next_action"] = {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"type": "three_d_secure_redirect"},
    }


def choose_kinds(params: Params, intent: Object) -> None:
    """Whether Stripe chooses the kinds of payment that are offered, if a call says so."""
    automatic = params.group("automatic_payment_methods")
    if automatic is not None:
        intent["automatic_payment_methods"] = {
            "allow_redirects": automatic.choice("allow_redirects", "always", "never") or "always",
            "enabled": automatic.flag("enabled"),
        }
        automatic.done()


def choose_method(books: Books, params: Params, intent: Object) -> None:
    """Take the card that a call names or describes, if it does."""
    data = params.group("payment_method_data")
    chosen = params.text("payment_method")
    if data is not None:
        intent["payment_method"] = from_data(books, data)["id"]
    elif chosen is not None:
        method = named_or_found(books, chosen)
        if method["customer"] not in {None, intent["customer"]}:
            raise invalid(
                "The provided PaymentMethod is attached to another customer.",
                param="payment_method",
            )
        intent["payment_method"] = method["id"]
    params.ignore("mandate_data", "return_url", "use_stripe_sdk", "payment_method_options")


def settle(books: Books, intent: Object) -> None:
    """Ask the issuer, and keep the card if it agrees."""
    if intent["payment_method"] is None:
        raise missing("payment_method")
    method = books.payment_methods[intent["payment_method"]]
    file = books.files[method["id"]]
    match cards.judge_setup(file, authenticated=intent["id"] in books.authenticated):
        case Decline() as decline:
            refuse(books, intent, method, decline)
        case Verdict.ASK_CUSTOMER:
            ask_customer(intent)
            books.emit("setup_intent.requires_action", intent)
        case Verdict.APPROVED:
            file.is_set_up = intent["usage"] == "off_session"
            intent |= {"status": "succeeded", "next_action": None, "last_setup_error": None}
            if intent["customer"] is not None and method["customer"] is None:
                attach_to(books, method, intent["customer"])
            books.emit("setup_intent.succeeded", intent)
            complete_with(books, intent)


def refuse(books: Books, intent: Object, method: Object, decline: Decline) -> None:
    """Note the refusal on the intent and answer it as a 402."""
    problem = card_error(decline, payment_method=method)
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_setup_error": problem.body["error"],
    }
    books.emit("setup_intent.setup_failed", intent)
    raise StripeProblem(
        402,
        "card_error",
        decline.message,
        **{k: v for k, v in problem.body["error"].items() if k not in {"type", "message"}},
        setup_intent=intent,
    )


def new_setup(books: Books, params: Params) -> Object:
    """A SetupIntent that nobody knows of yet."""
    customer = params.text("customer")
    if customer is not None:
        find(books.customers, "customer", customer, param="customer")
    intent_id = new_id("seti")
    return {
        "id": intent_id,
        "object": "setup_intent",
        "application": None,
        "automatic_payment_methods": None,
        "cancellation_reason": None,
        "client_secret": f"{intent_id}_secret_{new_id('x')[2:]}",
        "created": books.now(),
        "customer": customer,
        "customer_account": None,
        "description": params.text("description"),
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": params.metadata(),
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": params.values("payment_method_types") or ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": params.choice("usage", "off_session", "on_session") or "off_session",
    }


def put_down(books: Books, intent: Object) -> None:
    """Make a new SetupIntent known."""
    books.setup_intents[intent["id"]] = intent
    books.emit("setup_intent.created", intent)


@router.post("")
async def create(books: Practice, params: Given) -> Object:
    intent = new_setup(books, params)
    choose_kinds(params, intent)
    confirm, expand = params.flag("confirm"), params.values("expand")
    choose_method(books, params, intent)
    params.done()
    if intent["payment_method"] is not None:
        intent["status"] = "requires_confirmation"
    put_down(books, intent)
    if confirm:
        settle(books, intent)
    return expanded(books, intent, expand)


@router.get("")
async def list_setup_intents(books: Practice, params: Given) -> Object:
    return listed(books.setup_intents, params, "/v1/setup_intents", "customer")


@router.get("/{intent_id}")
async def retrieve(books: Anyone, intent_id: str, params: Given, secret: IsSecret) -> Object:
    intent = find(books.setup_intents, "setupintent", intent_id)
    check_client(intent, params, secret=secret)
    return expanded(books, intent, expansions(params))


@router.post("/{intent_id}/confirm")
async def confirm(books: Anyone, intent_id: str, params: Given, secret: IsSecret) -> Object:
    intent = find(books.setup_intents, "setupintent", intent_id)
    check_client(intent, params, secret=secret)
    if not is_open(intent):
        raise invalid(
            f"You cannot confirm this SetupIntent because it has a status of {intent['status']}.",
            code="setup_intent_unexpected_state",
        )
    refuse_of_checkout(books, intent)
    choose_method(books, params, intent)
    expand = params.values("expand")
    params.done()
    settle(books, intent)
    return expanded(books, intent, expand)


@router.post("/{intent_id}/cancel")
async def cancel(books: Practice, intent_id: str, params: Given) -> Object:
    intent = find(books.setup_intents, "setupintent", intent_id)
    reason = params.choice("cancellation_reason", "abandoned", "requested_by_customer", "duplicate")
    params.done()
    if not is_open(intent):
        raise invalid(
            f"You cannot cancel this SetupIntent because it has a status of {intent['status']}.",
            code="setup_intent_unexpected_state",
        )
    refuse_of_checkout(books, intent)
    give_up(books, intent, reason)
    return intent


def give_up(books: Books, intent: Object, reason: str | None) -> None:
    """Cancel it: it will never save a card."""
    intent |= {"status": "canceled", "cancellation_reason": reason, "next_action": None}
    books.emit("setup_intent.canceled", intent)


def is_open(intent: Object) -> bool:
    return intent["status"] in _OPEN
