"""What staff may ask: which messages a patient got, will get, and did not get."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import Row, Table, select

from services.notifications.tables import Message
from shared.auth import Role, allow
from shared.events.notifications import Channel, Purpose
from shared.http.desk import AtDesk
from shared.http.pages import AskedPage, Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction

router = APIRouter(tags=["messages"])

_MESSAGES: Table = Message.__table__  # type: ignore[attr-defined]  # every table=True model has one
_SHOWN = [
    _MESSAGES.c[name]
    for name in (
        "message_id",
        "purpose",
        "channel",
        "subject_id",
        "state",
        "due_at",
        "settled_at",
        "reason",
    )
]


class MessageShown(BaseModel):
    """A message, without its words."""

    message_id: UUID
    purpose: Purpose
    channel: Channel
    subject_id: UUID
    state: Literal["waiting", "sent", "not_sent"]
    due_at: datetime
    sent_at: datetime | None
    reason: str | None


@router.get("/patients/{patient_id}/messages", dependencies=[allow(Role.FRONT_DESK, Role.NURSE)])
async def list_messages(patient_id: UUID, desk: AtDesk, asked: AskedPage) -> Page[MessageShown]:
    """A patient's messages, the latest due first."""
    return await desk.read(
        messages_of_patient, asked, patient_id, patient_id=patient_id, purpose="patient_messages"
    )


async def messages_of_patient(
    asked: Paging, patient_id: UUID, tx: Transaction
) -> Page[MessageShown] | Refused:
    return await page(
        tx,
        select(*_SHOWN).where(_MESSAGES.c.patient_id == patient_id),
        by=(_MESSAGES.c.due_at, _MESSAGES.c.message_id),
        asked=asked,
        item=_shown,
        newest_first=True,
    )


def _shown(row: Row[Any]) -> MessageShown:
    return MessageShown(
        message_id=row.message_id,
        purpose=row.purpose,
        channel=row.channel,
        subject_id=row.subject_id,
        state=row.state,
        due_at=row.due_at,
        sent_at=row.settled_at if row.state == "sent" else None,
        reason=row.reason,
    )
