"""Visits of an import: a series is imported whole, as it was agreed elsewhere.

What others were promised is kept where it can be: sizes are not judged again, and a gap that a
booking would be refused for is advice on its row, and watched once it is on file. A treatment that
is too near to another is wrong all the same, for no file brings the signature that it takes. A
chair, a leader and a patient are never in two visits at once, no nurse watches more than the roster
says, and nobody comes on a closed day, outside the hours or to a chair out of service, here as
anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from services.scheduling import store
from services.scheduling.forms.imports import ImportedVisit
from services.scheduling.handlers.free_starts import NOBODY
from services.scheduling.handlers.imports.booking import book_group
from services.scheduling.handlers.imports.same_people import broken_by_visitor
from services.scheduling.handlers.rooms import broken_by_watch, slot_of, with_rooms
from services.scheduling.handlers.series.given_before import broken_by_given
from services.scheduling.handlers.visits.drug_gaps import broken_by_new
from services.scheduling.rules.clinic import slots
from services.scheduling.rules.clinic.policy import Policy, broken_by_hours
from services.scheduling.rules.clinic.slots import Slot
from services.scheduling.rules.imports import rows as rules
from services.scheduling.rules.patients.ages import broken_by_age
from services.scheduling.rules.series import course as series_rules
from services.scheduling.rules.series import gaps, protocols
from services.scheduling.rules.series.protocols import Infusion
from services.scheduling.rules.sessions import as_of_leader
from services.scheduling.store import imports as kept
from services.scheduling.tables import Chair, Clinician
from services.scheduling.tables.imports import Import, ImportRow
from shared.messaging import Transaction
from shared.refusals import Broken

Visit = tuple[ImportRow, ImportedVisit]


@dataclass(slots=True)
class Group:
    """The visits of one series, one treatment or one session, with what was found of each here."""

    visits: Sequence[Visit]
    slots: list[Slot | None]
    broken: list[list[Broken]]
    advice: list[list[Broken]]
    policy: Policy
    zone: ZoneInfo
    clinician: Clinician | None = None

    def note(self, broken: Sequence[Broken]) -> None:
        """What concerns the whole group is told with its first visit."""
        self.broken[0] += broken

    def is_wrong(self) -> bool:
        return any(self.broken)

    @property
    def found(self) -> dict[int, Slot]:
        """The visits whose time is known, by their place in the group."""
        return {n: slot for n, slot in enumerate(self.slots) if slot is not None}

    def note_starts(self, broken: Sequence[Broken]) -> None:
        """What concerns the start of one visit, whose place in the group is the field."""
        for each in broken:
            self.broken[int(each.field or 0)].append(rules.in_column(each, "starts_at"))


async def check(import_: Import, batch_no: int, visits: Sequence[Visit], tx: Transaction) -> None:
    """Judge a group by what is on file, and by what else the file brings."""
    patient_key, known_as, patient_id = await _whose(visits, tx)
    group = await _judge(import_, batch_no, visits, patient_id, tx)
    group.note(await _broken_by_visitor(visits, known_as, tx))
    if patient_id is None and not await kept.coming_patients(tx, import_.import_id, {patient_key}):
        group.note([rules.patient_missing()])
    if visits[0][1].series_source_id is not None:
        other = await kept.brings_other_series(tx, import_.import_id, patient_key, batch_no)
        group.note(_open_series(is_open=other))
    resources = {slot.chair_id for slot in group.slots if slot}
    if group.policy.rosters:
        resources |= set(await store.chairs_at(tx, import_.location_id))
    beside = await kept.taken_by_file(tx, import_.import_id, resources, patient_key)
    for n, slot in enumerate(group.slots):
        if slot is not None:
            as_in_file = Slot(slot.starts_at, slot.ends_at, slot.chair_id, patient_key)
            met = slots.broken_by_taken(as_in_file, beside, "chair", "starts_at")
            led = visits[n][1].chair is None
            group.broken[n] += [as_of_leader(each) if led else each for each in met]
    await _watch(import_, group, beside, tx)
    await _keep_judgement(group, tx)


async def apply(import_: Import, batch_no: int, visits: Sequence[Visit], tx: Transaction) -> None:
    """Book a group, unless something stands in the way by now."""
    patient_key, known_as, patient_id = await _whose(visits, tx)
    if patient_id is not None:
        await store.lock_patient(tx, patient_id)
    await store.keep_location(tx, import_.location_id)
    group = await _judge(import_, batch_no, visits, patient_id, tx)
    await _watch(import_, group, [], tx)
    group.note(await _broken_by_visitor(visits, known_as, tx))
    if patient_id is None:
        group.note([rules.patient_missing()])
    if group.is_wrong() or patient_id is None or group.clinician is None:
        await _keep_judgement(group, tx)
        return
    found = [*group.found.values()]
    booked = await book_group(
        import_, group.clinician, group.policy, [visit for _, visit in visits], found, tx
    )
    if known_as is None:
        kept.note_imported(tx, patient_key, patient_id)
    for (row, _), appointment_id in zip(visits, booked, strict=True):
        assert row.source_key is not None, "a row that was read has its key"
        kept.note_imported(tx, row.source_key, appointment_id)
        await kept.change_row(tx, row, state="applied")


async def _whose(visits: Sequence[Visit], tx: Transaction) -> tuple[UUID, UUID | None, UUID | None]:
    """The key of a group's patient, who that was imported as, and who it is here."""
    row, said = visits[0]
    assert row.patient_key is not None, "a visit names its patient"
    known_as = (await kept.imported(tx, {row.patient_key})).get(row.patient_key)
    return row.patient_key, known_as, known_as or said.is_patient


async def _broken_by_visitor(
    visits: Sequence[Visit], known_as: UUID | None, tx: Transaction
) -> list[Broken]:
    named = visits[0][1].is_patient
    return [] if named is None else await broken_by_visitor(named, known_as, tx)


async def _judge(
    import_: Import,
    batch_no: int,
    visits: Sequence[Visit],
    patient_id: UUID | None,
    tx: Transaction,
) -> Group:
    location = await store.find_location(tx, import_.location_id)
    assert location is not None, "an import has its place"
    zone = ZoneInfo(location.zone)
    first = visits[0][1]
    policy = await store.policy_of(tx, import_.location_id, first.visit_type)
    group = Group(visits, [], [[] for _ in visits], [[] for _ in visits], policy, zone)
    group.clinician = await kept.clinician_with_npi(tx, first.clinician_npi)
    group.note(rules.broken_by_group([visit for _, visit in visits]))
    group.note(_broken_by_clinician(group.clinician, policy, first, zone))
    if await kept.rows_of_batch(tx, import_.import_id, batch_no, "wrong"):
        group.note([rules.series_wrong()])
    if patient_id is not None and first.series_source_id is not None:
        has_open = await store.has_open_series(tx, patient_id)
        group.note(_open_series(is_open=has_open))
    resources = [await _resource(import_, visit, group.clinician, tx) for _, visit in visits]
    if first.chair is not None and policy.rosters:
        days = {visit.starts_at.astimezone(zone).date() for _, visit in visits}
        await store.lock_days(tx, import_.location_id, days)
    chairs = await _hold(resources, first, tx)
    group.note(await _broken_by_age(patient_id, policy, first, zone, tx))
    for n, (_, visit) in enumerate(visits):
        resource, broken = resources[n], _unknown(resources[n], visit)
        if resource in chairs:
            broken += slots.broken_by_chair(
                store.chair_place(chairs[resource]), import_.location_id, "chair"
            )
        broken += slots.broken_by_time(policy.planning, visit.starts_at, tx.now, "starts_at")
        figures = policy.visit_on(visit.starts_at.astimezone(zone).date())
        slot = None
        unfit = rules.broken_by_catalogue(
            is_known=figures is not None,
            chair_needed=figures is not None and figures.chair_needed,
            in_series=policy.in_series,
            has_chair=visit.chair is not None,
            has_series=visit.series_source_id is not None,
        )
        broken += unfit
        if figures is None or figures.booked_min is None:
            broken += [] if unfit else [rules.duration_missing()]
        elif resource is not None:
            slot = slot_of(policy, visit.starts_at, resource, patient_id or NOBODY, zone)
            taken = await _taken(visit, slot, tx)
            earlier = [each for each in group.slots if each is not None]
            met = slots.broken_by_taken(slot, [*taken, *earlier], "chair", "starts_at")
            broken += [as_of_leader(each) if visit.chair is None else each for each in met]
            broken += await _too_near(visit, policy, slot, zone, tx)
            broken += broken_by_hours(policy, slot.starts_at, slot.ends_at, zone, "starts_at")
        group.slots.append(slot)
        group.broken[n] += broken
    await _give_rooms(import_, group, tx)
    if first.series_source_id is not None and policy.in_series:
        await _advise(group, policy, patient_id, zone, tx)
    return group


def _broken_by_clinician(
    clinician: Clinician | None, policy: Policy, first: ImportedVisit, zone: ZoneInfo
) -> list[Broken]:
    """A series ends in a prescription; a treatment is ordered, of a drug that may be controlled."""
    if clinician is None:
        return [rules.unknown_column("clinician", "clinician_npi")]
    figures = policy.visit_on(first.starts_at.astimezone(zone).date())
    is_ordered = first.is_treatment and figures is not None and figures.is_controlled
    if first.series_source_id is None and not is_ordered:
        return []
    return series_rules.broken_by_prescriber(clinician.dea_number, "clinician_npi")


async def _too_near(
    visit: ImportedVisit, policy: Policy, slot: Slot, zone: ZoneInfo, tx: Transaction
) -> list[Broken]:
    if not visit.is_treatment or policy.in_series:
        return []
    return [
        rules.in_column(each, "starts_at") for each in await broken_by_new(tx, policy, slot, zone)
    ]


def _open_series(*, is_open: bool) -> list[Broken]:
    broken = series_rules.broken_by_open_series(has_open=is_open)
    return [rules.in_column(each, "patient_source_id") for each in broken]


async def _broken_by_age(
    patient_id: UUID | None, policy: Policy, first: ImportedVisit, zone: ZoneInfo, tx: Transaction
) -> list[Broken]:
    """Whether a patient who is on file is old enough for what the visits give."""
    patient = None if patient_id is None else await store.find_patient(tx, patient_id)
    if patient is None or not policy.visits:
        return []
    day = first.starts_at.astimezone(zone).date()
    birth_date = store.patient_card(tx, patient).birth_date
    return broken_by_age(policy.figures_on(day), birth_date, day, "patient_source_id")


async def _give_rooms(import_: Import, group: Group, tx: Transaction) -> None:
    """Put each visit into the room that its type needs, as things stand on file."""
    places, wished = [*group.found], [*group.found.values()]
    placed, broken = await with_rooms(
        tx, group.policy, import_.location_id, wished, group.zone, lambda n: str(places[n])
    )
    for n, slot in zip(places, placed, strict=True):
        group.slots[n] = slot
    group.note_starts(broken)


async def _watch(import_: Import, group: Group, beside: Sequence[Slot], tx: Transaction) -> None:
    """Whether a nurse watches each chair, `beside` what else of the file is to be."""
    if group.visits[0][1].chair is None:
        return
    places, wished = [*group.found], [*group.found.values()]
    broken = await broken_by_watch(
        tx,
        group.policy,
        import_.location_id,
        wished,
        group.zone,
        lambda n: str(places[n]),
        as_well=beside,
    )
    group.note_starts(broken)


async def _advise(
    group: Group, policy: Policy, patient_id: UUID | None, zone: ZoneInfo, tx: Transaction
) -> None:
    """What a booking of the same series would be refused for, row by row."""
    protocol = policy.protocol_on(tx.now.astimezone(zone).date())
    starts = [visit.starts_at for _, visit in group.visits]

    def row(infusion: Infusion) -> str:
        return str(infusion.sequence_no - 1)

    told = gaps.broken_by_gaps(protocol, protocols.numbered(starts), zone, row)
    if patient_id is not None:
        told += await broken_by_given(tx, policy, protocol, patient_id, starts, zone, str)
    for each in told:
        group.advice[int(each.field or 0)].append(rules.in_column(each, "starts_at"))


async def _resource(
    import_: Import, visit: ImportedVisit, clinician: Clinician | None, tx: Transaction
) -> UUID | None:
    """What a visit takes: its chair, or its leader's time. None where that is not on record."""
    if visit.chair is None:
        return None if clinician is None else clinician.clinician_id
    return await kept.chair_named(tx, import_.location_id, visit.chair)


def _unknown(resource: UUID | None, visit: ImportedVisit) -> list[Broken]:
    if resource is None and visit.chair is not None:
        return [rules.unknown_column("chair", "chair")]
    return []


async def _hold(
    resources: Sequence[UUID | None], first: ImportedVisit, tx: Transaction
) -> dict[UUID, Chair]:
    """Hold all that a group takes until the commit, in the order in which everybody does."""
    found = {each for each in resources if each is not None}
    if first.chair is not None:
        return await store.lock_chairs(tx, found)
    for clinician_id in found:
        await store.lock_clinician(tx, clinician_id)
    return {}


async def _taken(visit: ImportedVisit, slot: Slot, tx: Transaction) -> list[Slot]:
    since, until = slot.starts_at, slot.ends_at
    if visit.chair is None:
        return await store.taken_of_leader(
            tx, slot.chair_id, slot.patient_id, since=since, until=until
        )
    return await store.taken_slots(tx, {slot.chair_id}, slot.patient_id, since=since, until=until)


async def _keep_judgement(group: Group, tx: Transaction) -> None:
    """A group is right as a whole, or wrong as a whole."""
    wrong = group.is_wrong()
    for (row, _), slot, broken, advice in zip(
        group.visits, group.slots, group.broken, group.advice, strict=True
    ):
        told = (broken or [rules.series_wrong()]) if wrong else advice
        await kept.change_row(
            tx,
            row,
            state="wrong" if wrong else "ready",
            problems=[rules.as_problem(each) for each in told],
            takes=slot.chair_id if slot else None,
            starts_at=slot.starts_at if slot else None,
            ends_at=slot.ends_at if slot else None,
        )
