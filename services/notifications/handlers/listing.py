"""What staff read: which messages a patient got, will get, and did not get."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy import Row

from services.notifications.store import messages
from shared.events.notifications import Channel, Purpose
from shared.http.pages import Page, Paging, page
from shared.http.problems import Refused
from shared.messaging import Transaction


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


async def list_messages(
    patient_id: UUID, asked: Paging, tx: Transaction
) -> Page[MessageShown] | Refused:
    """A patient's messages, the latest due first."""
    return await page(
        tx,
        messages.messages_of(patient_id),
        by=messages.BY_DUE,
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
