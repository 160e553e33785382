"""What is owed: priced, held or posted, tried at a card, given up."""
