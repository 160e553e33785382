"""What every wish has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Wish(BaseModel):
    """What a caller asks for: nothing unknown in it, and nothing of it in an error's text."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
