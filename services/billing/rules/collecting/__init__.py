"""What follows when a card refuses."""
