"""What a failure means: trouble that passes, or a bug of ours.

The seam and the workers judge by the same words, so that a locked table parks neither an event nor
a piece of work. `Poison` says by itself what it is; a database that is away is `db.unreachable`.
"""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError

from shared.db import sqlstate
from shared.errors import PracticeError, Retry

_PASSING = {
    "40001": "lost_races",  # serialization failure
    "40P01": "lost_races",  # deadlock
    "55P03": "lock_not_available",
    "57014": "query_canceled",  # by statement_timeout, or by whoever looks after the database
}
"""SQLSTATEs of PostgreSQL after which the same statements may succeed, unchanged."""


def passing(error: BaseException) -> str | None:
    """The code of trouble that may be over at the next try; `None` for anything else."""
    if isinstance(error, Retry):
        return error.code
    return _PASSING.get(sqlstate(error) or "") if isinstance(error, DBAPIError) else None


def reason_of(error: Exception) -> str:
    """A word for what went wrong that may be stored and shown."""
    if isinstance(error, PracticeError):
        return error.code
    return passing(error) or f"bug:{type(error).__name__}"
