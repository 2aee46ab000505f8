"""The span of time that a request asks about: query parameters `since_ms` and `until_ms`, of which the second is not
part of it. By default it is the last 24 hours.
"""

from __future__ import annotations

import time
from typing import Annotated, NamedTuple

from fastapi import Query

from asbru.core.errors import BadRequest

DAY_MS = 86_400_000

Moment = Annotated[int | None, Query(ge=0, le=10**14, description="Unix milliseconds.")]


class Span(NamedTuple):
    """Unix milliseconds."""

    since_ms: int
    until_ms: int


def read_span(since_ms: int | None, until_ms: int | None) -> Span:
    """The span that is asked about; raises `BadRequest` (422) for one that ends before it begins."""
    until = int(time.time() * 1000) if until_ms is None else until_ms
    since = max(0, until - DAY_MS) if since_ms is None else since_ms
    if since >= until:
        raise BadRequest(f"expected a `since_ms` before `until_ms`, got {since} and {until}", status=422)
    return Span(since, until)
