"""A simulated certified signing vendor (EPCS, 21 CFR 1311).

It shows a prescription to its prescriber, takes two factors, and vouches for what was signed. It
stands for a certified vendor in development only; nothing it signs is a prescription.
"""
