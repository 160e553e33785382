"""A statement that somebody asked for is addressed and printed."""

from __future__ import annotations

from services.billing.gateways.typesetting import Typesetter
from services.billing.handlers.books import statements
from services.billing.store import statements as stored_statements
from services.billing.work import (
    AddressStatement,
    RenderStatement,
    StatementAddressed,
    StatementRendered,
)
from shared.claims import ClaimCheck
from shared.messaging import Handlers

on = Handlers("billing")

on.work(AddressStatement, loads=stored_statements.load_unaddressed, calls=ClaimCheck)(
    statements.address_statement
)
on.outcome(StatementAddressed)(statements.draft_statement)
on.work(RenderStatement, loads=stored_statements.load_unprinted, calls=Typesetter)(
    statements.render_statement
)
on.outcome(StatementRendered)(statements.keep_statement)
