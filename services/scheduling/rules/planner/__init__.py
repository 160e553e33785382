"""Plans for a whole series."""
