"""What notifications hear, leave to be done and find out: the service on one screen."""

from __future__ import annotations

from services.notifications.gateways.mail import Mail
from services.notifications.gateways.texts import Texts
from services.notifications.handlers import claims, notices, pay_links, sending, visits
from services.notifications.work import (
    ContactRedeemed,
    LocationRedeemed,
    MessageRefused,
    MessageTaken,
    PayLinkRedeemed,
    RedeemContact,
    RedeemLocation,
    RedeemPayLink,
    SendMail,
    SendText,
)
from shared.claims import ClaimCheck, PayLinkCheck
from shared.events.billing import (
    CardExpiring,
    EstimateIssued,
    MonthlySuperbillIssued,
    OutsidePaymentRecorded,
    PackagePaid,
    PayLinkReady,
    PaymentCaptured,
    PaymentDeclined,
    SuperbillCorrected,
    SuperbillIssued,
)
from shared.events.pharmacy import PrescriptionDelivered
from shared.events.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMoved,
    ChairOffered,
    DrivingBanExtended,
    LocationUpdated,
    PatientDischarged,
    PatientRegistered,
    PatientUpdated,
    RideConfirmed,
)
from shared.messaging import Handlers

on = Handlers("notifications")

on.event(PatientRegistered)(claims.copy_contact)
on.event(PatientUpdated)(claims.refresh_contact)
on.event(LocationUpdated)(claims.refresh_location)
on.event(AppointmentBooked)(visits.plan_visit)
on.event(AppointmentMoved)(visits.replan_visit)
on.event(AppointmentCancelled)(visits.forget_visit)
on.event(RideConfirmed)(visits.note_ride)
on.event(PatientDischarged)(visits.tell_driving_ban)
on.event(DrivingBanExtended)(visits.tell_longer_ban)
on.event(ChairOffered)(visits.offer_chair)
on.event(PaymentCaptured)(notices.send_receipt)
on.event(OutsidePaymentRecorded)(notices.send_receipt)
on.event(PackagePaid)(notices.send_receipt)
on.event(PaymentDeclined)(notices.tell_payment_failed)
on.event(CardExpiring)(notices.tell_card_expiring)
on.event(PayLinkReady)(pay_links.send_pay_link)
on.event(EstimateIssued)(notices.announce_estimate)
on.event(SuperbillIssued)(notices.announce_superbill)
on.event(MonthlySuperbillIssued)(notices.announce_month)
on.event(SuperbillCorrected)(notices.announce_correction)
on.event(PrescriptionDelivered)(notices.tell_spray_rule)

on.work(RedeemContact, calls=ClaimCheck)(claims.redeem_contact)
on.work(RedeemLocation, calls=ClaimCheck)(claims.redeem_location)
on.work(RedeemPayLink, calls=PayLinkCheck)(pay_links.redeem_pay_link)
on.work(SendText, loads=sending.write_letter, calls=Texts)(sending.send_text)
on.work(SendMail, loads=sending.write_letter, calls=Mail)(sending.send_mail)

on.outcome(ContactRedeemed)(claims.keep_contact)
on.outcome(LocationRedeemed)(claims.keep_location)
on.outcome(PayLinkRedeemed)(pay_links.mail_pay_link)
on.outcome(MessageTaken)(sending.note_taken)
on.outcome(MessageRefused)(sending.note_refused)
