"""A simulated Stripe, as far as the official SDK is used to save cards and charge them.

Faithful where money depends on it: idempotency keys, test cards, off-session authentication,
declines with their codes, Checkout pages, refunds, disputes, the balance and its payouts, snapshot
and thin webhooks. It knows no manual capture and no Connect, and says so with Stripe's own
`parameter_unknown` and 404. Search has no lag here; Stripe's lags up to a minute, so nothing may
rely on it right after a write.
"""
