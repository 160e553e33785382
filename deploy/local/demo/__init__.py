"""Lives through a clinic's export over the real APIs, and compares what happened with the rules.

The people are here (front desk, nurse, prescriber, biller, the patient with a card), the clock
that leaps, the timeline, and the expectations. What the practice does is not here.
"""
