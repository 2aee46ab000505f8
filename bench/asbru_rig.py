"""Asbru's own path for `bench.micro`: real connections, parsers, path and counters; the transports are fakes.

One call is: the caller's bytes in, the provider's bytes in. Nothing is sent; what would be is counted, so that a
scenario that stops working is an error and not a saving.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import msgspec
import uvloop
from tests.fakes.ledgers import NOW_MS, Desk

from asbru.app.build import build_rooms, declare
from asbru.app.lasting import Lasting
from asbru.app.snapshot import KeyFacts, ProviderFacts, Snapshot
from asbru.catalog import PricedModel
from asbru.catalog.prices import MatchClause
from asbru.core.money import PriceRow
from asbru.core.secret_text import SecretText
from asbru.core.usage import Usage
from asbru.edge.door import Door
from asbru.edge.server import Server, ServerConnection, ServerLimits
from asbru.governance import VIRTUAL_KEY, digest_of, write_virtual_key
from asbru.governance.entries import OWNER, KeyEntry, LimitEntry, OwnerEntry
from asbru.governance.ledger import Answer, Claim, Ledger, MemoryBooks, Report, Slice
from asbru.governance.ledger.ledger import is_sliding
from asbru.pipeline.limit_headers import LimitHeaderLines
from asbru.records import usage_columns
from asbru.records.row import NO_CACHE, NO_UNITS
from asbru.telemetry import Meter
from asbru.upstream.connection import UpstreamConnection

_PEPPER = b"micro"
_KEY = b"sk-asb-bench"
_PRICE = PriceRow(150_000_000, 600_000_000, 150_000_000, 150_000_000, 150_000_000, 0, 0)
_FLUSH_S = 1.0
KEY_COUNT, TEAM_COUNT = 100, 10
"""Of the rig with many keys; as the target `asbru_governed` has them."""


class FakeTransport:
    """Takes everything, keeps nothing but the count."""

    def __init__(self) -> None:
        self.written = 0

    def write(self, data: bytes) -> None:
        """One write."""
        self.written += 1

    def writelines(self, pieces: Any) -> None:
        """One write of several pieces."""
        self.written += 1

    def is_closing(self) -> bool:
        """Never."""
        return False

    def close(self) -> None:
        """Nothing to close."""

    def abort(self) -> None:
        """A path that gives up is a broken scenario."""
        raise AssertionError("the path gave up")

    def pause_reading(self) -> None:
        """Nothing to pause."""

    def resume_reading(self) -> None:
        """Nothing to resume."""


class RowCount:
    """Stands in for the record writer: counts rows, and checks that each call was served."""

    def __init__(self) -> None:
        self.rows = 0

    def add(self, row: tuple[object, ...]) -> None:
        """One row; its status must be 200."""
        assert row[10] == 200, row
        self.rows += 1


class GenerousLedger(Ledger):
    """Gives whatever is wished and keeps no books: what is counted is the worker's work, not the ledger's."""

    def __init__(self) -> None:
        super().__init__(MemoryBooks())

    def take(self, holder: str, asks: Sequence[Sequence[Claim]], now_ms: int) -> list[Answer]:
        """A slice for each claim, good until its bucket ends, or for an hour of a budget."""
        del holder
        return [Answer(tuple([_slice(claim, now_ms) for claim in claims])) for claims in asks]

    def settle(self, holder: str, number: int, reports: Sequence[Report], now_ms: int) -> None:
        """Nothing is written."""


def _slice(claim: Claim, now_ms: int) -> Slice:
    sliding = is_sliding(claim.limit)
    start_ms = now_ms // 1000 * 1000 if sliding else NOW_MS
    until_ms = start_ms + 1000 if sliding else NOW_MS + 3_600_000
    return Slice(claim.key, start_ms, claim.need + claim.wish, until_ms - now_ms, 0, 0 if sliding else until_ms)


class Rig:
    """A door with one caller's connection and one provider's. `dialect` is the provider's. `desk`: the limits, whose
    ledger is in memory; with it the key, its team and its customer each have a budget and two rate limits. `keys`: how
    many there are, in teams, each with a connection of its own."""

    def __init__(self, dialect: str, desk: Desk | None = None, keys: int = 1) -> None:
        loop = uvloop.new_event_loop()
        asyncio.set_event_loop(loop)
        self.rows = RowCount()
        facts = ProviderFacts(
            name="bench",
            kind="custom",
            dialect=dialect,
            base_url="http://127.0.0.1:1/v1",
            keys=(KeyFacts(name="k", value=SecretText("sk-up")),),
            allow_loopback=True,
            prices=(PricedModel("bench", MatchClause("starts_with", "gpt"), (_PRICE,)),) if desk else (),
        )
        snapshot = Snapshot(providers=(facts,), pepper=SecretText(_PEPPER.hex()))
        rows: Any = self.rows
        lasting = Lasting(loop, rows, Meter(), limits=desk.limits if desk else None)
        for _ in declare(snapshot, _entries(keys, limited=desk is not None), lasting):
            pass
        self.door = Door(lasting.dialects.values(), lambda: False, lambda reply: reply(b""), "micro")
        self.door.rooms = build_rooms(snapshot, lasting)
        self.pool = self.door.rooms.endpoints["bench"].pool
        transport: Any = FakeTransport()
        self.provider = UpstreamConnection(self.pool)
        self.provider.connection_made(transport)
        self.pool.release(self.provider)
        if desk is not None:
            self.door.rooms.limit_headers = LimitHeaderLines(desk.limits, lambda: desk.now_ms / 1000)
        server = Server(loop, ServerLimits(), self.door.handle, header_prefixes=lasting.header_prefixes)
        self.callers = [ServerConnection(server) for _ in range(keys)]
        for caller in self.callers:
            caller.connection_made(transport)
        self.caller = self.callers[0]


class Traffic:
    """Governed calls that come `call_s` apart, by the clock of the limits."""

    def __init__(self, desk: Desk, call_s: float) -> None:
        self._desk = desk
        self._call_s = call_s
        self._flush_at_s = desk.now_s + _FLUSH_S

    def serve_ledger(self) -> None:
        """Between two calls: time passes, the ledger answers, and once a second what is due is done."""
        desk = self._desk
        desk.now_s += self._call_s
        if desk.loop.soon or desk.link.questions:
            desk.answer()
        if desk.now_s >= self._flush_at_s:
            self._flush_at_s += _FLUSH_S
            desk.flush()


def key_of(number: int) -> bytes:
    """The virtual key of a number; all have the same length."""
    return b"%b%04d" % (_KEY, number)


def _entries(keys: int, *, limited: bool) -> dict[str, dict[str, bytes]]:
    """The keys, and with limits the owners above them."""
    encode = msgspec.msgpack.encode
    if not limited:
        return {VIRTUAL_KEY: {digest_of(key_of(0), _PEPPER): write_virtual_key("bench", ("*",))}}
    teams = [f"team/t{number}" for number in range(min(keys, TEAM_COUNT))]
    entries = {
        digest_of(key_of(number), _PEPPER): encode(
            KeyEntry(
                f"bench-{number}",
                ("*",),
                owner_id=f"key/bench-{number}",
                parent=teams[number % TEAM_COUNT],
                limits=_limits(f"key/bench-{number}"),
            )
        )
        for number in range(keys)
    }
    owners = {team: encode(OwnerEntry(team[5:], parent="customer/c", limits=_limits(team))) for team in teams}
    customer = encode(OwnerEntry("c", limits=_limits("customer/c")))
    return {VIRTUAL_KEY: entries, OWNER: {**owners, "customer/c": customer}}


def _limits(owner: str) -> tuple[LimitEntry, ...]:
    return (
        LimitEntry(f"{owner}/cost/1M", "cost", 10**15, "1M"),
        LimitEntry(f"{owner}/requests/1m", "requests", 10**12, "1m"),
        LimitEntry(f"{owner}/tokens/1m", "tokens", 10**12, "1m"),
    )


def record_batch(rows: int, mark: str) -> bytes:
    """Records of good calls by as many callers, packed as a worker sends them; `mark` is part of each id."""
    usage = Usage(input=184, cache_read=128, output=1874)
    return msgspec.msgpack.encode(
        [
            (
                *(
                    f"req_019a3f1c2d0{mark}{number:x}",
                    1762077600000 + number,
                    "openai.chat",
                    f"bench-{number}",
                    "bench",
                ),
                *(
                    "bench/gpt-4o-mini",
                    "gpt-4o-mini",
                    "k",
                    1,
                    "",
                    200,
                    "ok",
                    "",
                    "",
                    *usage_columns(usage),
                    "provider",
                ),
                *(
                    1_234_567,
                    43_210 + number,
                    None,
                    False,
                    True,
                    "",
                    1712,
                    10240,
                    f"team-{number % 10}",
                    "bench",
                    "",
                    True,
                ),
                *("", *NO_UNITS, "", *NO_CACHE, "", "", "", ""),
            )
            for number in range(rows)
        ]
    )


def answer_bytes() -> bytes:
    """A whole OpenAI answer of about 10 KB with the headers that OpenAI sends."""
    text = "The gateway forwards what it is given, counts it, and keeps out of the way. " * 124
    body = json.dumps(
        {
            "id": "chatcmpl-Micro",
            "object": "chat.completion",
            "created": 1762077600,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": text, "refusal": None, "annotations": []},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": 312,
                "completion_tokens": 1874,
                "total_tokens": 2186,
                "prompt_tokens_details": {"cached_tokens": 128, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
            },
            "service_tier": "default",
            "system_fingerprint": "fp_micro",
        },
        separators=(",", ":"),
    ).encode()
    return whole_of(body)


def _head(framing: bytes) -> bytes:
    names = ("limit-requests", "limit-tokens", "remaining-requests", "remaining-tokens", "reset-requests")
    limits = b"".join(b"x-ratelimit-%b: 29999\r\n" % name.encode() for name in names)
    return (
        b"HTTP/1.1 200 OK\r\nDate: Mon, 02 Nov 2026 10:00:00 GMT\r\nConnection: keep-alive\r\n"
        b"Server: cloudflare\r\nopenai-processing-ms: 412\r\nopenai-version: 2020-10-01\r\n"
        b"x-request-id: req_0a1b2c3d4e5f60718293a4b5c6d7e8f9\r\nCF-RAY: 8f00\r\n" + limits + framing + b"\r\n"
    )


def stream_pieces(events: int) -> list[bytes]:
    """A streamed OpenAI answer as it arrives: the head with the first event, each event alone, the end."""
    event = (
        b'data: {"id":"chatcmpl-Micro","object":"chat.completion.chunk","created":1762077600,"model":"gpt-4o-mini",'
    )
    body = [
        event
        + b'"choices":[{"index":0,"delta":{"content":"word %d "},"logprobs":null,"finish_reason":null}]}\n\n' % one
        for one in range(events)
    ]
    body.append(event + b'"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
    return stream_of(body)


def whole_of(body: bytes) -> bytes:
    """A whole response as it arrives."""
    return _head(b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body)) + body


def stream_of(events: list[bytes], type_line: bytes = b"content-type: text/event-stream\r\n") -> list[bytes]:
    """A streamed response as it arrives: the head with the first event, each event alone, the end."""
    chunks = [b"%x\r\n%b\r\n" % (len(data), data) for data in events]
    head = _head(type_line + b"transfer-encoding: chunked\r\n")
    return [head + chunks[0], *chunks[1:], b"0\r\n\r\n"]


def anthropic_stream_pieces(events: int) -> list[bytes]:
    """A streamed Anthropic answer as it arrives: the head with the start, each delta alone, the end."""

    def event(kind: str, **members: Any) -> bytes:
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.dumps({"type": kind, **members}).encode())

    message = {
        "id": "msg_micro",
        "type": "message",
        "role": "assistant",
        "model": "claude-haiku-4-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 184, "cache_read_input_tokens": 128, "output_tokens": 1},
    }
    start = event("message_start", message=message)
    start += event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    deltas = [
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": f"word {one} "})
        for one in range(events)
    ]
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    end = event("content_block_stop", index=0)
    end += event("message_delta", delta=stop, usage={"output_tokens": events}) + event("message_stop")
    return stream_of([start, *deltas, end])


def anthropic_answer_bytes() -> bytes:
    """A whole Anthropic answer of about 10 KB."""
    text = "The gateway forwards what it is given, counts it, and keeps out of the way. " * 124
    body = json.dumps(
        {
            "id": "msg_micro",
            "type": "message",
            "role": "assistant",
            "model": "claude-haiku-4-5",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 184, "cache_read_input_tokens": 128, "output_tokens": 1874},
        }
    ).encode()
    return whole_of(body)
