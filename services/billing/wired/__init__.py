"""What billing does of itself, a noun a file: work, who is called for it, and what comes of it."""
