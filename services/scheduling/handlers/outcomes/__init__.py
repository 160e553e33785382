"""What patients answer over a series, and what that asks of a person."""
