"""What a decider leaves to be done, and what a caller found: values that handlers are told."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class Work(BaseModel):
    """Something that falls due, now or later. Carries ids only: its row is not encrypted."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)
    kind: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.kind = cls.__name__


class Fact(BaseModel):
    """The outcome of an outside call, as the decider that stores it needs it. Never published."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)
