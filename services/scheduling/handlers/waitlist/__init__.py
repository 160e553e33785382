"""Who waits for a chair, and to whom a freed one is offered."""
