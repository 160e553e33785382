"""What pharmacy says: one prescription from draft to delivery."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.events.base import Moment, PatientEvent

ReasonCode = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]


class PrescriptionDrafted(PatientEvent, producer="pharmacy"):
    """A completed series has its at-home prescription drafted; the prescriber is asked to sign."""

    prescription_id: UUID
    series_id: UUID
    prescriber_id: UUID
    drafted_at: Moment


class PrescriptionSigned(PatientEvent, producer="pharmacy"):
    """The prescriber signed with two factors at the certified vendor."""

    prescription_id: UUID
    signed_at: Moment


class PrescriptionSignatureDeclined(PatientEvent, producer="pharmacy"):
    """The prescriber declined to sign; nothing is sent."""

    prescription_id: UUID
    declined_at: Moment


class PrescriptionSent(PatientEvent, producer="pharmacy"):
    """The partner pharmacy has the order: exactly one exists there."""

    prescription_id: UUID
    sent_at: Moment


class PrescriptionRefused(PatientEvent, producer="pharmacy"):
    """The partner pharmacy refuses the order; a person decides."""

    prescription_id: UUID
    reason: ReasonCode
    refused_at: Moment


class PrescriptionAccepted(PatientEvent, producer="pharmacy"):
    prescription_id: UUID
    accepted_at: Moment


class PrescriptionShipped(PatientEvent, producer="pharmacy"):
    prescription_id: UUID
    shipped_at: Moment


class PrescriptionDelivered(PatientEvent, producer="pharmacy"):
    """The spray is with the patient. No driving for four hours after each use."""

    prescription_id: UUID
    delivered_at: Moment
