"""The clinic's code tables: what bills and how it is coded, from a day on."""

from __future__ import annotations

from fastapi import APIRouter

from services.billing.handlers.superbills import codes, drug_codes
from services.billing.handlers.superbills.codes import (
    NewDiagnosisCode,
    NewExpectedCode,
    NewServiceCode,
)
from services.billing.handlers.superbills.drug_codes import (
    NewBlockedCode,
    NewDrugCode,
    NewPlaceOfService,
    NewVisitTypeDrug,
)
from services.billing.routes.desk import DESK
from services.billing.routes.reports import Day
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])
CODING = [allow(Role.OPS, Role.BILLER)]


@router.get("/diagnosis-codes", dependencies=DESK)
async def list_diagnosis_codes(on: Day, desk: AtDesk, asked: AskedPage) -> Page[NewDiagnosisCode]:
    """The diagnoses of the table as they were on a day."""
    return await desk.read(codes.list_diagnosis_codes, on, asked, purpose="payment")


@router.post("/diagnosis-codes", dependencies=CODING)
async def record_diagnosis_code(wish: NewDiagnosisCode, desk: AtDesk) -> NewDiagnosisCode:
    """Record what a diagnosis is, from a day on."""
    return await desk.decide(codes.record_diagnosis_code, wish)


@router.get("/service-codes", dependencies=DESK)
async def list_service_codes(on: Day, desk: AtDesk, asked: AskedPage) -> Page[NewServiceCode]:
    """The service codes of the table as they were on a day."""
    return await desk.read(codes.list_service_codes, on, asked, purpose="payment")


@router.post("/service-codes", dependencies=CODING)
async def record_service_code(wish: NewServiceCode, desk: AtDesk) -> NewServiceCode:
    """Record what a service's code is, from a day on."""
    return await desk.decide(codes.record_service_code, wish)


@router.get("/expected-codes", dependencies=DESK)
async def list_expected_codes(on: Day, desk: AtDesk, asked: AskedPage) -> Page[NewExpectedCode]:
    """Which codes estimates expected of sessions on a day."""
    return await desk.read(codes.list_expected_codes, on, asked, purpose="payment")


@router.post("/expected-codes", dependencies=CODING)
async def record_expected_code(wish: NewExpectedCode, desk: AtDesk) -> NewExpectedCode:
    """Record which code estimates expect of sessions of a type, from a day on."""
    return await desk.decide(codes.record_expected_code, wish)


@router.get("/drug-codes", dependencies=DESK)
async def list_drug_codes(on: Day, desk: AtDesk, asked: AskedPage) -> Page[NewDrugCode]:
    """How infusions of each drug were coded on a day."""
    return await desk.read(drug_codes.list_drug_codes, on, asked, purpose="payment")


@router.post("/drug-codes", dependencies=CODING)
async def record_drug_code(wish: NewDrugCode, desk: AtDesk) -> NewDrugCode:
    """Record how infusions of a drug are coded, from a day on."""
    return await desk.decide(drug_codes.record_drug_code, wish)


@router.get("/visit-type-drugs", dependencies=DESK)
async def list_visit_type_drugs(on: Day, desk: AtDesk, asked: AskedPage) -> Page[NewVisitTypeDrug]:
    """Which drug each type of infusion gave on a day, where no record names it."""
    return await desk.read(drug_codes.list_visit_type_drugs, on, asked, purpose="payment")


@router.post("/visit-type-drugs", dependencies=CODING)
async def record_visit_type_drug(wish: NewVisitTypeDrug, desk: AtDesk) -> NewVisitTypeDrug:
    """Record which drug infusions of a type give, from a day on."""
    return await desk.decide(drug_codes.record_visit_type_drug, wish)


@router.get("/blocked-codes", dependencies=DESK)
async def list_blocked_codes(on: Day, desk: AtDesk, asked: AskedPage) -> Page[NewBlockedCode]:
    """The codes that no superbill might have on a day."""
    return await desk.read(drug_codes.list_blocked_codes, on, asked, purpose="payment")


@router.post("/blocked-codes", dependencies=CODING)
async def record_blocked_code(wish: NewBlockedCode, desk: AtDesk) -> NewBlockedCode:
    """Record that a code is blocked from a day on, or no longer is."""
    return await desk.decide(drug_codes.record_blocked_code, wish)


@router.get("/places-of-service", dependencies=DESK)
async def list_places_of_service(
    on: Day, desk: AtDesk, asked: AskedPage
) -> Page[NewPlaceOfService]:
    """Where the clinic saw people on a day, by CMS's codes."""
    return await desk.read(drug_codes.list_places_of_service, on, asked, purpose="payment")


@router.post("/places-of-service", dependencies=CODING)
async def record_place_of_service(wish: NewPlaceOfService, desk: AtDesk) -> NewPlaceOfService:
    """Record where people are seen from a day on, or no longer are."""
    return await desk.decide(drug_codes.record_place_of_service, wish)
