"""A location's time zone: what is booked there was agreed by the clock on its wall."""

from __future__ import annotations

from shared.refusals import Broken


def broken_by_zone(visits_not_over: int) -> list[Broken]:
    """Whether a location may get another zone.

    A booking is an instant: in another zone it would be at another hour on the wall, with no word
    to the patient, who was told the old one.
    """
    if not visits_not_over:
        return []
    return [
        Broken(
            "zone_in_use",
            f"{visits_not_over} visits are booked or held here and not over; another zone would"
            " give them other hours on the clinic's clock. Cancel them, or wait until the last is"
            " settled; then correct the zone and book anew.",
            "the hour that a patient was told is the clinic's; gaps between infusions are counted"
            " in its local days",
            "zone",
        )
    ]
