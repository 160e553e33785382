"""What stands before anybody comes, and what is ordered to go wrong."""

from __future__ import annotations

from deploy.local.demo.people import People, address_of
from deploy.local.demo.phrases import ordered
from deploy.local.export.records import Fault, Staff
from shared.auth import Role


async def set_up(people: People) -> None:
    """Locations, chairs, clinicians and fees, as whoever runs the clinic enters them."""
    clinic = people.clinic
    for location in clinic.locations.values():
        made = await people.post(
            "scheduling",
            "/locations",
            Role.OPS,
            name=location.name,
            zone=location.zone.key,
            legal_name=location.legal_name,
            ein=location.ein,
            npi=location.npi,
            phone=location.phone,
            address=address_of(location.address),
        )
        people.ids["location", location.location] = made["location_id"]
    for chair in clinic.chairs.values():
        path = f"/locations/{people.id_of('location', chair.location)}/chairs"
        made = await people.post("scheduling", path, Role.OPS, name=chair.name)
        people.ids["chair", chair.chair] = made["chair_id"]
    for staff in clinic.staff.values():
        if staff.is_clinician:
            made = await people.practice.post(
                "scheduling", "/clinicians", _clinician(staff), role=Role.OPS
            )
            people.ids["staff", staff.staff] = made["clinician_id"]
    for fee in clinic.fees:
        await people.post(
            "billing",
            "/fees",
            Role.OPS,
            visit_type=fee.visit_type,
            amount_cents=fee.amount_cents,
            effective_from=fee.effective_from.isoformat(),
        )
    clinicians = sum(staff.is_clinician for staff in clinic.staff.values())
    people.timeline.note(
        f"The clinic is set up. Locations: {len(clinic.locations)}, chairs: {len(clinic.chairs)}, "
        f"clinicians: {clinicians}, fees: {len(clinic.fees)}."
    )


async def order_fault(people: People, fault: Fault) -> None:
    await people.world.order_fault(fault)
    people.timeline.note(ordered(fault))


def _clinician(staff: Staff) -> dict[str, object]:
    assert staff.address is not None  # every clinician of an export has one
    parts: dict[str, object] = {
        "name": staff.name,
        "credential": staff.credential,
        "npi": staff.npi,
        "license_number": staff.license_number,
        "phone": staff.phone,
        "address": address_of(staff.address),
        "subject": staff.staff,
    }
    return parts | ({"dea_number": staff.dea_number} if staff.dea_number else {})
