"""The smallest re-plan of what is left of a series."""
