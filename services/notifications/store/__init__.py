"""Every query of notifications, as verb-named functions that take the transaction."""
