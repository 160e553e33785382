"""Search by metadata, status and customer: `metadata['attempt_id']:'a1' AND status:'succeeded'`."""

from __future__ import annotations

import re

from deploy.local.outside.stripe.errors import invalid
from deploy.local.outside.stripe.objects import Object
from deploy.local.outside.stripe.params import Params

_CLAUSE = re.compile(
    r"""\s*(?:metadata\[(['"])(?P<key>.+?)\1\]|(?P<field>status|customer|currency))"""
    r"""\s*:\s*(['"])(?P<value>.*?)\4\s*"""
)
_AND = re.compile(r"\s+and\s+", re.IGNORECASE)


def search(shelf: dict[str, Object], params: Params, url: str) -> Object:
    """Every object that matches all clauses, newest first."""
    query = params.needed("query")
    limit = params.integer("limit") or 10
    page = params.integer("page") or 0
    params.ignore("expand")
    params.done()
    found = list(reversed(shelf.values()))
    for clause in _AND.split(query):
        match = _CLAUSE.fullmatch(clause)
        if match is None:
            raise invalid(f"We were unable to parse your search query: {clause}", param="query")
        key, field, value = match["key"], match["field"], match["value"]
        found = [
            item
            for item in found
            if (item["metadata"].get(key) if key is not None else item[field]) == value
        ]
    shown = found[page * limit : (page + 1) * limit]
    has_more = len(found) > (page + 1) * limit
    return {
        "object": "search_result",
        "url": url,
        "has_more": has_more,
        "data": shown,
        "next_page": str(page + 1) if has_more else None,
        "total_count": len(found),
    }
