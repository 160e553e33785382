"""Locations, their chairs, and addresses."""

from __future__ import annotations

from deploy.local.export import cells
from deploy.local.export.known import Known
from deploy.local.export.records import Address, Chair, Location
from deploy.local.export.rows import Row


def location(row: Row, key: str) -> Location:
    return Location(
        location=key,
        name=row.cell("name", cells.line),
        zone=row.cell("zone", cells.zone),
        legal_name=row.cell("legal_name", cells.line),
        ein=row.cell("ein", cells.ein),
        npi=row.cell("npi", cells.npi),
        phone=row.cell("phone", cells.phone),
        address=address(row),
    )


def chair(row: Row, key: str, known: Known) -> Chair:
    stands_in = known.locations.referred(row, "location")
    return Chair(
        chair=key,
        location=stands_in.location if stands_in else "",
        name=row.cell("name", cells.line),
    )


def address(row: Row) -> Address:
    return Address(
        line1=row.cell("line1", cells.line),
        line2=row.maybe("line2", cells.line),
        city=row.cell("city", cells.short),
        state=row.cell("state", cells.state),
        postal_code=row.cell("postal_code", cells.postal_code),
    )
