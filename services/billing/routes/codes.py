"""The clinic's code tables: what bills, from a day on."""

from __future__ import annotations

from fastapi import APIRouter

from services.billing.handlers.superbills import codes
from services.billing.handlers.superbills.codes import (
    NewDiagnosisCode,
    NewExpectedCode,
    NewServiceCode,
)
from services.billing.routes.desk import DESK
from services.billing.routes.reports import Day
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])


@router.get("/diagnosis-codes", dependencies=DESK)
async def list_diagnosis_codes(on: Day, desk: AtDesk, asked: AskedPage) -> Page[NewDiagnosisCode]:
    """The diagnoses of the table as they were on a day."""
    return await desk.read(codes.list_diagnosis_codes, on, asked, purpose="payment")


@router.post("/diagnosis-codes", dependencies=[allow(Role.OPS, Role.BILLER)])
async def record_diagnosis_code(wish: NewDiagnosisCode, desk: AtDesk) -> NewDiagnosisCode:
    """Record what a diagnosis is, from a day on."""
    return await desk.decide(codes.record_diagnosis_code, wish)


@router.get("/service-codes", dependencies=DESK)
async def list_service_codes(on: Day, desk: AtDesk, asked: AskedPage) -> Page[NewServiceCode]:
    """The service codes of the table as they were on a day."""
    return await desk.read(codes.list_service_codes, on, asked, purpose="payment")


@router.post("/service-codes", dependencies=[allow(Role.OPS, Role.BILLER)])
async def record_service_code(wish: NewServiceCode, desk: AtDesk) -> NewServiceCode:
    """Record what a service's code is, from a day on."""
    return await desk.decide(codes.record_service_code, wish)


@router.get("/expected-codes", dependencies=DESK)
async def list_expected_codes(on: Day, desk: AtDesk, asked: AskedPage) -> Page[NewExpectedCode]:
    """Which codes estimates expected of sessions on a day."""
    return await desk.read(codes.list_expected_codes, on, asked, purpose="payment")


@router.post("/expected-codes", dependencies=[allow(Role.OPS, Role.BILLER)])
async def record_expected_code(wish: NewExpectedCode, desk: AtDesk) -> NewExpectedCode:
    """Record which code estimates expect of sessions of a type, from a day on."""
    return await desk.decide(codes.record_expected_code, wish)
