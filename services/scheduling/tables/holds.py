"""Plans that are held, and the house's own figures, such as for how long."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Column, Date, Index, Integer, SmallInteger, Text, text
from sqlmodel import Field

from services.scheduling.tables.base import Base
from services.scheduling.tables.figures import SIGNED
from shared.columns import moment


class HouseFigureRow(Base, table=True):
    """One figure from a day on, and where it comes from. A later row, or revision, replaces it.

    `clinician_id` signed it, where it is clinical and did not come with the house.
    """

    __tablename__ = "house_figures"
    __table_args__ = (
        CheckConstraint("value >= 0", name="value"),
        CheckConstraint(SIGNED, name="signed"),
    )

    figure: str = Field(sa_column=Column(Text, primary_key=True))
    effective_from: date = Field(sa_column=Column(Date, primary_key=True))
    revision: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    value: int = Field(sa_column=Column(Integer, nullable=False))
    source: str = Field(sa_column=Column(Text, nullable=False))
    clinician_id: UUID | None = Field(default=None, foreign_key="clinicians.clinician_id")
    signed_by: str | None = Field(default=None, sa_column=Column(Text))
    recorded_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class Hold(Base, table=True):
    """A whole series in its chairs, not booked yet.

    The chairs are rows of `appointments` in the state `held`, so the constraint that forbids
    double booking counts them as it counts visits; no list of visits shows them.
    """

    __tablename__ = "holds"
    __table_args__ = (
        CheckConstraint("state IN ('held', 'booked', 'released', 'expired')", name="state"),
        CheckConstraint("held_at < expires_at", name="times"),
        CheckConstraint("(state = 'booked') = (series_id IS NOT NULL)", name="booked"),
        Index("uq_holds_open", "patient_id", unique=True, postgresql_where=text("state = 'held'")),
    )

    hold_id: UUID = Field(primary_key=True)
    patient_id: UUID = Field(foreign_key="patients.patient_id")
    location_id: UUID = Field(foreign_key="locations.location_id")
    visit_type: str = Field(sa_column=Column(Text, nullable=False))
    state: str = Field(sa_column=Column(Text, nullable=False))
    held_at: datetime = Field(sa_column=moment())
    expires_at: datetime = Field(sa_column=moment())
    series_id: UUID | None = Field(default=None, foreign_key="series.series_id")
