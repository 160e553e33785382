"""What pharmacy decides and whom it asks: drafting, signing, ordering, refusing."""
