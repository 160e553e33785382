"""Whom pharmacy asks: the certified signing vendor and the partner compounding pharmacy."""
