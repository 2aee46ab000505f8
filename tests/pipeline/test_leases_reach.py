"""No way around a limit: every route that goes to a model, whole and streamed, against every kind of limit."""

from __future__ import annotations

import msgspec
import pytest
from tests.fakes.forms import FORM_LINE, form
from tests.fakes.inside import provider
from tests.pipeline.test_leases import PRICED, Governed

from asbru.app.snapshot import Snapshot
from asbru.dialects import Dialect, Operation, discover
from asbru.edge.surfaces import routes_of
from asbru.governance.entries import LimitEntry
from asbru.governance.ledger import Report

ROW = PRICED[0].rows[0]
DEAR = (
    msgspec.structs.replace(
        PRICED[0],
        rows=(msgspec.structs.replace(ROW, input=ROW.output),),
        units={"page": ROW.output, "request": ROW.output},
    ),
)
"""Input has its price too, and what is charged by the piece."""
FREE = ("requests", "concurrency")
"""What a count of tokens is limited by: it costs nothing."""
METRICS = ("cost", "tokens", "input_tokens", "output_tokens", *FREE)
ROUTES = [
    (route.dialect, route.operation, route.path, stream)
    for route in routes_of(discover().values())
    if route.operation is not None and route.dialect is not None
    for stream in ((False, True) if route.operation.streams else (False,))
]


def limits_of(operation: Operation) -> tuple[str, ...]:
    """The kinds of limits that an operation counts against."""
    if operation.write_count is not None:
        return FREE
    if not operation.by_token:
        return ("cost", *FREE)
    has_output = operation.speaks or operation.output_tokens_max is not None
    return METRICS if has_output else tuple(one for one in METRICS if one != "output_tokens")


def ask(governed: Governed, operation: Operation, path: str, *, stream: bool) -> int:
    """Call a route; the status, 0 while the provider has not answered."""
    if operation.takes == "form":
        fields = form(("model", "x/m"), ("stream", str(stream).lower()), ("file", ("f", b"x")))
        caller = governed.play(governed.inside.call(path, fields, FORM_LINE.encode()))
        return caller.status if caller.answer else 0
    body = {"model": "x/m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}], "prompt": "hi"}
    caller = governed.play(governed.inside.call(path, {**body, "input": "hi", "stream": stream}))
    return caller.status if caller.answer else 0


@pytest.mark.parametrize(("dialect", "operation", "path", "stream"), ROUTES)
def test_every_route_meets_every_limit(
    dialect: Dialect, operation: Operation, path: str, *, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a limit that is used up the call is refused and nothing sent, its twin under one with room is sent."""
    operations = tuple(one.name for one in dialect.operations)
    snapshot = Snapshot(providers=(provider("x", dialect.name, prices=DEAR, operations=operations),))
    for metric in limits_of(operation):
        for full in (True, False):
            limit = LimitEntry(f"key/test/{metric}", metric, 10**9, "" if metric == "concurrency" else "1d")
            governed = Governed(monkeypatch, limit)
            governed.inside.load(snapshot)
            governed.know(limit)
            if full:
                ledger, now_ms = governed.desk.ledger, governed.desk.now_ms
                ledger.settle("another", 1, [Report(limit.id, -1, limit.amount, 0, limit)], now_ms)
            status = ask(governed, operation, path, stream=stream)
            sent = any(transport.written for _, transport in governed.inside.upstreams)
            assert (status, sent) == ((402 if metric == "cost" else 429, False) if full else (0, True)), metric
