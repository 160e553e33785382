"""What goes wrong in the simulated outside world, and from when on."""

from __future__ import annotations

from pydantic import ValidationError

from deploy.local.export import cells
from deploy.local.export.known import Known
from deploy.local.export.moments import moment
from deploy.local.export.records import Fault
from deploy.local.export.rows import Row
from deploy.local.outside.faults import FaultKind, FaultOrder, System


def fault(row: Row, known: Known) -> Fault:
    location = known.locations.referred(row, "location")
    found = Fault(
        ordered_at=moment(row, "ordered_at", location),
        system=row.cell("system", cells.one_of(System)),
        kind=row.cell("kind", cells.one_of(FaultKind)),
        route=row.cell("route", cells.line),
        times=row.maybe("times", cells.count) or 1,
        status=row.maybe("status", cells.error_status),
        seconds=row.maybe("seconds", cells.seconds),
    )
    if row.sound:
        _check(row, found)
    return found


def _check(row: Row, found: Fault) -> None:
    """Some kinds cannot befall some systems; the outside world itself says which."""
    try:
        FaultOrder(system=System(found.system), kind=FaultKind(found.kind))
    except ValidationError as impossible:
        words = impossible.errors()[0]["msg"].removeprefix("Value error, ")
        row.wrong("kind", words)
