"""What becomes of the rest of a series when one infusion changes."""
