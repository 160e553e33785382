"""Seeds for what is tried at random: some are the same in every run, one is fresh.

A fresh one finds what the same ones never will. Whatever fails by it says how to have it again.
"""

from __future__ import annotations

import os
import secrets

VARIABLE = "PRACTICE_TEST_SEED"


def fresh_seed() -> int:
    """Another one in every run, unless the environment names the one to repeat."""
    return int(os.environ.get(VARIABLE) or secrets.randbelow(2**32))


def same_seed() -> str:
    """The same in every run, unless the environment names another one to try."""
    return os.environ.get(VARIABLE) or "1"


def how_to_repeat(seed: int) -> str:
    return f"This was tried at random; {VARIABLE}={seed} tries the same again."
