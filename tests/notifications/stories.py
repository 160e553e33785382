"""Events of one made-up patient, with everything changeable."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.events.billing import (
    CardExpiring,
    DeclineReason,
    EstimateIssued,
    EstimateReason,
    OutsidePaymentRecorded,
    PackagePaid,
    PaymentCaptured,
    PaymentDeclined,
    SuperbillCorrected,
    SuperbillIssued,
    TenderKind,
)
from shared.events.pharmacy import PrescriptionDelivered
from shared.events.scheduling import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentMoved,
    CancelReason,
    ChairOffered,
    DrivingBanExtended,
    LocationUpdated,
    PatientDischarged,
    PatientRegistered,
    PatientUpdated,
    RideConfirmed,
    RideMode,
    VisitType,
)
from shared.ids import new_id


@dataclass(slots=True)
class Story:
    """One patient, one visit, one of everything."""

    now: datetime
    patient_id: UUID = field(default_factory=new_id)
    location_id: UUID = field(default_factory=new_id)
    appointment_id: UUID = field(default_factory=new_id)
    infusion_id: UUID = field(default_factory=new_id)
    visit_type: VisitType = VisitType.KETAMINE_MOOD

    def registered(self) -> PatientRegistered:
        return PatientRegistered(patient_id=self.patient_id, registered_at=self.now)

    def updated(self) -> PatientUpdated:
        return PatientUpdated(patient_id=self.patient_id, updated_at=self.now)

    def location_updated(self, revision: int = 1) -> LocationUpdated:
        return LocationUpdated(location_id=self.location_id, revision=revision, updated_at=self.now)

    def booked(self, starts_at: datetime, **changes: Any) -> AppointmentBooked:
        values = {
            "patient_id": self.patient_id,
            "appointment_id": self.appointment_id,
            "series_id": None,
            "sequence_no": None,
            "location_id": self.location_id,
            "visit_type": self.visit_type,
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(minutes=50),
            "revision": 0,
        }
        return AppointmentBooked(**values | changes)

    def moved(self, starts_at: datetime, revision: int = 1) -> AppointmentMoved:
        return AppointmentMoved(
            patient_id=self.patient_id,
            appointment_id=self.appointment_id,
            location_id=self.location_id,
            visit_type=self.visit_type,
            previous_starts_at=self.now,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=50),
            revision=revision,
        )

    def cancelled(
        self, starts_at: datetime, revision: int = 1, reason: CancelReason | None = None
    ) -> AppointmentCancelled:
        return AppointmentCancelled(
            patient_id=self.patient_id,
            appointment_id=self.appointment_id,
            location_id=self.location_id,
            starts_at=starts_at,
            reason=reason or CancelReason.PATIENT_ASKED,
            revision=revision,
        )

    def ride(self) -> RideConfirmed:
        return RideConfirmed(
            patient_id=self.patient_id,
            appointment_id=self.appointment_id,
            mode=RideMode.DRIVER,
            confirmed_at=self.now,
        )

    def discharged(self, at: datetime, until: datetime) -> PatientDischarged:
        return PatientDischarged(
            patient_id=self.patient_id,
            appointment_id=self.appointment_id,
            infusion_id=self.infusion_id,
            location_id=self.location_id,
            discharged_at=at,
            no_drive_until=until,
        )

    def longer_ban(self, until: datetime) -> DrivingBanExtended:
        return DrivingBanExtended(
            patient_id=self.patient_id,
            extension_id=new_id(),
            appointment_id=self.appointment_id,
            infusion_id=self.infusion_id,
            location_id=self.location_id,
            extended_at=self.now,
            no_drive_until=until,
        )

    def offered(self, starts_at: datetime, until: datetime) -> ChairOffered:
        return ChairOffered(
            patient_id=self.patient_id,
            offer_id=new_id(),
            location_id=self.location_id,
            visit_type=VisitType.KETAMINE_MOOD,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=50),
            expires_at=until,
        )

    def paid(self, payment_id: UUID | None = None) -> PaymentCaptured:
        return PaymentCaptured(
            patient_id=self.patient_id,
            payment_id=payment_id or new_id(),
            charge_id=new_id(),
            infusion_id=self.infusion_id,
            amount_cents=39900,
            captured_at=self.now,
        )

    def paid_outside(self) -> OutsidePaymentRecorded:
        return OutsidePaymentRecorded(
            patient_id=self.patient_id,
            payment_id=new_id(),
            charge_id=new_id(),
            infusion_id=self.infusion_id,
            tender=TenderKind.CARE_CREDIT,
            amount_cents=39900,
            recorded_at=self.now,
        )

    def paid_ahead(self) -> PackagePaid:
        return PackagePaid(
            patient_id=self.patient_id,
            payment_id=new_id(),
            tender=TenderKind.CARD,
            units=6,
            amount_cents=210000,
            paid_at=self.now,
        )

    def used_prepaid(self) -> OutsidePaymentRecorded:
        return self.paid_outside().model_copy(update={"tender": TenderKind.PREPAID})

    def declined(self) -> PaymentDeclined:
        return PaymentDeclined(
            patient_id=self.patient_id,
            attempt_id=new_id(),
            charge_id=new_id(),
            reason=DeclineReason.INSUFFICIENT_FUNDS,
            declined_at=self.now,
        )

    def card_expires(self) -> CardExpiring:
        return CardExpiring(
            patient_id=self.patient_id,
            card_id=new_id(),
            expires_at=datetime(2027, 2, 1, 5, tzinfo=UTC),
            noticed_at=self.now,
        )

    def superbill(self) -> SuperbillIssued:
        return SuperbillIssued(
            patient_id=self.patient_id,
            superbill_id=new_id(),
            infusion_id=self.infusion_id,
            charge_id=new_id(),
            number="SB-2026-000007",
            total_cents=39900,
            issued_at=self.now,
        )

    def correction(self) -> SuperbillCorrected:
        return SuperbillCorrected(
            patient_id=self.patient_id,
            superbill_id=new_id(),
            replaces_id=new_id(),
            document_version=2,
            reason="refund",
            infusion_id=self.infusion_id,
            charge_id=new_id(),
            number="SB-2026-000007",
            total_cents=39900,
            issued_at=self.now,
        )

    def estimate(self) -> EstimateIssued:
        return EstimateIssued(
            patient_id=self.patient_id,
            estimate_id=new_id(),
            course_id=new_id(),
            number="GFE-2026-000003",
            document_version=1,
            reason=EstimateReason.BOOKED,
            total_cents=239400,
            expires_on=date(2027, 11, 22),
            issued_at=self.now,
        )

    def delivered(self) -> PrescriptionDelivered:
        return PrescriptionDelivered(
            patient_id=self.patient_id, prescription_id=new_id(), delivered_at=self.now
        )
