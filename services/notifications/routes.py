"""Notifications' HTTP API. Who may call what is declared here."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from services.notifications.handlers import listing
from services.notifications.handlers.listing import MessageShown
from shared.auth import Role, allow
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page

router = APIRouter(tags=["messages"])


@router.get("/patients/{patient_id}/messages", dependencies=[allow(Role.FRONT_DESK, Role.NURSE)])
async def list_messages(patient_id: UUID, desk: AtDesk, asked: AskedPage) -> Page[MessageShown]:
    """A patient's messages, the latest due first."""
    return await desk.read(
        listing.list_messages, patient_id, asked, patient_id=patient_id, purpose="patient_messages"
    )
