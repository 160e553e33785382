"""Balances."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.billing.handlers.books import ledger
from services.billing.handlers.books.ledger import PatientBalance, TrialBalance
from services.billing.routes.desk import DESK
from shared.auth import Role, allow
from shared.http.desk import AtDesk

router = APIRouter(tags=["billing"])


@router.get("/patients/{patient_id}/balance", dependencies=DESK)
async def show_balance(patient_id: UUID, desk: AtDesk) -> PatientBalance:
    """What a patient owes, on which charges, and what was paid ahead."""
    return await desk.read(ledger.show_balance, patient_id, purpose="payment")


@router.get("/ledger/accounts", dependencies=[allow(Role.OPS, Role.BILLER)])
async def list_accounts(desk: AtDesk) -> TrialBalance:
    """The trial balance: every account with both its sides."""
    return await desk.read(ledger.list_accounts, purpose="payment")
