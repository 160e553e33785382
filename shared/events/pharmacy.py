"""What pharmacy says: one prescription from draft to delivery.

`prescription_id` is one at-home prescription; a completed series has one. Instants are UTC.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.events.base import Moment, PatientEvent

ReasonCode = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]


class PrescriptionDrafted(PatientEvent, producer="pharmacy"):
    """A completed series has its at-home prescription drafted; the prescriber is asked to sign.

    Said once per prescription, when what it will say has passed every check.
    """

    prescription_id: UUID
    series_id: UUID
    prescriber_id: UUID
    drafted_at: Moment


class PrescriptionHeld(PatientEvent, producer="pharmacy"):
    """What it would say fails a check; a person corrects the record and has it taken up again.

    Said before any signature, perhaps more than once. `reason` is the code of what is wrong; the
    words are at pharmacy's API.
    """

    prescription_id: UUID
    reason: ReasonCode
    held_at: Moment


class PrescriptionSigned(PatientEvent, producer="pharmacy"):
    """The prescriber signed with two factors at the certified vendor, at `signed_at` as it says."""

    prescription_id: UUID
    signed_at: Moment


class PrescriptionSignatureDeclined(PatientEvent, producer="pharmacy"):
    """The prescriber declined to sign at the vendor; nothing is sent."""

    prescription_id: UUID
    declined_at: Moment


class PrescriptionSent(PatientEvent, producer="pharmacy"):
    """The partner pharmacy answered that it has the order: exactly one exists there."""

    prescription_id: UUID
    sent_at: Moment


class PrescriptionRefused(PatientEvent, producer="pharmacy"):
    """It ends unfilled, by a rule, its signature or the pharmacy; a person decides what follows.

    Said once, and last, at `refused_at`. `reason` is pharmacy's code, such as `series_stopped`, or
    the partner pharmacy's own; the words are at pharmacy's API.
    """

    prescription_id: UUID
    reason: ReasonCode
    refused_at: Moment


class PrescriptionAccepted(PatientEvent, producer="pharmacy"):
    """The partner pharmacy says by its webhook that it takes the order on."""

    prescription_id: UUID
    accepted_at: Moment


class PrescriptionShipped(PatientEvent, producer="pharmacy"):
    """The partner pharmacy says by its webhook that the spray is on its way to the patient."""

    prescription_id: UUID
    shipped_at: Moment


class PrescriptionDelivered(PatientEvent, producer="pharmacy"):
    """The spray is with the patient. No driving for four hours after each use (FAQ).

    Said when the partner pharmacy's webhook reports the delivery.
    """

    prescription_id: UUID
    delivered_at: Moment
