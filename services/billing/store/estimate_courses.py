"""What estimates are due for: what is booked, what was asked about, how far each has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Row, Select, Table, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY, TEXT
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from services.billing.rules.clinic import clinic_day, zone_of
from services.billing.rules.estimates.items import Person
from services.billing.tables import EstimateCourse
from services.billing.work import RedeemPlan
from shared.messaging import Transaction

_COLUMNS = (
    "course_id, kind, patient_id, person, visit_type, planned_infusions, location_id, zone,"
    " first_on, opened_at, due_at, overdue_at, met_at, ended_at"
)

_OPEN_BOOKED = text(
    """
    INSERT INTO estimate_courses (course_id, kind, patient_id, visit_type, planned_infusions,
                                  zone, first_on, opened_at, due_at)
    VALUES (:course_id, :kind, :patient_id, :visit_type, :planned_infusions, :zone, :first_on,
            :opened_at, :due_at)
    ON CONFLICT (course_id) DO NOTHING
    RETURNING course_id
    """
).bindparams(bindparam("zone", type_=TEXT))

_FIND = f"SELECT {_COLUMNS} FROM estimate_courses WHERE course_id = :course_id"

_LOCK = text(_FIND + " FOR UPDATE")
_LOOK = text(_FIND)

_SERIES_OF = text("SELECT series_id FROM series_visits WHERE appointment_id = :appointment_id")

_IS_ESTIMATED = text(
    """
    SELECT EXISTS (SELECT FROM estimate_courses AS c
                    WHERE c.course_id = :course_id AND c.ended_at IS NULL
                      AND (c.due_at IS NOT NULL
                           OR EXISTS (SELECT FROM estimates AS e WHERE e.course_id = c.course_id)))
    """
)

_OF_TYPE = text(
    """
    SELECT course_id FROM estimate_courses
     WHERE visit_type = :visit_type AND ended_at IS NULL
       AND (kind = 'series' OR kind IN ('treatment', 'session') AND first_on >= :today)
       AND (due_at IS NOT NULL
            OR EXISTS (SELECT FROM estimates AS e WHERE e.course_id = estimate_courses.course_id))
       AND (course_id > :after OR CAST(:after AS uuid) IS NULL)
     ORDER BY course_id LIMIT :limit
    """
).bindparams(bindparam("after", type_=PG_UUID))

_DUE = text(
    """
    UPDATE estimate_courses
       SET due_at = :due_at, met_at = NULL, reminded_at = NULL, overdue_at = NULL
     WHERE course_id = :course_id
    """
)
_MET = text("UPDATE estimate_courses SET met_at = :at WHERE course_id = :course_id")
_REMINDED = text("UPDATE estimate_courses SET reminded_at = :at WHERE course_id = :course_id")
_OVERDUE = text("UPDATE estimate_courses SET overdue_at = :at WHERE course_id = :course_id")
_ENDED = text(
    "UPDATE estimate_courses SET ended_at = :at WHERE course_id = :course_id AND ended_at IS NULL"
)
_REOPENED = text(
    "UPDATE estimate_courses SET ended_at = NULL WHERE course_id = :course_id AND booked_as IS NULL"
)
_FIRST_ON = text("UPDATE estimate_courses SET first_on = :first_on WHERE course_id = :course_id")
_TAKEN_OVER = text(
    """
    UPDATE estimate_courses SET booked_as = :course_id, ended_at = :at
     WHERE patient_id = :patient_id AND visit_type = :visit_type AND kind = 'request'
       AND ended_at IS NULL
    RETURNING course_id, due_at, met_at
    """
)
_BLOCKED = text(
    "UPDATE estimate_courses SET blocked_by = :rules WHERE course_id = :course_id"
).bindparams(bindparam("rules", type_=ARRAY(TEXT)))


class CourseKind(StrEnum):
    SERIES = "series"
    TREATMENT = "treatment"
    SESSION = "session"
    REQUEST = "request"
    INQUIRY = "inquiry"


BOOKED = frozenset({CourseKind.SERIES, CourseKind.TREATMENT, CourseKind.SESSION})
"""What stands in scheduling's books."""


@dataclass(frozen=True, slots=True)
class Course:
    """A course's row. `person` is still sealed."""

    course_id: UUID
    kind: CourseKind
    patient_id: UUID | None
    person: bytes | None
    visit_type: str
    planned_infusions: int
    location_id: UUID | None
    zone: ZoneInfo
    first_on: date | None
    opened_at: datetime
    due_at: datetime | None
    overdue_at: datetime | None
    met_at: datetime | None
    ended_at: datetime | None

    @property
    def is_waited_for(self) -> bool:
        """Whether an estimate is due and not issued yet."""
        return self.due_at is not None and self.met_at is None and self.ended_at is None


def _course(row: Row[Any] | None) -> Course | None:
    if row is None:
        return None
    read = {"kind": CourseKind(row.kind), "zone": zone_of(row.zone)}
    return Course(**dict(row._mapping) | read)  # noqa: SLF001  # SQLAlchemy's public name for it


async def open_booked(
    tx: Transaction,
    course_id: UUID,
    kind: CourseKind,
    *,
    patient_id: UUID,
    visit_type: str,
    planned_infusions: int,
    zone: str | None,
    first_on: date,
    opened_at: datetime,
    due_at: datetime | None,
) -> bool:
    """Note a booked series, treatment or session. False when it is noted already."""
    values = {
        "kind": kind.value,
        "course_id": course_id,
        "patient_id": patient_id,
        "visit_type": visit_type,
        "planned_infusions": planned_infusions,
        "zone": zone,
        "first_on": first_on,
        "opened_at": opened_at,
        "due_at": due_at,
    }
    return (await tx.execute(_OPEN_BOOKED, values)).one_or_none() is not None


async def lock(tx: Transaction, course_id: UUID) -> Course | None:
    """A course whose row is ours until the commit."""
    return _course((await tx.execute(_LOCK, {"course_id": course_id})).one_or_none())


async def load_course(tx: Transaction, work: RedeemPlan) -> Asked | None:
    """`None` once the course has ended."""
    course = _course((await tx.execute(_LOOK, {"course_id": work.course_id})).one_or_none())
    return None if course is None or course.ended_at else Asked(course, work)


@dataclass(frozen=True, slots=True)
class Asked:
    """A course about which scheduling is asked, and why."""

    course: Course
    work: RedeemPlan


def seal_person(tx: Transaction, course_id: UUID, person: Person) -> bytes:
    value = {"name": person.name, "birth_date": person.birth_date.isoformat()}
    return tx.vault.seal(value, table="estimate_courses", column="person", row=course_id)


def open_person(tx: Transaction, course_id: UUID, sealed: bytes) -> Person:
    opened = tx.vault.open(sealed, table="estimate_courses", column="person", row=course_id)
    return Person(opened["name"], date.fromisoformat(opened["birth_date"]))


async def series_of(tx: Transaction, appointment_id: UUID) -> UUID | None:
    found = await tx.execute(_SERIES_OF, {"appointment_id": appointment_id})
    series_id: UUID | None = found.scalar()
    return series_id


async def is_estimated(tx: Transaction, course_id: UUID) -> bool:
    """Whether a course that goes on has an estimate, or one is due for it."""
    return bool((await tx.execute(_IS_ESTIMATED, {"course_id": course_id})).scalar_one())


async def of_type(
    tx: Transaction, visit_type: str, *, after: UUID | None, limit: int
) -> list[UUID]:
    """What is booked of a visit type, goes on and is estimated, in the order of the ids."""
    asked = {
        "visit_type": visit_type,
        "after": after,
        "limit": limit,
        "today": clinic_day(tx.now),
    }
    return [row.course_id for row in await tx.execute(_OF_TYPE, asked)]


async def set_due(tx: Transaction, course_id: UUID, due_at: datetime) -> None:
    await tx.execute(_DUE, {"course_id": course_id, "due_at": due_at})


async def note_met(tx: Transaction, course_id: UUID) -> None:
    await tx.execute(_MET, {"course_id": course_id, "at": tx.now})


async def note_reminded(tx: Transaction, course_id: UUID) -> None:
    await tx.execute(_REMINDED, {"course_id": course_id, "at": tx.now})


async def note_overdue(tx: Transaction, course_id: UUID) -> None:
    await tx.execute(_OVERDUE, {"course_id": course_id, "at": tx.now})


async def end(tx: Transaction, course_id: UUID) -> None:
    await tx.execute(_ENDED, {"course_id": course_id, "at": tx.now})


async def reopen(tx: Transaction, course_id: UUID) -> None:
    """What was lost is to be given after all."""
    await tx.execute(_REOPENED, {"course_id": course_id})


async def set_first_on(tx: Transaction, course_id: UUID, first_on: date) -> None:
    await tx.execute(_FIRST_ON, {"course_id": course_id, "first_on": first_on})


async def take_over_requests(
    tx: Transaction, course_id: UUID, *, patient_id: UUID, visit_type: str
) -> list[tuple[UUID, datetime | None]]:
    """What the patient asked the price of is booked now: each, and when it is due where it waits.

    Nothing is due for a request itself any more; what was issued of it stands.
    """
    found = await tx.execute(
        _TAKEN_OVER,
        {
            "course_id": course_id,
            "patient_id": patient_id,
            "visit_type": visit_type,
            "at": tx.now,
        },
    )
    return [(row.course_id, None if row.met_at else row.due_at) for row in found]


async def note_blocked(tx: Transaction, course_id: UUID, rules: list[str]) -> None:
    """Note what keeps an estimate from being built; what was noted before is replaced."""
    await tx.execute(_BLOCKED, {"course_id": course_id, "rules": rules})


_COURSES: Table = EstimateCourse.__table__  # type: ignore[attr-defined]  # every table=True model has one

BY_DUE = (_COURSES.c.due_at, _COURSES.c.course_id)


def waited_for() -> Select[Any]:
    """Courses whose estimate is due and not issued yet."""
    return select(
        *(
            _COURSES.c[name]
            for name in (
                *("course_id", "kind", "patient_id", "visit_type", "planned_infusions"),
                *("opened_at", "due_at", "reminded_at", "overdue_at", "blocked_by"),
            )
        )
    ).where(
        _COURSES.c.due_at.is_not(None), _COURSES.c.met_at.is_(None), _COURSES.c.ended_at.is_(None)
    )
