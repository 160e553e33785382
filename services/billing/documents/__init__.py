"""What billing prints and draws: pages set by typst, reports as pictures."""
