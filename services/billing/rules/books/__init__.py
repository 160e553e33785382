"""What is posted, what must tie, and how reports are cut."""
