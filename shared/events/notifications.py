"""What notifications says: which message of which purpose left, and which did not.

`subject_id` is what the message is about: the visit of reminders, moves and driving bans, the
payment of a receipt, the try of a failed payment, the pay link, the superbill, the estimate, the
card that expires, the prescription of a delivery.
"""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from shared.events.base import Moment, PatientEvent
from shared.events.pharmacy import ReasonCode


class Channel(StrEnum):
    SMS = "sms"
    EMAIL = "email"


class Purpose(StrEnum):
    """Why a message exists. One message per purpose and subject."""

    RIDE_REMINDER_48H = "ride_reminder_48h"
    RIDE_REMINDER_24H = "ride_reminder_24h"
    FASTING_REMINDER = "fasting_reminder"
    APPOINTMENT_MOVED = "appointment_moved"
    NO_DRIVING = "no_driving"
    SPRAY_NO_DRIVING = "spray_no_driving"
    CHAIR_OFFERED = "chair_offered"
    RECEIPT = "receipt"
    PAYMENT_FAILED = "payment_failed"
    PAY_LINK = "pay_link"
    SUPERBILL = "superbill"
    SUPERBILL_CORRECTED = "superbill_corrected"
    ESTIMATE = "estimate"
    CARD_EXPIRING = "card_expiring"


class MessageSent(PatientEvent, producer="notifications"):
    """The provider took the message at `sent_at`; whether it reached the phone is not known yet."""

    message_id: UUID
    purpose: Purpose
    channel: Channel
    subject_id: UUID
    sent_at: Moment


class MessageNotSent(PatientEvent, producer="notifications"):
    """The message did not go and will not: the provider refused it, or it is no longer true.

    Said once per message, at `decided_at`. `reason` is a code of notifications: why it is not true
    any more, as `appointment_moved`, or what the provider said.
    """

    message_id: UUID
    purpose: Purpose
    channel: Channel
    subject_id: UUID
    reason: ReasonCode
    decided_at: Moment
