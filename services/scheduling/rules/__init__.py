"""The clinic's rule sheet. Pure: time and ids are passed in, nothing is read or stored.

Every figure names its source; "FAQ" is the clinic's own public FAQ. Days between infusions are
counted in the clinic's local calendar, the driving ban in elapsed time.
"""
