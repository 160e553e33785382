"""What every event of the published language is, and the registry of all of them.

An event is a fact in the past tense: random ids, codes, states, times and integer cents. It never
carries a name, an address, a phone number, a birth date or a diagnosis; whoever needs one redeems
the id at scheduling's internal API. Producers may only add fields; consumers ignore those that
they do not know.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

from shared.refusals import Malformed
from shared.written import A_MOMENT


def _to_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the first and last day of the calendar, in some zones
        raise Malformed(
            "calendar_years",
            "The moment must lie within the years 1 to 9999 in UTC.",
            "the calendar",
        ) from None


Moment = Annotated[AwareDatetime, A_MOMENT, AfterValidator(_to_utc)]
"""A zone-aware instant, kept in UTC. A naive one is refused, and so is a number."""


class Event(BaseModel):
    """A fact that one service publishes. Subclasses name their producer: `producer="billing"`."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    producer: ClassVar[str] = ""
    version: ClassVar[int] = 1
    type_name: ClassVar[str] = ""
    key_field: ClassVar[str]
    """The field that is the Kafka key: facts that share it stay in the order of their commits."""

    def __init_subclass__(cls, producer: str = "", **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if producer:
            cls.producer = producer
            cls.type_name = f"{producer}.{cls.__name__}"
            REGISTRY[cls.type_name] = cls

    @property
    def key(self) -> str:
        """The Kafka key."""
        return str(getattr(self, self.key_field))


class PatientEvent(Event):
    """A fact about one patient; the patient's id is its key."""

    key_field = "patient_id"

    patient_id: UUID


REGISTRY: dict[str, type[Event]] = {}
"""Every event of the published language by type name, filled as the modules are imported."""
