"""A search's answer as FHIR has it: a page, a count, and what of the question was not looked at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, Select

from services.scheduling.documents.fhir import Json
from services.scheduling.documents.fhir_bundle import bundle, outcome
from services.scheduling.forms.fhir import PagedSearch, Searched
from services.scheduling.store import shown_visits
from shared.auth import Actor
from shared.http.pages import page, within
from shared.http.problems import Refused
from shared.messaging import Transaction
from shared.refusals import Broken

T = TypeVar("T")
Item = TypeVar("Item", bound=BaseModel)

NOT_UNDERSTOOD = "The search is not understood"


class Resource(BaseModel):
    """A FHIR resource. `patient_id` is whom it is about, for the audit log, and is not sent."""

    model_config = ConfigDict(extra="allow")

    resourceType: str  # noqa: N815  # as FHIR has it
    patient_id: UUID | None = Field(default=None, exclude=True)


def resource(found: Json, patient_id: UUID | None = None) -> Resource:
    return Resource(patient_id=patient_id, **found)


def unknown_resource(kind: str) -> Refused:
    return Refused.not_found(kind.casefold(), "id")


@dataclass(slots=True)
class Reading:
    """Reads the parameters of one search, and names all that are not understood at once."""

    broken: list[Broken] = field(default_factory=list)

    def take(self, read: T | Broken) -> T | None:
        if isinstance(read, Broken):
            self.broken.append(read)
            return None
        return read

    def take_all(self, read: Sequence[T | Broken]) -> list[T]:
        taken = [self.take(each) for each in read]
        return [each for each in taken if each is not None]

    @property
    def refused(self) -> Refused:
        return Refused.by_rules(self.broken, NOT_UNDERSTOOD)


async def answer_search(
    tx: Transaction,
    rows: Select[Any],
    *,
    by: Sequence[ColumnElement[Any]],
    asked: PagedSearch,
    how: Searched,
    item: Callable[[Any], Item],
    show: Callable[[list[Item]], Awaitable[list[Json]]],
    shown_to: Actor | None = None,
    as_entity: str = "",
) -> Resource | Refused:
    """A page of these rows as resources, or how many of them there are; audited as `page` says."""
    if asked.is_counted_only:
        total = await shown_visits.count(tx, within(rows, how.locations))
        return in_bundle([], how, total=total)
    found = await page(
        tx,
        rows,
        by=by,
        asked=asked.page(how.locations),
        item=item,
        shown_to=shown_to,
        as_entity=as_entity,
    )
    if isinstance(found, Refused):
        return found
    following = None
    if found.next_cursor is not None:
        following = str(how.url.include_query_params(_cursor=found.next_cursor))
    return in_bundle(await show(found.items), how, following=following)


def in_bundle(
    shown: Sequence[Json], how: Searched, *, following: str | None = None, total: int | None = None
) -> Resource:
    """What was found, and a word on every parameter that was not looked at."""
    ignored = [
        ("not-supported", "unsupported_parameter", name, "This parameter is not known here.")
        for name in how.ignored
    ]
    told = [outcome(ignored, severity="warning")] if ignored else []
    found = bundle(
        [*shown, *told], base=how.base, url=str(how.url), following=following, total=total
    )
    return resource(found)
