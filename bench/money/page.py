"""`docs/benchmarks-money.md`: billing's figures in words and tables."""

from __future__ import annotations

from bench.money.charges import Charges
from bench.money.ledger import Ledgers, Looked
from bench.money.results import Results
from bench.money.stripe import ANSWERS_IN_MS
from bench.money.superbills import AT_ONCE, Superbills
from bench.money.webhooks import CLIENTS, TWICE_EVERY, Answered, Webhooks
from bench.page import QUICK, measured_on, of_delay, of_rate, table
from bench.ways.work_in_request import CONNECTIONS

_HEAD = """\
# Benchmarks of the money

Written by `make bench`, or by `python -m bench money` alone, which measures everything below in one
run; what is compared takes turns, round by round, and rates are medians of the rounds. The numbers
alone are in [`benchmarks.json`](benchmarks.json), the other figures of the practice in
[`benchmarks.md`](benchmarks.md). Ratios travel between machines; absolute figures do not.

The whole practice runs on this machine, the simulated Stripe and the clients beside it, and every
call to Stripe takes {ms} ms.

![Charges, webhooks, superbills and the ledger](benchmarks-money.svg)
"""

_CHARGES = """\
## Charges

Completed infusions whose patients have a card on file, said all at once. From the first try's row
to the last stored payment; the run fails unless Stripe took each once.

- **the workers**: billing as it runs: a row committed before each call, claimed with a lease, many
  calls at a time, ledger and event with each outcome;
- **one by one**: what a consumer does that charges before it takes the next event. Two commits
  around each call, and nothing else kept.
"""

_WEBHOOKS = """\
## Webhooks

{clients} connections send a burst; one of {twice} notices is a repetition of the one before. The
run fails unless each is answered and kept once.

- **billing**: keeps the notice and leaves the question to Stripe to the workers; `worked on` counts
  until the last was answered;
- **in the request**: Stripe is asked and the answer stored before the notice is answered, with
  {connections} connections to the database.
"""

_SUPERBILLS = """\
## Superbills

`the whole path` runs from the try at the card to the last document: payment, the record redeemed,
superbill built, linted and numbered, superbill and receipt printed and sealed. Below it the
superbill's page alone, in one process.
"""

_LEDGER = """\
## The ledger

Its pages over HTTP, p50 / p99. Balances are kept nowhere, so each page sums over the transfers:
those of one patient, those on receivables, all of them.
"""


def write(results: Results) -> str:
    """The page."""
    found = results.measured
    return "\n".join(
        [
            _HEAD.format(ms=ANSWERS_IN_MS),
            *([QUICK] if results.quick else []),
            measured_on(results.at, results.took_s),
            table(("", "this machine"), results.machine.items()),
            _CHARGES,
            _charges(found.charges),
            _WEBHOOKS.format(clients=CLIENTS, twice=TWICE_EVERY, connections=CONNECTIONS),
            _webhooks(found.webhooks),
            _SUPERBILLS,
            _superbills(found.superbills),
            _LEDGER,
            _ledger(found.ledgers),
        ]
    )


def _charges(found: Charges) -> str:
    rows = (
        ("the workers", *of_rate(found.workers)),
        ("one by one", *of_rate(found.one_by_one)),
    )
    return table(("way", "charges/s", "least to most"), rows) + (
        f"\nThe workers charge **{found.ratio:.1f} times** as fast.\n"
    )


def _webhooks(found: Webhooks) -> str:
    rows = (
        ("billing", *_answered(found.billing), f"{found.worked.median:,.0f}"),
        ("in the request", *_answered(found.in_request), "when answered"),
    )
    return (
        table(("way", "answered/s", "least to most", "p50", "p99", "worked on/s"), rows)
        + f"\nBilling answers **{found.ratio:.1f} times** as many in a second.\n"
    )


def _answered(found: Answered) -> tuple[str, ...]:
    return (*of_rate(found.rate), *of_delay(found.delay))


def _superbills(found: Superbills) -> str:
    rows = (
        ("the whole path", *of_rate(found.whole)),
        (f"PDF/A-3a and PDF/UA-1, {AT_ONCE} at a time", *of_rate(found.archived)),
        ("the same, one at a time", *of_rate(found.one_at_a_time)),
        (f"a PDF of no standard, {AT_ONCE} at a time", *of_rate(found.plain)),
    )
    return table(("", "documents/s", "least to most"), rows) + (
        f"\nA superbill is a file of {found.kb:.0f} KiB.\n"
    )


def _ledger(found: Ledgers) -> str:
    head = ("transfers", "a patient's balance", "aged receivables", "trial balance")
    return table(head, (_looked(found.small), _looked(found.large))) + (
        f"\nWith {found.large.transfers / found.small.transfers:,.0f} times the transfers a"
        f" patient's balance takes **{found.balance_ratio:.2f} times** as long.\n"
    )


def _looked(found: Looked) -> tuple[str, ...]:
    delays = (found.balance, found.aged, found.trial)
    shown = (f"{delay.p50_ms:,.0f} / {delay.p99_ms:,.0f} ms" for delay in delays)
    return (f"{found.transfers:,}", *shown)
