"""What scheduling hears: nothing. It is told by staff, and everyone else hears it.

What it says is in `shared.events.scheduling`; which decider says what stands in `handlers/`. What
falls due stands here.
"""

from __future__ import annotations

from services.scheduling.handlers.imports import files
from services.scheduling.handlers.patients import intake
from services.scheduling.handlers.series import gap_risks, holds
from services.scheduling.handlers.visits import monitoring, overdue, unsettled
from services.scheduling.handlers.waitlist import joining, needless, openings
from services.scheduling.rules.visits.overdue import next_quarter
from services.scheduling.rules.visits.unsettled import next_hour
from services.scheduling.work import (
    ApplyImportBatch,
    CheckImportBatch,
    ExpectEntry,
    ExpireHold,
    ExpireOffers,
    ExpireWish,
    ForgetImport,
    KeepFingerprints,
    LookAtWishes,
    LookForOverdueDischarges,
    LookForUnsettled,
    OfferChair,
    WatchGaps,
    WatchPlace,
)
from shared.messaging import Handlers

on = Handlers("scheduling")

on.due(ExpireHold)(holds.expire_hold)
on.due(ExpectEntry)(monitoring.flag_late_entry)
on.due(OfferChair)(openings.offer_chair)
on.due(ExpireOffers)(openings.expire_offers)
on.due(ExpireWish)(joining.expire_wish)
on.due(LookAtWishes)(needless.look_at_wishes)
on.round(LookForUnsettled, after=next_hour)(unsettled.raise_unsettled)
on.round(LookForOverdueDischarges, after=next_quarter)(overdue.raise_overdue)
on.round(KeepFingerprints, after=next_hour)(intake.keep_fingerprints)
on.due(WatchPlace)(gap_risks.watch_place)
on.due(WatchGaps)(gap_risks.watch_gaps)
on.due(CheckImportBatch)(files.check_batch)
on.due(ApplyImportBatch)(files.apply_batch)
on.due(ForgetImport)(files.forget_import)
