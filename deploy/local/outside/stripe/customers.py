"""Customers."""

from __future__ import annotations

from fastapi import APIRouter

from deploy.local.outside.stripe.books import Books
from deploy.local.outside.stripe.calls import Given, Practice, expanded, expansions
from deploy.local.outside.stripe.listing import find, listed
from deploy.local.outside.stripe.objects import Object, new_id
from deploy.local.outside.stripe.params import Params

router = APIRouter(prefix="/customers")
_TEXTS = ("name", "email", "phone", "description")


def _take(params: Params, books: Books, customer: Object) -> None:
    for name in _TEXTS:
        if params.has(name):
            customer[name] = params.text(name)
    customer["metadata"] = customer["metadata"] | params.metadata()
    settings = params.group("invoice_settings")
    if settings is not None:
        chosen = settings.text("default_payment_method")
        settings.done()
        if chosen is not None:
            find(books.payment_methods, "PaymentMethod", chosen, param="default_payment_method")
        customer["invoice_settings"] = customer["invoice_settings"] | {
            "default_payment_method": chosen
        }
    params.ignore("expand")
    params.done()


def new_customer(books: Books) -> Object:
    """A customer that nobody knows of yet."""
    return {
        "id": new_id("cus"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": books.now(),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": new_id("x")[2:10].upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }


def put_down(books: Books, customer: Object) -> None:
    """Make a new customer known."""
    books.customers[customer["id"]] = customer
    books.emit("customer.created", customer)


@router.post("")
async def create(books: Practice, params: Given) -> Object:
    customer = new_customer(books)
    _take(params, books, customer)
    put_down(books, customer)
    return customer


@router.get("")
async def list_customers(books: Practice, params: Given) -> Object:
    return listed(books.customers, params, "/v1/customers", "email")


@router.get("/{customer_id}")
async def retrieve(books: Practice, customer_id: str, params: Given) -> Object:
    return expanded(books, find(books.customers, "customer", customer_id), expansions(params))


@router.post("/{customer_id}")
async def update(books: Practice, customer_id: str, params: Given) -> Object:
    customer = find(books.customers, "customer", customer_id)
    _take(params, books, customer)
    books.emit("customer.updated", customer)
    return customer


@router.get("/{customer_id}/payment_methods")
async def list_cards(books: Practice, customer_id: str, params: Given) -> Object:
    find(books.customers, "customer", customer_id)
    params.ignore("type")
    return listed(
        books.payment_methods,
        params,
        f"/v1/customers/{customer_id}/payment_methods",
        keep=lambda method: bool(method["customer"] == customer_id),
    )
