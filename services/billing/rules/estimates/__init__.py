"""Good faith estimates, their items and their deadlines."""
