"""The outside world, simulated: Stripe, a partner pharmacy, a signing vendor, texts and mail.

It keeps the truth of every effect the practice has on others, so that a test or the demo can ask
how many orders the pharmacy really holds. It knows nothing of the practice but the addresses it
notifies, and refuses to start where `PRACTICE_ENV=production`.
"""
