"""The clinic's figures, and what its chairs, nurses and rooms can take."""
