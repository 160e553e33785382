"""What scheduling hears: nothing. It is told by staff, and everyone else hears it.

What it says is in `shared.events.scheduling`; which decider says what stands in `handlers/`. What
falls due stands here.
"""

from __future__ import annotations

from services.scheduling.handlers import holds, monitoring
from services.scheduling.work import ExpectEntry, ExpireHold
from shared.messaging import Handlers

on = Handlers("scheduling")

on.due(ExpireHold)(holds.expire_hold)
on.due(ExpectEntry)(monitoring.flag_late_entry)
