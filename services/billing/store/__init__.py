"""Every query of billing, as verb-named functions that take the transaction."""
