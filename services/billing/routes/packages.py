"""Prepaid packages: what the clinic offers, and what a patient bought."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.billing.handlers.approvals import ApprovalAsked
from services.billing.handlers.packages import buying, offers
from services.billing.handlers.packages.buying import BuyPackage, PackageBought
from services.billing.handlers.packages.offers import NewPackage, PackageEnded, PackageListed
from services.billing.routes.desk import DESK
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["billing"])


@router.post("/packages", dependencies=[allow(Role.OPS)])
async def record_package(wish: NewPackage, desk: AtDesk) -> PackageListed:
    """Offer a prepaid package from a day on."""
    return await desk.decide(offers.record_package, wish, desk.actor.subject)


@router.get("/packages", dependencies=[allow(Role.OPS, Role.BILLER, Role.FRONT_DESK)])
async def list_packages(desk: AtDesk, asked: AskedPage) -> Page[PackageListed]:
    """Every package, those that are sold no more as well."""
    return await desk.read(offers.list_packages, asked, purpose="payment")


@router.post("/packages/{package_id}/end", dependencies=[allow(Role.OPS)])
async def end_package(package_id: UUID, desk: AtDesk) -> PackageEnded:
    """Sell a package no more. What was bought stays."""
    return await desk.decide(offers.end_package, package_id, desk.actor.subject)


@router.post("/patients/{patient_id}/packages", dependencies=[allow(Role.BILLER)])
async def buy_package(
    patient_id: UUID, wish: BuyPackage, desk: AtDesk
) -> PackageBought | ApprovalAsked:
    """Sell a patient a package, for any tender."""
    return await desk.decide(buying.buy_package, patient_id, wish, desk.actor.subject)


@router.get("/patients/{patient_id}/packages", dependencies=DESK)
async def list_bought_packages(
    patient_id: UUID, desk: AtDesk, asked: AskedPage
) -> Page[PackageBought]:
    """A patient's packages, and what is left of each."""
    return await desk.read(buying.list_bought, patient_id, asked, purpose="payment")
