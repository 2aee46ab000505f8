"""What `bench.micro` counts: named scenarios, each a function that makes one call with nothing around it.

A scenario prepares itself once (outside the count: the same for every N, so it cancels out) and returns the
function to repeat. Real parsers and protocol objects, fake transports, no sockets, no clock in the loop.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

from bench import payloads

if TYPE_CHECKING:
    from bench.asbru_rig import Rig, RowCount

Call = Callable[[], None]
SCENARIOS: dict[str, Callable[[], Call]] = {}


def scenario(build: Callable[[], Call]) -> Callable[[], Call]:
    """Registers a scenario under the name of its function."""
    SCENARIOS[build.__name__] = build
    return build


def bench_request(key: bytes = b"sk-asb-bench0000") -> bytes:
    """The plain request of the benchmark as it stands on the wire."""
    body = payloads.body("bench/gpt-4o-mini", payloads.Shape())
    head = payloads.head("/v1/chat/completions", {})
    return head.replace(b"{KEY}", key).replace(b"{LEN}", str(len(body)).encode()) + body


class _Sink:
    """Takes what llhttp hands out, as a server connection does, and counts to prove that it happened."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.complete = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header as spelled."""
        self.headers.append((name, value))

    def on_body(self, data: bytes) -> None:
        """One piece of the body."""
        self.body.append(data)

    def on_message_complete(self) -> None:
        """The request is whole: forget it."""
        self.complete += 1
        self.headers.clear()
        self.body.clear()


@scenario
def llhttp_request() -> Call:
    """llhttp parses the request of the benchmark on a kept-alive connection: the floor under every call."""
    import httptools

    sink = _Sink()
    parser = httptools.HttpRequestParser(sink)
    request = bench_request()

    def call() -> None:
        parser.feed_data(request)

    call()
    if sink.complete != 1:
        raise RuntimeError("the request of the benchmark was not parsed as one request")
    return call


@scenario
def pass_through() -> Call:
    """One whole call, OpenAI in and out: key, path, attempt, answer, usage, record, metrics."""
    from bench.asbru_rig import Rig, answer_bytes

    rig = Rig("openai_chat")
    request, response = bench_request(), answer_bytes()

    def call() -> None:
        rig.caller.data_received(request)
        rig.provider.data_received(response)

    _prove(call, rig.rows)
    return call


@scenario
def governed() -> Call:
    """The same under limits: a budget, requests and tokens per minute of the key, of its team and of its customer."""
    return _governed(1, call_s=0.0005)


@scenario
def governed_keys() -> Call:
    """The same for a hundred keys in ten teams, 5,000 calls a second: what a key has is used by few calls."""
    from bench.asbru_rig import KEY_COUNT

    return _governed(KEY_COUNT, call_s=0.0002)


def _governed(keys: int, *, call_s: float) -> Call:
    """Calls under limits, of so many keys in turn."""
    from tests.fakes.ledgers import Desk

    from bench.asbru_rig import GenerousLedger, Rig, Traffic, answer_bytes, key_of

    desk = Desk(GenerousLedger())
    rig = Rig("openai_chat", desk, keys)
    traffic = Traffic(desk, call_s)
    requests = [bench_request(key_of(number)) for number in range(keys)]
    turns = itertools.cycle(zip(rig.callers, requests, strict=True))
    response = answer_bytes()

    def call() -> None:
        caller, request = next(turns)
        caller.data_received(request)
        traffic.serve_ledger()
        rig.provider.data_received(response)

    for _ in range(int(2.5 / call_s)):
        call()  # until slices are as large as the traffic wants them
    _prove(call, rig.rows)
    return call


@scenario
def traced() -> Call:
    """The same with tracing on, for a caller without a trace: of a hundred calls one is sampled, its spans are made."""
    from asbru.telemetry.tracing import Tracer
    from bench.asbru_rig import Rig, answer_bytes

    rig = Rig("openai_chat")
    assert rig.door.rooms is not None
    rig.door.rooms.tracer = Tracer(0.01, ("tracecontext", "b3"), lambda _: None)
    request, response = bench_request(), answer_bytes()

    def call() -> None:
        rig.caller.data_received(request)
        rig.provider.data_received(response)

    _prove(call, rig.rows)
    return call


@scenario
def cache_hit() -> Call:
    """The same call, asked before: served from the memory of the worker, and nothing is sent."""
    from asbru.cache import CacheSettings, Flights, MemoryStore
    from asbru.pipeline.caching import Caching
    from bench.asbru_rig import Rig, answer_bytes

    rig = Rig("openai_chat")
    rooms = rig.door.rooms
    assert rooms is not None
    rooms.cache = Caching(MemoryStore(1 << 20), Flights(rooms.loop.call_later, rooms.loop.call_soon))
    rooms.cache.configure(CacheSettings(enabled=True))
    request = bench_request()
    rig.caller.data_received(request)
    rig.provider.data_received(answer_bytes())

    def call() -> None:
        rig.caller.data_received(request)

    _prove(call, rig.rows)
    if not rooms.cache.counts["hit"]:
        raise RuntimeError("the call was not served from the cache")
    return call


@scenario
def pass_through_strange() -> Call:
    """The same for a caller whose heads are never known: it writes a new trace id into each."""
    from bench.asbru_rig import Rig, answer_bytes

    rig = Rig("openai_chat")
    head, mark, rest = bench_request().partition(b"Content-Length")
    line = b"traceparent: 00-4bf92f3577b34da6a3ce929d%08x-00f067aa0ba902b7-01\r\n"
    requests = [head + line % number + mark + rest for number in range(5_000)]
    response = answer_bytes()
    turns = itertools.cycle(requests)

    def call() -> None:
        rig.caller.data_received(next(turns))
        rig.provider.data_received(response)

    _prove(call, rig.rows)
    return call


@scenario
def stream_of_50() -> Call:
    """One streamed call of 50 events, OpenAI in and out."""
    from bench.asbru_rig import Rig, stream_pieces

    return _streamed(Rig("openai_chat"), stream_pieces(50))


@scenario
def stream_passed_on() -> Call:
    """The same for a caller that asks for usage itself: nothing has to be looked at, every chunk goes on as it is."""
    from bench.asbru_rig import Rig, stream_pieces

    return _streamed(Rig("openai_chat"), stream_pieces(50), b'"stream":true,"stream_options":{"include_usage":true},')


@scenario
def translated() -> Call:
    """One whole call, OpenAI in, Anthropic out."""
    from bench.asbru_rig import Rig, anthropic_answer_bytes

    rig = Rig("anthropic_messages")
    request, response = bench_request(), anthropic_answer_bytes()

    def call() -> None:
        rig.caller.data_received(request)
        rig.provider.data_received(response)

    _prove(call, rig.rows)
    return call


@scenario
def translated_stream() -> Call:
    """One streamed call of 50 deltas, OpenAI in, Anthropic out."""
    from bench.asbru_rig import Rig, anthropic_stream_pieces

    return _streamed(Rig("anthropic_messages"), anthropic_stream_pieces(50))


@scenario
def tool_call() -> Call:
    """One call to a tool over /mcp, caller and server of the stateless era, the result as JSON."""
    from bench.tool_rig import ToolRig, request, response

    rig = ToolRig()
    asked, answer = request(), response()

    def call() -> None:
        rig.caller.data_received(asked)
        rig.server.data_received(answer)

    _prove(call, rig.rows)
    return call


@scenario
def record_kept() -> Call:
    """One record in the bookkeeper, of a hundred callers and 5,000 calls a second: a hundred are written at a time, and
    folded into the sums."""
    import atexit
    import shutil
    import tempfile
    from pathlib import Path

    from asbru.records.store import RecordStore
    from asbru.records.upkeep import Upkeep
    from asbru.storage import DATABASE_NAME, sqlite_url
    from bench.asbru_rig import record_batch

    many, mark = 100, b"00000000"
    folder = Path(tempfile.mkdtemp(prefix="asbru-micro-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    url = sqlite_url(folder / DATABASE_NAME)
    upkeep = Upkeep(url)
    store = RecordStore(url, on_written=lambda _: upkeep.tell_written())
    store.open()
    batch = record_batch(many, mark.decode())
    count = itertools.count(1)

    def call() -> None:
        number = next(count)
        if number % many == 0:
            now_s = number / 5_000
            store.keep(batch.replace(mark, b"%08x" % number))
            store.commit(now_s)
            upkeep.commit(now_s)

    for _ in range(many):
        call()
    if store.written != many:
        raise RuntimeError("the records were not written")
    return call


def _streamed(rig: Rig, pieces: list[bytes], more: bytes = b'"stream":true,') -> Call:
    """The benchmark's request with `more` members, answered by `pieces`, each in a read of its own."""
    request = bench_request().replace(b'"messages"', more + b'"messages"', 1)
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length")]
    request = b"\r\n".join([*lines, b"content-length: %d" % len(body)]) + b"\r\n\r\n" + body

    def call() -> None:
        rig.caller.data_received(request)
        for piece in pieces:
            rig.provider.data_received(piece)

    _prove(call, rig.rows)
    return call


def _prove(call: Call, rows: RowCount) -> None:
    """A scenario that serves nothing must fail, not look cheap."""
    before = rows.rows
    call()
    assert rows.rows == before + 1, "the scenario's call was not served"
