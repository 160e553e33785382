"""Those who act: what they know of each other's work, how they reach the services, who they are.

The acts themselves are in `front_desk`, `clinicians`, `money` and `setting_up`. What a service
refuses is told on the timeline and noted, and what rests on it is refused here for want of it:
nothing is made up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from deploy.local.client import Practice, Refusal
from deploy.local.demo.timeline import Timeline
from deploy.local.demo.world import Confirmed, World
from deploy.local.export.records import Address, Clinic, Patient, StaffRole, Visit
from shared.auth import Role

ROLES = {
    StaffRole.PRESCRIBER: Role.PRESCRIBER,
    StaffRole.NURSE: Role.NURSE,
    StaffRole.FRONT_DESK: Role.FRONT_DESK,
    StaffRole.BILLER: Role.BILLER,
}


class Wanting(Exception):
    """An act cannot be done because something that it needs is not there."""


class People:
    """Everybody who acts, and what they have learnt: the ids of what they made."""

    def __init__(
        self, clinic: Clinic, practice: Practice, world: World, timeline: Timeline
    ) -> None:
        self.clinic = clinic
        self.practice = practice
        self.world = world
        self.timeline = timeline
        self.ids: dict[tuple[str, str], str] = {}
        self.confirmed: dict[str, list[Confirmed]] = {}
        """Each patient's cards at Stripe, oldest first."""
        self.refused_starts: list[tuple[str, str]] = []
        """Visit and rule, for each start that a service refused and the rules have it so."""
        self.surprises: list[str] = []
        """What was refused or missing against the rules."""

    def telling(
        self, patient: Patient, do: Callable[[], Awaitable[None]]
    ) -> Callable[[], Awaitable[None]]:
        """An act; what it is refused is told, and noted as a surprise."""

        async def act() -> None:
            try:
                await do()
            except (Refusal, Wanting) as no:
                self.surprises.append(f"{patient.name}: {no}")
                self.timeline.refusal(patient, str(no))

        return act

    async def post(
        self, service: str, path: str, role: Role, *, who: str = "practice", **body: object
    ) -> dict[str, Any]:
        """Ask a service for something, as somebody. Raises `Refusal`."""
        return await self.practice.post(service, path, body, role=role, who=who)

    async def desk(self, path: str, **body: object) -> dict[str, Any]:
        """Ask scheduling for something, as the front desk."""
        who = self.staff(StaffRole.FRONT_DESK)[0]
        return await self.post("scheduling", path, Role.FRONT_DESK, who=who, **body)

    def id_of(self, noun: str, key: str) -> str:
        """The id of something that was made. Raises `Wanting` when it was not."""
        try:
            return self.ids[noun, key]
        except KeyError:
            raise Wanting(f"there is no {noun} {key}") from None

    def visit_id(self, visit: Visit) -> str:
        return self.id_of("visit", visit.visit)

    def all_of(self, visit: Visit) -> list[Visit]:
        """The visits of the series that this one belongs to."""
        return self.clinic.visits_of(self.clinic.series[visit.series])

    def staff(self, role: StaffRole) -> tuple[str, str]:
        """Key and name of who does this work; an export need not name them."""
        found = self.clinic.first_of(role)
        if found is None:
            return role, f"the {role.replace('_', ' ')}"
        return found.staff, found.name

    def act(self, patient: Patient, role: StaffRole, what: str) -> None:
        """Have the timeline tell what somebody of a role did."""
        self.say(patient, self.staff(role)[1], what)

    def say(self, patient: Patient, who: str, what: str) -> None:
        self.timeline.act(patient, who, what)


def address_of(address: Address) -> dict[str, str]:
    """An address as the APIs take it."""
    parts = {
        "line1": address.line1,
        "line2": address.line2,
        "city": address.city,
        "state": address.state,
        "postal_code": address.postal_code,
    }
    return {name: value for name, value in parts.items() if value is not None}
