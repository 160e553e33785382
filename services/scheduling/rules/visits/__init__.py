"""What a visit may do next, and what stands in its way."""
