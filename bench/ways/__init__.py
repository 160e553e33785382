"""The ways to charge completed infusions: the seam, plain FastStream, and a loop by hand.

Each is started on a full topic and timed from its first record to the last acknowledged event.
"""
