"""Every query of pharmacy, as verb-named functions that take the transaction."""
