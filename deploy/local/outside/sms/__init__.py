"""A simulated Twilio Programmable Messaging, as far as texts go out, come in and are told about.

Numbers that behave in their own way, beside Twilio's own magic numbers (+1 500 555 000x):

- `+12025550190` is a landline: undelivered, 30006
- `+12025550191` is switched off: undelivered, 30003
- `+12025550192` does not exist: undelivered, 30005
- `+12025550193` sits behind a filtering carrier: undelivered, 30007

There is no idempotency: posting twice is two texts. It reads no TwiML answers. Unlike Twilio's
default, a webhook that is refused is tried again, as its connection overrides allow.
"""
