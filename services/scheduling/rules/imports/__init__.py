"""Files of other systems: how they are read, and what of a row is wrong."""
