"""What a clinic has on file elsewhere."""
