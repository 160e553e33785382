"""What happens, as it happens: the time on the clinic's wall, whose, who, and what.

What belongs to one moment is gathered and told patient by patient: first what people do, then what
goes wrong outside, then what the services said and what left for the patient. Patients to whom the
same happens share a row. A text is shown word for word the first time its purpose comes up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum
from functools import partial
from itertools import groupby
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table

from deploy.local.demo import phrases
from deploy.local.demo.heard import Heard
from deploy.local.demo.phrases import CHANNELS, PURPOSES, together
from deploy.local.demo.world import Text
from deploy.local.export.records import Patient, Visit
from shared.clock import Clock
from shared.events import Event, PatientEvent
from shared.events.notifications import Channel, MessageSent, Purpose

NAMES_WIDE = 18

_DIM = "bright_black"
_WRONG = "bold red"
_COLOURS = ("green", "magenta", "blue", "yellow", "cyan", "bright_magenta")


class Part(IntEnum):
    """In which order things of one moment are told."""

    ACT = 0
    OUTSIDE = 1
    SAID = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """One line or more about one patient, or about nobody in particular."""

    at: datetime
    about: str
    part: Part
    markup: str


class Timeline:
    """Prints to a console; 80 columns are enough for it."""

    def __init__(
        self,
        console: Console,
        clock: Clock,
        patients: dict[str, Patient],
        zones: dict[str, ZoneInfo],
    ) -> None:
        """`zones` holds the zone of each patient's clinic, by patient."""
        self._console = console
        self._clock = clock
        self._patients = patients
        self._zones = zones
        self._zone = next(iter(zones.values()))
        self._order = {patient: number for number, patient in enumerate(zones)}
        self._ids: dict[str, Patient] = {}
        self._visits: dict[str, str] = {}
        self._purposes: set[Purpose] = set()
        self._entries: list[Entry] = []
        self._day: date | None = None

    def knows(self, patient_id: str, patient: Patient) -> None:
        """Whom an id stands for: events carry no names."""
        self._ids[patient_id] = patient

    def knows_visit(self, an_id: str, _patient: Patient, visit: Visit, of: int) -> None:
        """Which visit an appointment's or infusion's id stands for."""
        self._visits[an_id] = f"infusion {visit.sequence_no} of {of}"

    def when(self, patient: Patient, moment: datetime) -> str:
        return f"{moment.astimezone(self._zones[patient.patient]):%a %b %-d %H:%M}"

    def legend(self) -> None:
        """How to read what follows."""
        self._console.print(
            f"\n[{_DIM}]The clinic's clock, whose, and [/][bold]who[/][{_DIM}] does what. Below it "
            "what the services say on Kafka (docs/events.md), and the texts and mails that "
            "leave.[/]"
        )

    def note(self, words: str) -> None:
        """Something about no patient in particular."""
        self._add("", Part.ACT, f"[italic]{escape(words)}[/]")

    def act(self, patient: Patient, who: str, what: str) -> None:
        self._add(patient.patient, Part.ACT, f"[bold]{escape(who)}[/] {escape(what)}")

    def setback(self, patient: Patient, who: str, what: str) -> None:
        """As `act`, where somebody is kept from something, and the rules have it so."""
        self._add(patient.patient, Part.ACT, f"[bold]{escape(who)}[/] [red]{escape(what)}[/]")

    def refusal(self, patient: Patient, why: str) -> None:
        self._add(patient.patient, Part.ACT, f"[{_WRONG}]refused:[/] {escape(why)}")

    def befell(self, system: str, kind: str, status: int | None, count: int) -> None:
        """Something went wrong outside since the last rest, as it was ordered to."""
        what = f"{phrases.fault(kind, status)}, {phrases.times(count)}"
        markup = f"[{_WRONG}]{phrases.SYSTEMS[system]}[/] [red]{what}[/]"
        about = {entry.about for entry in self._entries if entry.at == self._clock.now()}
        self._add(about.pop() if len(about) == 1 else "", Part.OUTSIDE, markup)

    def wants_words(self, heard: Iterable[Heard]) -> bool:
        """Whether a text of a purpose left that has not been shown yet."""
        return any(
            isinstance(one.event, MessageSent)
            and one.event.channel is Channel.SMS
            and one.event.purpose not in self._purposes
            for one in heard
        )

    def events(self, heard: Iterable[Heard], texts: Sequence[Text]) -> None:
        """What was said since, each patient's events in one row, their messages below.

        `texts` are what the carrier took, where `wants_words` asked for them.
        """
        rows: dict[tuple[datetime, str], list[Event]] = {}
        for one in heard:
            if isinstance(one.event, PatientEvent):
                patient = self._ids.get(str(one.event.patient_id))
                if patient is not None:
                    rows.setdefault((one.at, patient.patient), []).append(one.event)
        in_order = sorted(rows.items(), key=lambda row: (row[0][0], self._order[row[0][1]]))
        for (at, about), events in in_order:
            patient = self._patients[about]
            others = [event for event in events if not isinstance(event, MessageSent)]
            if others:
                said = together(others, partial(self.when, patient))
                row = f" [{_DIM}]→[/] ".join(_event(one) for one in said)
                self._add(about, Part.SAID, row, at)
            messages = [event for event in events if isinstance(event, MessageSent)]
            for _way_and_visit, alike in groupby(messages, key=self._way_and_visit):
                self._messages(list(alike), patient, at, texts)

    def _messages(
        self, messages: list[MessageSent], patient: Patient, at: datetime, texts: Sequence[Text]
    ) -> None:
        """What left for a patient by one way and about one visit, in one line."""
        channel, visit = self._way_and_visit(messages[0])
        tail = f" [{_DIM}]({visit})[/]" if visit else ""
        purposes = "; ".join(PURPOSES[message.purpose] for message in messages)
        self._add(patient.patient, Part.SAID, f"[cyan]{CHANNELS[channel]}[/] {purposes}{tail}", at)
        meant = [text for text in texts if text.to == patient.phone and text.at == at]
        for message in messages:
            if message.purpose not in self._purposes and len(meant) == 1:
                self._purposes.add(message.purpose)
                self._add(
                    patient.patient, Part.SAID, f"[italic {_DIM}]{escape(meant[0].body)}[/]", at
                )

    def _way_and_visit(self, message: MessageSent) -> tuple[Channel, str]:
        return message.channel, self._visits.get(str(message.subject_id), "")

    def tell(self) -> None:
        """Print what was gathered."""
        gathered = sorted(
            self._entries, key=lambda one: (one.at, self._order.get(one.about, -1), one.part)
        )
        self._entries.clear()
        for at, entries in groupby(gathered, key=lambda one: one.at):
            shared: dict[tuple[str, ...], list[str]] = {}
            for about, lines in groupby(entries, key=lambda one: one.about):
                shared.setdefault(tuple(line.markup for line in lines), []).append(about)
            shown_at: str | None = None
            for rows, abouts in shared.items():
                zone = self._zones.get(abouts[0], self._zone)
                self._turn_page(at.astimezone(zone).date())
                clock = f"{at.astimezone(zone):%H:%M}"
                self._print("" if clock == shown_at else clock, self._names(abouts), rows)
                shown_at = clock

    def _add(self, about: str, part: Part, markup: str, at: datetime | None = None) -> None:
        self._entries.append(Entry(at or self._clock.now(), about, part, markup))

    def _names(self, abouts: Sequence[str]) -> str:
        """The patient's name; first names where several share a row."""
        known = [self._patients[about] for about in abouts if about]
        shown = [patient.name if len(known) == 1 else patient.first_name for patient in known]
        return ", ".join(
            f"[{_COLOURS[self._order[patient.patient] % len(_COLOURS)]}]{escape(name)}[/]"
            for patient, name in zip(known, shown, strict=True)
        )

    def _turn_page(self, today: date) -> None:
        """A rule with the date wherever a new day begins."""
        if today != self._day:
            self._day = today
            self._console.print()
            self._console.print(Rule(f"[bold]{today:%A, %B %-d, %Y}[/]", align="left", style=_DIM))

    def _print(self, clock: str, names: str, rows: Sequence[str]) -> None:
        grid = Table.grid(padding=(0, 2))
        grid.add_column(width=5, no_wrap=True)
        grid.add_column(width=NAMES_WIDE)
        grid.add_column()
        grid.add_row(f"[bold]{clock}[/]", names, "\n".join(rows))
        self._console.print(grid)


def _event(said: phrases.Said) -> str:
    name = f"[{_DIM if said.welcome else 'red'}]{said.name}[/]"
    return " ".join(filter(None, (name, escape(said.detail))))
