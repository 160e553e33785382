"""What a Checkout session sells, and what it keeps to itself until it is paid."""

from __future__ import annotations

from dataclasses import dataclass, field

from deploy.local.outside.stripe.errors import invalid, missing
from deploy.local.outside.stripe.objects import Object, new_id
from deploy.local.outside.stripe.params import Params

_MOST_LINES = 100


@dataclass(slots=True)
class Checkout:
    """A session's lines, and its intent: Stripe makes a payment's intent when somebody pays."""

    intent: Object
    lines: list[Object] = field(default_factory=list)


def read_lines(params: Params) -> list[Object]:
    """`line_items` with their prices said in place; there are no stored prices here."""
    given = params.groups("line_items")
    if not 1 <= len(given) <= _MOST_LINES:
        raise (
            missing("line_items")
            if not given
            else invalid(f"line_items has at most {_MOST_LINES} items", param="line_items")
        )
    return [_read_line(line) for line in given]


def _read_line(line: Params) -> Object:
    price = line.group("price_data")
    if price is None:
        raise missing("line_items[price_data]")
    quantity = line.integer("quantity")
    line.done()
    currency, unit_amount = price.needed("currency").lower(), price.integer("unit_amount")
    product = price.group("product_data")
    price.choice("tax_behavior", "unspecified", "exclusive", "inclusive")
    price.done()
    if product is None:
        raise missing("line_items[price_data][product_data]")
    name = product.needed("name")
    product.text("description")
    product.metadata()
    product.done()
    if currency != "usd":
        raise invalid(f"Invalid currency: {currency}. This account takes usd.", param="currency")
    if unit_amount is None:
        raise missing("line_items[price_data][unit_amount]")
    if unit_amount < 0:
        raise invalid("Invalid non-negative integer", param="line_items[price_data][unit_amount]")
    if quantity is None or quantity < 1:
        raise missing("line_items[quantity]")
    amount = unit_amount * quantity
    return {
        "id": new_id("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": amount,
        "amount_tax": 0,
        "amount_total": amount,
        "currency": currency,
        "description": name,
        "metadata": {},
        "price": _price(currency, unit_amount),
        "quantity": quantity,
    }


def _price(currency: str, unit_amount: int) -> Object:
    """The one-off price that Stripe makes of a price said in place."""
    return {
        "id": new_id("price"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": 0,
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": new_id("prod"),
        "recurring": None,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": unit_amount,
        "unit_amount_decimal": str(unit_amount),
    }
