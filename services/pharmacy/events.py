"""What pharmacy hears and does: the service on one screen."""

from __future__ import annotations

from services.pharmacy import work
from services.pharmacy.gateways import PartnerPharmacy, Signing
from services.pharmacy.handlers import drafting, ordering, signing
from shared.claims import ClaimCheck
from shared.events.scheduling import PatientUpdated, SeriesCompleted
from shared.messaging.handlers import Handlers

on = Handlers("pharmacy")

on.event(SeriesCompleted)(drafting.draft_for_series)
on.event(PatientUpdated)(drafting.refresh_drafts)

on.work(work.RedeemSeries, calls=ClaimCheck)(drafting.redeem_series)
on.outcome(work.SeriesRedeemed)(drafting.write_draft)

on.work(work.OpenSession, loads=signing.load_showing, calls=Signing)(signing.open_session)
on.work(work.AskSession, loads=signing.load_asking, calls=Signing)(signing.ask_session)
on.outcome(work.SessionSeen)(signing.record_session)
on.outcome(work.SessionRefused)(signing.record_session_refusal)

on.work(work.SendOrder, loads=ordering.load_order, calls=PartnerPharmacy)(ordering.send_order)
on.work(work.AskOrders, loads=ordering.load_asking, calls=PartnerPharmacy)(ordering.ask_orders)
on.work(work.CancelTwin, loads=ordering.load_twin, calls=PartnerPharmacy)(ordering.cancel_twin)
on.outcome(work.OrdersFound)(ordering.record_orders)
on.outcome(work.OrderRefused)(ordering.record_order_refusal)
on.outcome(work.TwinCancelled)(ordering.look_for_more_twins)
