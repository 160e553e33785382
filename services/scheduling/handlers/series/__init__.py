"""A series: planned, held, booked, changed, and at its end."""
