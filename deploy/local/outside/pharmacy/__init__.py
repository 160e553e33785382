"""A simulated partner compounding pharmacy: orders over REST, status by signed webhooks.

Like the real ones it has no idempotency: the same reference posted twice is two orders, and two
bottles. Whoever sends looks up first.
"""
