"""Finding objects: one by id, or a page of them, newest first."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from deploy.local.outside.stripe.errors import invalid, no_such
from deploy.local.outside.stripe.objects import Object
from deploy.local.outside.stripe.params import Params

_LONGEST_PAGE = 100


def find(shelf: dict[str, Object], noun: str, object_id: str, *, param: str = "id") -> Object:
    """One object. As a parameter of another call its absence is a 400, as an address a 404."""
    found = shelf.get(object_id)
    if found is None:
        raise no_such(noun, object_id, param=param, status=404 if param == "id" else 400)
    return found


def listed(
    shelf: dict[str, Object],
    params: Params,
    url: str,
    *by: str,
    keep: Callable[[Object], bool] = lambda _object: True,
) -> Object:
    """One page, newest first, as `limit`, `starting_after`, `ending_before` and `created` ask.

    Of the fields `by` an object has what the call gives, where it gives anything.
    """
    since = within(params, "created")
    wanted = {field: value for field in by if (value := params.text(field)) is not None}
    found = [
        item
        for item in shelf.values()
        if since(item) and all(item[name] == value for name, value in wanted.items()) and keep(item)
    ]
    return paged(found, params, url)


def paged(oldest_first: Iterable[Object], params: Params, url: str) -> Object:
    """One page of what is left after every other parameter was taken."""
    limit = params.integer("limit")
    after, before = params.text("starting_after"), params.text("ending_before")
    params.done()
    limit = 10 if limit is None else limit
    if not 1 <= limit <= _LONGEST_PAGE:
        raise invalid("limit must be between 1 and 100", param="limit")
    found = list(oldest_first)[::-1]
    ids = [item["id"] for item in found]
    if after is not None:
        found = found[ids.index(after) + 1 :] if after in ids else []
    elif before is not None:
        found = found[: ids.index(before)] if before in ids else []
        return _page(found[-limit:], url, has_more=len(found) > limit)
    return _page(found[:limit], url, has_more=len(found) > limit)


def _page(data: list[Object], url: str, *, has_more: bool) -> Object:
    return {"object": "list", "url": url, "has_more": has_more, "data": data}


def within(params: Params, field: str) -> Callable[[Object], bool]:
    """Whether a unix time of an object's lies within the bounds that a call gives for it."""
    bounds = params.group(field)
    if bounds is None:
        return lambda _object: True
    gt, gte = bounds.integer("gt"), bounds.integer("gte")
    lt, lte = bounds.integer("lt"), bounds.integer("lte")
    bounds.done()
    return lambda item: (
        (gt is None or item[field] > gt)
        and (gte is None or item[field] >= gte)
        and (lt is None or item[field] < lt)
        and (lte is None or item[field] <= lte)
    )
