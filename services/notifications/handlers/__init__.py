"""What notifications do when something is heard, falls due or is found out."""
