"""Which locations a request reaches: what it names by id, held against where its sender works.

A service says of which names the ids belong to a location (`Reach`); whatever is named otherwise, a
patient or a clinician, is of no location, and a role alone decides. An id that is on no record is
the decider's to refuse.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fastapi import Request
from sqlalchemy import Select, select

from shared.messaging.transaction import Transaction
from shared.refusals import Broken

OTHER_LOCATION = "other_location"
SOURCE = "the locations that your sign-in names"

_BETWEEN = re.compile(r"[,/]")

Named = Mapping[str, set[UUID]]
"""What a request names: the ids under each name."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where the things of a service are: for a name, rows of an id and of its `location_id`."""

    places: Mapping[str, Select[Any]] = field(default_factory=dict)

    async def broken_by(
        self, tx: Transaction, request: Request, locations: Collection[UUID]
    ) -> list[Broken]:
        """What a request names that is at none of these locations."""
        broken = []
        for name, ids in (await self._named_in(request)).items():
            found = self.places[name].subquery()
            thing, place = found.c[0], found.c[1]
            elsewhere = select(thing).where(thing.in_(ids), place.not_in(locations)).limit(1)
            if (await tx.execute(elsewhere)).first() is not None:
                detail = (
                    "This is of a location that you do not work at. Somebody who works there can do"
                    " it; if you do too, have your sign-in say so."
                )
                broken.append(Broken(OTHER_LOCATION, detail, SOURCE, name))
        return broken

    async def _named_in(self, request: Request) -> Named:
        """The ids under a name that has a place: in the path, in the query, at any depth in JSON.

        A FHIR reference counts by the id that it ends with, a list by each of its parts.
        """
        named: dict[str, set[UUID]] = {}
        given = [
            *request.path_params.items(),
            *request.query_params.multi_items(),
            *_pairs(await _json_of(request)),
        ]
        for name, value in given:
            if name in self.places:
                named.setdefault(name, set()).update(_ids(str(value)))
        return {name: ids for name, ids in named.items() if ids}


async def _json_of(request: Request) -> Any:
    """The body as the route's form has read it; nothing where it is no JSON."""
    try:
        return await request.json()
    except ValueError:
        return None


def _pairs(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, str):
                yield name, inner
            elif isinstance(inner, list):
                yield from ((name, each) for each in inner if isinstance(each, str))
            yield from _pairs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _pairs(inner)


def _ids(text: str) -> Iterator[UUID]:
    for part in _BETWEEN.split(text):
        try:
            yield UUID(part.strip())
        except ValueError:
            continue
