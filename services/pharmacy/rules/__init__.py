"""The rule sheet of prescriptions. Pure: time, ids and rows are passed in."""
