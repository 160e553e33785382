"""The outside systems that billing calls: one Protocol and one adapter each."""
