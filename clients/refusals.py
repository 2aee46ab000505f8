"""Refusals as Asbru puts them for the client that asks, from a server that does nothing else.

What agents make of them is measured with the very bytes that a caller would get, whatever the reason for the refusal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.fakes.upstream import FakeUpstream, Reply, Seen

from asbru.core.errors import AsbruError, BudgetExceeded, Forbidden, Overloaded, RateLimited
from asbru.dialects import Dialect
from asbru.pipeline.call import Call
from asbru.pipeline.deliver import refuse
from asbru.wire.forwarded import TO_ANY_DIALECT, ForwardedHeaders

CALLS_MAX = 2
RESET = "2027-01-01T00:00:00Z"

REFUSALS: dict[str, AsbruError] = {
    "budget": BudgetExceeded(
        f"the budget of team 'blue' is spent: 10.00 of 10.00 USD; resets at {RESET}", retry_after_s=9999
    ),
    "rate": RateLimited(f"team 'blue' has made 60 of 60 requests in 1m; resets at {RESET}", retry_after_s=2),
    "shed": Overloaded(f"4096 calls are in flight; try again shortly, at {RESET}", retry_after_s=1),
    "model": Forbidden(
        f"this key may not use the model 'a/b'; it may use 'a/c' until {RESET}", code="model_not_allowed"
    ),
}


class _Heard:
    """The caller's side of a call that is refused."""

    started = False
    told: tuple[int, bytes, bytes]

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        self.told = (status, lines, body)


def _refused(dialect: Dialect, error: AsbruError, seen: Seen) -> Reply:
    """The very answer that Asbru gives to the client that sent `seen`."""
    heard: Any = _Heard()
    operation = dialect.operation("chat")
    assert operation is not None
    call = Call(dialect.surface.name, operation, dialect, seen.body, heard)
    call.forwarded = ForwardedHeaders([(TO_ANY_DIALECT, b"user-agent", seen.headers["user-agent"].encode())])
    refuse(call, error)
    status, lines, body = heard.told
    headers = dict(line.split(": ", 1) for line in lines.decode().splitlines())
    return Reply(status, (body,), headers)


@contextmanager
def refusing(dialect: Dialect, error: AsbruError) -> Iterator[tuple[str, list[str]]]:
    """A server that refuses every call: its URL, and the paths that were called. Lists of models are open."""
    asked: list[str] = []

    def answer(seen: Seen) -> Reply:
        if seen.method != "POST":
            return Reply(200, (json.dumps({"object": "list", "data": []}).encode(),), {})
        asked.append(seen.path)
        return _refused(dialect, error, seen)

    with FakeUpstream() as gateway:
        gateway.otherwise = answer
        yield gateway.url, asked
