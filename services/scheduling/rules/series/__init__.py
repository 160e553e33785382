"""How a series is given: its gaps, its size, its exceptions."""
