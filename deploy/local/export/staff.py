"""Those who work at the clinic. Clinicians have numbers, a phone and an address."""

from __future__ import annotations

from collections.abc import Callable

from deploy.local.export import cells
from deploy.local.export.places import address
from deploy.local.export.records import Staff, StaffRole
from deploy.local.export.rows import Row


def staff(row: Row, key: str) -> Staff:
    role = row.cell("role", cells.one_of(StaffRole))
    clinician = role in {StaffRole.PRESCRIBER, StaffRole.NURSE}

    def needed(column: str, read: Callable[[str], str]) -> str | None:
        return row.cell(column, read) if clinician else row.maybe(column, read)

    return Staff(
        staff=key,
        role=role,
        name=row.cell("name", cells.line),
        credential=needed("credential", cells.short),
        npi=needed("npi", cells.npi),
        license_number=needed("license_number", cells.short),
        dea_number=(
            row.cell("dea_number", cells.dea_number)
            if role is StaffRole.PRESCRIBER
            else row.maybe("dea_number", cells.dea_number)
        ),
        phone=needed("phone", cells.phone),
        address=address(row) if clinician else None,
    )
