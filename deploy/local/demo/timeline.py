"""What happens, as it happens: the time on the clinic's wall, the patient, who, and what.

People's acts stand in full; the events that follow stand below them, in the order in which they
were said. A text is shown word for word the first time its purpose comes up, then by its purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table

from deploy.local.demo.heard import Heard
from deploy.local.demo.phrases import CHANNELS, PURPOSES, together
from deploy.local.demo.world import Text
from deploy.local.export.records import Patient, Visit
from shared.clock import Clock
from shared.events import PatientEvent
from shared.events.notifications import Channel, MessageSent, Purpose

_PEOPLE = "bold cyan"
_SERVICES = "bright_black"
_COLOURS = ("green", "yellow", "magenta", "blue", "red", "cyan")


class Timeline:
    """Prints to a console; 100 columns are enough for it."""

    def __init__(self, console: Console, clock: Clock, zones: dict[str, ZoneInfo]) -> None:
        """`zones` holds the zone of each patient's clinic, by patient."""
        self._console = console
        self._clock = clock
        self._zones = zones
        self._zone = next(iter(zones.values()))
        self._colours = {
            patient: _COLOURS[number % len(_COLOURS)] for number, patient in enumerate(zones)
        }
        self._patients: dict[str, Patient] = {}
        self._visits: dict[str, str] = {}
        self._purposes: set[Purpose] = set()
        self._day: date | None = None
        self._shown_before: tuple[str, str] | None = None

    def knows(self, patient_id: str, patient: Patient) -> None:
        """Whom an id stands for: events carry no names."""
        self._patients[patient_id] = patient

    def knows_visit(self, an_id: str, _patient: Patient, visit: Visit, of: int) -> None:
        """Which visit an appointment's or infusion's id stands for."""
        self._visits[an_id] = f"infusion {visit.sequence_no} of {of}"

    def when(self, patient: Patient, moment: datetime) -> str:
        return f"{moment.astimezone(self._zones[patient.patient]):%a %b %-d %H:%M}"

    def note(self, words: str) -> None:
        """Something about no patient in particular."""
        self._turn_page(self._zone)
        self._line(f"[italic]{escape(words)}[/]", zone=self._zone)

    def act(self, patient: Patient, who: str, what: str) -> None:
        self._turn_page(self._zones[patient.patient])
        self._line(f"[{_PEOPLE}]{escape(who)}[/] {escape(what)}", patient)

    def refusal(self, patient: Patient, why: str) -> None:
        self._turn_page(self._zones[patient.patient])
        self._line(f"[bold red]refused:[/] {escape(why)}", patient)

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
        rows: dict[tuple[datetime, str], list[PatientEvent]] = {}
        for one in heard:
            if isinstance(one.event, PatientEvent):
                rows.setdefault((one.at, str(one.event.patient_id)), []).append(one.event)
        for (at, patient_id), events in rows.items():
            patient = self._patients.get(patient_id)
            if patient is None:
                continue
            self._turn_page(self._zones[patient.patient], at)
            messages = [event for event in events if isinstance(event, MessageSent)]
            others = [event for event in events if not isinstance(event, MessageSent)]
            if others:
                said = together(others, partial(self.when, patient))
                self._line(f"[{_SERVICES}]{escape(said)}[/]", patient, at)
            for message in messages:
                about = self._visits.get(str(message.subject_id))
                tail = f" [{_SERVICES}]({about})[/]" if about else ""
                kind = CHANNELS[message.channel]
                self._line(f"[bold]{kind}[/] {PURPOSES[message.purpose]}{tail}", patient, at)
                self._words(message, patient, at, texts)

    def _words(
        self, message: MessageSent, patient: Patient, at: datetime, texts: Sequence[Text]
    ) -> None:
        """The text itself, if its purpose is new and no other text could be meant."""
        meant = [text for text in texts if text.to == patient.phone and text.at == at]
        if message.purpose not in self._purposes and len(meant) == 1:
            self._purposes.add(message.purpose)
            self._line(f"[italic {_SERVICES}]{escape(meant[0].body)}[/]", patient, at)

    def _turn_page(self, zone: ZoneInfo, at: datetime | None = None) -> None:
        """A rule with the date wherever a new day begins."""
        today = (at or self._clock.now()).astimezone(zone).date()
        if today != self._day:
            self._day = today
            self._shown_before = None
            self._console.print()
            self._console.print(
                Rule(f"[bold]{today:%A, %B %-d, %Y}[/]", align="left", style="bright_black")
            )

    def _line(
        self,
        words: str,
        patient: Patient | None = None,
        at: datetime | None = None,
        zone: ZoneInfo | None = None,
    ) -> None:
        zone = zone or self._zones[patient.patient if patient else ""]
        time = f"{(at or self._clock.now()).astimezone(zone):%H:%M}"
        name = patient.name if patient else ""
        same = self._shown_before == (time, name)
        self._shown_before = (time, name)
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(width=5, no_wrap=True)
        grid.add_column(width=18, no_wrap=True, overflow="ellipsis")
        grid.add_column(ratio=1)
        colour = self._colours.get(patient.patient, "white") if patient else "white"
        grid.add_row(
            "" if same else f"[bold]{time}[/]",
            "" if same else f"[{colour}]{escape(name)}[/]",
            words,
        )
        self._console.print(grid)
