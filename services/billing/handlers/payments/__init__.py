"""Money that comes and goes back, by whatever tender."""
