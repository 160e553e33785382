"""What scheduling hears: nothing. It is told by staff, and everyone else hears it.

What it says is in `shared.events.scheduling`; which decider says what stands in `handlers/`.
"""

from __future__ import annotations

from shared.messaging import Handlers

on = Handlers("scheduling")
