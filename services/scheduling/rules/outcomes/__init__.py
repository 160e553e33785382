"""Forms, their figures, and what those say over a series."""
