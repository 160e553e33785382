"""What pharmacy hears and does: the service on one screen."""

from __future__ import annotations

from services.pharmacy import work
from services.pharmacy.gateways.partner import PartnerPharmacy
from services.pharmacy.gateways.signing import Signing
from services.pharmacy.handlers import drafting, following, sending, signing, twins
from shared.claims import ClaimCheck
from shared.events.scheduling import PatientUpdated, SeriesCompleted, SeriesStopped
from shared.messaging.handlers import Handlers

on = Handlers("pharmacy")

on.event(SeriesCompleted)(drafting.draft_for_series)
on.event(SeriesStopped)(drafting.withdraw_for_series)
on.event(PatientUpdated)(drafting.refresh_drafts)

on.work(work.RedeemSeries, calls=ClaimCheck)(drafting.redeem_series)
on.outcome(work.SeriesRedeemed)(drafting.write_draft)
on.discarded(work.RedeemSeries)(drafting.hold_unredeemed)

on.work(work.OpenSession, loads=signing.load_showing, calls=Signing)(signing.open_session)
on.work(work.AskSession, loads=signing.load_asking, calls=Signing)(signing.ask_session)
on.discarded(work.OpenSession)(signing.hold_unshown)
on.discarded(work.AskSession)(signing.hold_unshown)
on.outcome(work.SessionSeen)(signing.record_session)
on.outcome(work.SessionRefused)(signing.record_session_refusal)

on.work(work.SendOrder, loads=sending.load_order, calls=PartnerPharmacy)(sending.send_order)
on.work(work.AskOrders, loads=following.load_asking, calls=PartnerPharmacy)(following.ask_orders)
on.work(work.CancelTwin, loads=twins.load_twin, calls=PartnerPharmacy)(twins.cancel_twin)
on.discarded(work.SendOrder)(sending.refuse_unsent)
on.discarded(work.AskOrders)(following.ask_on)
on.outcome(work.OrdersFound)(following.record_orders)
on.outcome(work.OrderRefused)(sending.record_order_refusal)
on.outcome(work.TwinCancelled)(twins.look_for_more_twins)
