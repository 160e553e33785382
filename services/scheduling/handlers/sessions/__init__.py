"""Sessions that a clinician leads."""
