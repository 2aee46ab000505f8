"""No way around a limit: every route that goes to a model, whole and streamed, against every kind of limit."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from tests.fakes.forms import FORM_LINE, form
from tests.fakes.inside import provider
from tests.fakes.stored import Asking
from tests.pipeline.test_leases import PRICED, Governed

from asbru.app.snapshot import Snapshot
from asbru.dialects import Dialect, Operation, discover
from asbru.edge.router import Route
from asbru.edge.surfaces import routes_of
from asbru.governance.entries import LimitEntry
from asbru.governance.ledger import Report
from asbru.storage import sqlite_url
from asbru.stored import ObjectRef

ROW = PRICED[0].rows[0]
DEAR = (
    msgspec.structs.replace(
        PRICED[0],
        rows=(msgspec.structs.replace(ROW, input=ROW.output),),
        units=dict.fromkeys(("page", "request", "image", "character"), ROW.output),
    ),
)
"""Input has its price too, and what is charged by the piece."""
FREE = ("requests", "concurrency")
"""What a count of tokens is limited by: it costs nothing."""
KEPT = {"openai_chat": ("files", "batches"), "anthropic_messages": ("message_batches",)}
STORED_ROUTES = [route for route in routes_of(discover().values()) if route.kind == "object"]
OBJECT_ROUTES = [one for one in STORED_ROUTES if one.operation and one.operation.stored and one.dialect.name in KEPT]
RESPONSE_ROUTES = [one for one in STORED_ROUTES if one not in OBJECT_ROUTES]
"""Of what Asbru itself keeps: no provider is asked."""
KINDS = ("file", "batch", "message_batch")
METRICS = ("cost", "tokens", "input_tokens", "output_tokens", *FREE)
ROUTES = [
    (route.dialect, route.operation, route.path, stream)
    for route in routes_of(discover().values())
    if route.kind == "call" and route.operation is not None
    for stream in ((False, True) if route.operation.streams else (False,))
]
PASSED = [
    (dialect, operation, re.sub(r"\{\w+\}", "m", f"/passthrough/x{operation.path.partition('?')[0]}"), stream)
    for dialect in discover().values()
    for operation in dialect.operations
    if operation.takes == "json" and operation.stored is None
    for stream in ((False, True) if operation.streams else (False,))
]
"""The same operations asked on their providers' own paths."""
UNKNOWN = [(name, method, "things") for name in discover() for method in ("GET", "POST", "PUT", "PATCH", "DELETE")]
FORMS = sorted(
    {
        (name, "POST", operation.path.partition("?")[0].strip("/"))
        for name, dialect in discover().items()
        for operation in dialect.operations
        if operation.takes in ("form", "json_or_form") and operation.stored is None
    }
)
"""Bodies of passthrough that Asbru does not read: those of forms, which may name any model."""


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
    model = "m" if path.startswith("/passthrough") else "x/m"
    path = re.sub(r"\{\w+\}", "p", path.replace("{publisher}", "google").replace("{model}", model))
    if operation.path.startswith("/models/{model}:"):
        return _ask_gemini(governed, path)
    if operation.path.startswith("/model/"):
        return _ask_bedrock(governed, path)
    body = {"model": model, "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}], "prompt": "hi"}
    body |= {"version": model, "model_id": model}
    if operation.surface == "text-to-speech":
        body["text"] = "hi"
    caller = governed.play(governed.inside.call(path, {**body, "input": "hi", "stream": stream}))
    return caller.status if caller.answer else 0


def _ask_bedrock(governed: Governed, path: str) -> int:
    """The same of a dialect whose model and wish for a stream stand in the path."""
    body = {"messages": [{"role": "user", "content": [{"text": "hi"}]}], "inferenceConfig": {"maxTokens": 5}}
    if "/invoke" in path:
        messages = [{"role": "user", "content": "hi"}]
        body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": messages}
    body = {"input": {"converse": body}} if path.endswith("count-tokens") else body
    caller = governed.play(governed.inside.call(path, body))
    return caller.status if caller.answer else 0


def _ask_gemini(governed: Governed, path: str) -> int:
    """The same of a dialect whose model and wish for a stream stand in the path."""
    content = {"parts": [{"text": "hi"}]}
    body = {"contents": [content], "generationConfig": {"maxOutputTokens": 5}}
    if "mbed" in path:
        body = {"content": content} if path.endswith("embedContent") else {"requests": [{"content": content}]}
    caller = governed.play(governed.inside.call(path, body))
    return caller.status if caller.answer else 0


@pytest.mark.parametrize(("dialect", "operation", "path", "stream"), ROUTES + PASSED)
def test_every_route_meets_every_limit(
    dialect: Dialect, operation: Operation, path: str, *, stream: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a limit that is used up the call is refused and nothing sent, its twin under one with room is sent."""
    operations = tuple(one.name for one in dialect.operations)
    snapshot = Snapshot(providers=(provider("x", dialect.name, prices=DEAR, operations=operations),))
    for metric in limits_of(operation):
        for full in (True, False):
            limit = LimitEntry(f"key/test/{metric}", metric, 10**9, "" if metric == "concurrency" else "1d")
            governed = Governed(monkeypatch, limit, snapshot=snapshot)
            governed.know(limit)
            if full:
                ledger, now_ms = governed.desk.ledger, governed.desk.now_ms
                ledger.settle("another", 1, [Report(limit.id, -1, limit.amount, 0, limit)], now_ms)
            status = ask(governed, operation, path, stream=stream)
            sent = any(transport.written for _, transport in governed.inside.upstreams)
            assert (status, sent) == ((402 if metric == "cost" else 429, False) if full else (0, True)), metric


@pytest.mark.parametrize(("dialect", "method", "path"), UNKNOWN + FORMS)
def test_an_unknown_path_meets_every_limit(
    dialect: str, method: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A limit that is used up refuses it, its twin with room does not; a budget refuses it always, for its cost is
    unknown."""
    snapshot = Snapshot(providers=(provider("x", dialect, prices=DEAR),))
    for metric in METRICS:
        for full in (True, False):
            limit = LimitEntry(f"key/test/{metric}", metric, 10**9, "" if metric == "concurrency" else "1d")
            governed = Governed(monkeypatch, limit, snapshot=snapshot)
            governed.know(limit)
            if full:
                ledger, now_ms = governed.desk.ledger, governed.desk.now_ms
                ledger.settle("another", 1, [Report(limit.id, -1, limit.amount, 0, limit)], now_ms)
            caller = governed.play(governed.inside.call(f"/passthrough/x/{path}", {"a": 1}, method=method))
            sent = any(transport.written for _, transport in governed.inside.upstreams)
            refused = 403 if metric == "cost" else 429 if full else 0
            assert (caller.status if caller.answer else 0, sent) == (refused, not refused), metric


@pytest.mark.parametrize("route", RESPONSE_ROUTES, ids=lambda route: f"{route.methods[0].decode()} {route.path}")
def test_stored_responses_meet_every_limit(route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    """They count as requests, though no provider is asked; here none are stored."""
    snapshot = Snapshot(providers=(provider("x", route.dialect.name),))
    for metric in FREE:
        for full in (True, False):
            limit = LimitEntry(f"key/test/{metric}", metric, 10**9, "" if metric == "concurrency" else "1d")
            governed = Governed(monkeypatch, limit, snapshot=snapshot)
            governed.know(limit)
            if full:
                ledger, now_ms = governed.desk.ledger, governed.desk.now_ms
                ledger.settle("another", 1, [Report(limit.id, -1, limit.amount, 0, limit)], now_ms)
            path = re.sub(r"\{\w+\}", "asbru_x", route.path)
            caller = governed.play(governed.inside.call(path, {}, method=route.methods[0].decode()))
            assert caller.status == (429 if full else 503), metric


@pytest.mark.parametrize("route", OBJECT_ROUTES, ids=lambda route: f"{route.methods[0].decode()} {route.path}")
def test_stored_objects_meet_every_limit(route: Route, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files and batches count as requests; what makes a provider use models has an unknown cost, which a budget
    refuses."""
    operation = route.operation
    assert operation is not None and operation.stored is not None
    asking = Asking(sqlite_url(tmp_path / "asbru.sqlite"))
    snapshot = Snapshot(
        providers=(provider("x", route.dialect.name, operations=("chat", *KEPT[route.dialect.name])),)
    )
    own = {kind: asking.objects.ids.seal(ObjectRef(kind, "x", f"{kind}-1", "x-1", "test")) for kind in KINDS}
    path = re.sub(r"\{\w+\}", own[operation.stored.kind], route.path)
    for metric in (*FREE, *(("cost",) if operation.stored.spends else ())):
        for full in (True, False):
            limit = LimitEntry(f"key/test/{metric}", metric, 10**9, "" if metric == "concurrency" else "1d")
            governed = Governed(monkeypatch, limit, snapshot=snapshot)
            governed.know(limit)
            rooms = governed.inside.door.rooms
            assert rooms is not None
            rooms.objects = asking.objects
            if full:
                ledger, now_ms = governed.desk.ledger, governed.desk.now_ms
                ledger.settle("another", 1, [Report(limit.id, -1, limit.amount, 0, limit)], now_ms)
            method = route.methods[0].decode()
            caller = governed.play(governed.inside.call(path, {"input_file_id": own["file"]}, method=method))
            sent = any(transport.written for _, transport in governed.inside.upstreams)
            refused = 403 if metric == "cost" else 429 if full else 0
            listed = 200 if operation.stored.act == "list" and not refused else 0
            assert (caller.status if caller.answer else 0) == (refused or listed), metric
            assert sent == (not refused and not listed), metric
    asking.close()
