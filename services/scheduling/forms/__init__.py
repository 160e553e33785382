"""What a caller of scheduling sends, and what is answered: one file per noun."""
