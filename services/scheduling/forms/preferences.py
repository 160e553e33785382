"""When a patient can come, as it is asked for with a plan or a re-plan."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from services.scheduling.forms.figures import Clock, Day, check_order
from services.scheduling.forms.wish import Wish
from services.scheduling.rules.clinic.policy import minute_of
from services.scheduling.rules.planner.wishes import EVERY_DAY, Preferences


class PreferencesWish(Wish):
    """When the patient can come. A visit begins and ends between `from` and `until`.

    Left out, `earliest` is today, and `latest` so far on that a whole series fits, or a re-plan.
    """

    weekdays: Annotated[
        frozenset[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1, max_length=7)
    ] = EVERY_DAY
    from_: Annotated[Clock, Field(alias="from")] = "00:00"
    until: Clock = "24:00"
    earliest: Day | None = None
    latest: Day | None = None

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        check_order(self.from_, self.until)
        return self

    def between(self, earliest: date, latest: date) -> Preferences:
        """What is asked for, with these dates where none are named."""
        return Preferences(
            self.earliest or earliest,
            self.latest or latest,
            self.weekdays,
            minute_of(self.from_),
            minute_of(self.until),
        )
