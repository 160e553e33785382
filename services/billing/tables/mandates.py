"""What patients agree to when a card is saved: the texts, and who agreed to which."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    UniqueConstraint,
)
from sqlmodel import Field

from services.billing.tables.base import Base
from shared.columns import moment, sealed_bytes, words


class MandateText(Base, table=True):
    """What is agreed to from a day on. A row is never changed; of one day's the last counts.

    Who agreed to an earlier one goes on under it: `content_sha256` is over its words.
    """

    __tablename__ = "mandate_texts"
    __table_args__ = (
        CheckConstraint("body <> ''", name="body"),
        CheckConstraint("content_sha256 = sha256(convert_to(body, 'UTF8'))", name="content_sha256"),
        Index("ix_mandate_texts_effective_from", "effective_from", "text_id"),
    )

    text_id: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    effective_from: date = Field(sa_column=Column(Date, nullable=False))
    body: str = Field(sa_column=words())
    content_sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    source: str = Field(sa_column=words())
    recorded_by: str = Field(sa_column=words())
    recorded_at: datetime = Field(sa_column=moment())


class Mandate(Base, table=True):
    """A patient's agreement that the card of one set-up is charged later. It is only withdrawn.

    `taken_by` is the member of staff before whom it was given; on a page it is the address of the
    patient's browser that is kept, sealed.
    """

    __tablename__ = "mandates"
    __table_args__ = (
        CheckConstraint("way IN ('hosted_page', 'in_person')", name="way"),
        CheckConstraint("(way = 'in_person') = (taken_by IS NOT NULL)", name="taken_by"),
        CheckConstraint("ip IS NULL OR way = 'hosted_page'", name="ip"),
        CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn"),
        UniqueConstraint("setup_id"),
        Index("ix_mandates_patient_id", "patient_id", "agreed_at", "mandate_id"),
    )

    mandate_id: UUID = Field(primary_key=True)
    patient_id: UUID
    setup_id: UUID = Field(foreign_key="card_setups.setup_id")
    text_id: int = Field(
        sa_column=Column(SmallInteger, ForeignKey("mandate_texts.text_id"), nullable=False)
    )
    way: str = Field(sa_column=words())
    taken_by: str | None = Field(sa_column=words(nullable=True))
    ip: bytes | None = Field(sa_column=sealed_bytes(nullable=True))
    agreed_at: datetime = Field(sa_column=moment())
    withdrawn_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    withdrawn_by: str | None = Field(default=None, sa_column=words(nullable=True))
