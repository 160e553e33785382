"""A card set-up's life: pending, ready for the patient's browser, then saved or failed."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

LOOK_AGAIN_AFTER = timedelta(hours=1)
"""A patient confirms within minutes. If no webhook tells us, we ask once ourselves."""


class SetupState(StrEnum):
    PENDING = "pending"
    READY = "ready"
    SAVED = "saved"
    FAILED = "failed"


_MOVES = {
    SetupState.PENDING: frozenset({SetupState.READY, SetupState.SAVED, SetupState.FAILED}),
    SetupState.READY: frozenset({SetupState.SAVED, SetupState.FAILED}),
    SetupState.SAVED: frozenset[SetupState](),
    SetupState.FAILED: frozenset[SetupState](),
}


def may_become(state: SetupState, to: SetupState) -> bool:
    """Whether news of a set-up is news. A repeated webhook or a late answer is not."""
    return to in _MOVES[state]
