"""The day of a visit, from its ride to the way home, and what is found afterwards."""
