"""What pharmacy decides and whom it asks: drafting, signing, sending, following, refusing."""
