"""What we own by owning HTTP/1.1, seen by callers: framing, smuggling, pipelining, versions, upgrades, codings."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest
from tests.fakes.upstream import FakeUpstream, Reply, compress
from tests.fakes.waiting import until
from tests.journeys.caller import KEY, Caller, HungUp, chunked, request
from tests.journeys.gateway import Gateway, openai
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, CHAT_STREAM, CHAT_STREAM_SHOWN, MESSAGES_PATH, chat

from asbru.app.snapshot import Limits

NOWHERE = "http://127.0.0.1:9"
BODY = json.dumps(chat()).encode()
AUTH = f"Authorization: Bearer {KEY}"


def raw(*lines: str, body: bytes = b"", first: str = f"POST {CHAT_PATH} HTTP/1.1", host: str = "Host: g") -> bytes:
    """A request from its lines, as they are."""
    return "\r\n".join([first, host, AUTH, *lines, "", ""]).encode("latin-1") + body


CHUNKED = "Transfer-Encoding: chunked"
SMUGGLED = {
    "repeated length": raw("Content-Length: 3", "Content-Length: 3", body=b"abc"),
    "conflicting lengths": raw("Content-Length: 3", "Content-Length: 30", body=b"abc"),
    "listed lengths": raw("Content-Length: 3, 3", body=b"abc"),
    "signed length": raw("Content-Length: +3", body=b"abc"),
    "negative length": raw("Content-Length: -3", body=b"abc"),
    "hex length": raw("Content-Length: 0x3", body=b"abc"),
    "huge length": raw("Content-Length: 99999999999999999999999", body=b"abc"),
    "empty length": raw("Content-Length: ", body=b"abc"),
    "length and chunks": raw(f"Content-Length: {len(BODY)}", CHUNKED, body=chunked(BODY)),
    "chunks and length": raw(CHUNKED, f"Content-Length: {len(BODY)}", body=chunked(BODY)),
    "gzip, chunked": raw("Transfer-Encoding: gzip, chunked", body=chunked(BODY)),
    "chunked, identity": raw("Transfer-Encoding: chunked, identity", body=chunked(BODY)),
    "chunked twice": raw(CHUNKED, CHUNKED, body=chunked(BODY)),
    "gzip then chunked": raw("Transfer-Encoding: gzip", CHUNKED, body=chunked(BODY)),
    "xchunked": raw("Transfer-Encoding: xchunked", body=chunked(BODY)),
    "chunked in HTTP/1.0": raw(CHUNKED, first=f"POST {CHAT_PATH} HTTP/1.0", body=chunked(BODY)),
    "chunk size not hex": raw(CHUNKED, body=b"zz\r\nabc\r\n0\r\n\r\n"),
    "chunk size negative": raw(CHUNKED, body=b"-3\r\nabc\r\n0\r\n\r\n"),
    "chunk size prefixed": raw(CHUNKED, body=b"0x3\r\nabc\r\n0\r\n\r\n"),
    "chunk size huge": raw(CHUNKED, body=b"fffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
    "chunk longer than said": raw(CHUNKED, body=b"3\r\nabcd\r\n0\r\n\r\n"),
    "chunk ended by LF": raw(CHUNKED, body=b"3\nabc\n0\n\n"),
    "bare CR in a header": raw("X-A: b\rX-B: c", "Content-Length: 0"),
    "bare LF between headers": raw("X-A: b\nX-B: c", "Content-Length: 0"),
    "bare LF ends the head": b"POST " + CHAT_PATH.encode() + b" HTTP/1.1\nHost: g\n\n",
    "folded header": raw("X-A: b\r\n c", "Content-Length: 0"),
    "space before the colon": raw("Content-Length : 3", body=b"abc"),
    "space in a header's name": raw("X A: 3"),
    "header without a name": raw(": 3"),
    "header without a colon": raw("X-A"),
    "NUL in a header": raw("X-A: a\0b"),
    "NUL in the target": raw(first=f"POST {CHAT_PATH}\0 HTTP/1.1"),
    "header before the first": f"POST {CHAT_PATH} HTTP/1.1\r\n X-A: b\r\nHost: g\r\n\r\n".encode(),
    "no host": f"POST {CHAT_PATH} HTTP/1.1\r\nContent-Length: 0\r\n\r\n".encode(),
    "two hosts": raw("Host: other", "Content-Length: 0"),
    "an unknown version": raw(first=f"POST {CHAT_PATH} HTTP/3.0"),
    "an unknown method": raw(first=f"SPILL {CHAT_PATH} HTTP/1.1"),
    "no version": raw(first=f"POST {CHAT_PATH}"),
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello there\r\n\r\n",
}


@pytest.mark.parametrize("name", SMUGGLED)
async def test_what_could_be_read_in_two_ways_is_refused(name: str) -> None:
    """Ambiguous framing is answered 400 and the connection closed; nothing, not even what follows, goes upstream."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        answer = await gateway.refused(SMUGGLED[name] + request(CHAT_PATH, chat()))
        assert answer.status == 400
        assert answer.error["type"] == "invalid_request_error"
        assert upstream.requests == []
        assert gateway.rows == []


async def test_a_smuggled_request_speaks_the_dialect_of_its_path() -> None:
    """A refusal on the Anthropic surface has Anthropic's shape, as far as the path was read."""
    async with Gateway(openai(NOWHERE)) as gateway:
        first = f"POST {MESSAGES_PATH} HTTP/1.1"
        answer = await gateway.refused(raw("Transfer-Encoding: gzip, chunked", first=first, body=b"0\r\n\r\n"))
        assert answer.json()["type"] == "error"


async def test_pipelined_calls_are_answered_in_order() -> None:
    """Three calls in one segment are answered in order, whole and streamed, on the one connection."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(*(Reply.json({**CHAT_REPLY, "id": str(n)}) for n in (1, 2)), Reply.events(*CHAT_STREAM))
        async with gateway.caller() as caller:
            caller.send(request(CHAT_PATH, chat()) * 2 + request(CHAT_PATH, chat(stream=True)))
            first, second, third = [await caller.answer() for _ in range(3)]
            assert (first.json()["id"], second.json()["id"]) == ("1", "2")
            assert third.body == CHAT_STREAM_SHOWN
            assert [seen.connection for seen in upstream.requests] == [0, 0, 0]
        assert [row["status"] for row in gateway.rows] == [200, 200, 200]


async def test_a_bad_request_after_good_ones_waits_its_turn() -> None:
    """The good calls before a bad one are answered first; then the 400, then the end."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        async with gateway.caller() as caller:
            bad = SMUGGLED["conflicting lengths"]
            caller.send(request(CHAT_PATH, chat()) * 2 + bad + request(CHAT_PATH, chat()))
            assert [(await caller.answer()).status for _ in range(3)] == [200, 200, 400]
            assert await caller.hung_up() == b""
        assert len(upstream.requests) == 2
        assert len(gateway.rows) == 2


async def test_many_pipelined_pages() -> None:
    """Some thousand pipelined requests, more than are read ahead, are all answered."""
    async with Gateway(openai(NOWHERE)) as gateway, gateway.caller() as caller:
        count = 6000
        caller.send(request("/livez", method="GET") * count)
        for _ in range(count):
            assert (await caller.answer()).body == b"ok\n"


async def test_expect_continue() -> None:
    """`Expect: 100-continue` is answered at once, before the body, and then the call as ever."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway, gateway.caller() as caller:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        caller.send(raw("Expect: 100-continue", f"Content-Length: {len(BODY)}"))
        assert (await caller.answer()).status == 100
        caller.send(BODY)
        assert (await caller.answer()).status == 200
        assert "expect" not in upstream.requests[0].headers


async def test_an_unknown_expectation() -> None:
    """Any other expectation is refused with 417 before a body is sent."""
    async with Gateway(openai(NOWHERE)) as gateway:
        answer = await gateway.refused(raw("Expect: a-miracle", f"Content-Length: {len(BODY)}"))
        assert (answer.status, answer.error["code"]) == (417, "expectation_failed")


async def test_expect_with_a_body_too_large() -> None:
    """A body that would be refused is refused before it is sent: 413 in place of 100."""
    async with Gateway(openai(NOWHERE)) as gateway:
        answer = await gateway.refused(raw("Expect: 100-continue", "Content-Length: 99999999999"))
        assert answer.status == 413


@pytest.mark.parametrize("path", ["/anthropic", "/livez", "/readyz", "/health", "/v1/models", "/metrics"])
async def test_head_is_get_without_the_body(path: str) -> None:
    """HEAD has the head of GET, with its length and no body, and the connection goes on."""
    async with Gateway(openai(NOWHERE)) as gateway, gateway.caller() as caller:
        caller.send(request(path, method="GET"))
        whole = await caller.answer()
        caller.send(request(path, method="HEAD") + request("/livez", method="GET"))
        head = await caller.answer(head_only=True)
        assert (head.status, head.headers["content-length"]) == (200, str(len(whole.body)))
        assert (await caller.answer()).body == b"ok\n"


async def test_options_and_cors() -> None:
    """A preflight of an allowed origin names methods and headers; another origin gets no permission."""
    async with Gateway(openai(NOWHERE), cors_origins=("https://app.example",)) as gateway:
        wanted = ["Origin: https://app.example", "Access-Control-Request-Method: POST"]
        answer = await gateway.call(CHAT_PATH, method="OPTIONS", key=None, headers=wanted)
        assert answer.status == 204
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert "POST" in answer.headers["allow"]
        other = await gateway.call(CHAT_PATH, method="OPTIONS", key=None, headers=["Origin: https://evil.example"])
        assert (other.status, other.headers.get("access-control-allow-origin")) == (204, None)
        error = await gateway.call(CHAT_PATH, b"{}", key=None, headers=wanted)
        assert (error.status, error.headers["access-control-allow-origin"]) == (401, "https://app.example")


async def test_http_1_0() -> None:
    """HTTP/1.0 closes after the answer, stays open when asked, and needs no Host."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        async with gateway.caller() as caller:
            caller.send(f"POST {CHAT_PATH} HTTP/1.0\r\n{AUTH}\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY)
            assert (await caller.answer()).json() == CHAT_REPLY
            assert await caller.hung_up() == b""
        async with gateway.caller() as caller:
            for _ in range(2):
                caller.send(request(CHAT_PATH, chat(), version="1.0", headers=["Connection: keep-alive"]))
                answer = await caller.answer()
                assert answer.json() == CHAT_REPLY
                assert answer.headers.get("connection") == "keep-alive"


async def test_http_1_0_streams_end_with_the_connection() -> None:
    """A stream to HTTP/1.0 has no chunks: the end of the connection is its end."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.otherwise = Reply.events(*CHAT_STREAM)
        answer = await gateway.call(CHAT_PATH, chat(stream=True), version="1.0", headers=["Connection: keep-alive"])
        assert answer.body == CHAT_STREAM_SHOWN
        assert "transfer-encoding" not in answer.headers
        assert answer.headers["connection"] == "close"


async def test_connection_close_is_obeyed() -> None:
    """A caller that says close gets `connection: close` and the end; what it pipelined after is not served."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway, gateway.caller() as caller:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        caller.send(request(CHAT_PATH, chat(), headers=["Connection: close"]) + request(CHAT_PATH, chat()))
        assert (await caller.answer()).headers["connection"] == "close"
        assert await caller.hung_up() == b""
        assert len(upstream.requests) == 1


async def test_absolute_targets_and_query_strings() -> None:
    """The absolute form and any query string mean the same call; the query goes along, but for credentials in it."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        for target in (
            f"http://gateway{CHAT_PATH}",
            f"{CHAT_PATH}?beta=true&key=sk-1",
            f"{CHAT_PATH}?",
            f"{CHAT_PATH}/",
        ):
            assert (await gateway.call(target, chat())).status == 200, target
        assert {seen.target for seen in upstream.requests} == {CHAT_PATH, f"{CHAT_PATH}?beta=true"}


async def test_websocket_upgrades_are_refused() -> None:
    """A WebSocket handshake is answered 426 and closed, with a body or without, on any path."""
    offer = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: x"]
    async with Gateway(openai(NOWHERE)) as gateway:
        for data in (request("/v1/realtime", method="GET", headers=offer), request(CHAT_PATH, chat(), headers=offer)):
            answer = await gateway.refused(data)
            assert (answer.status, answer.error["code"]) == (426, "upgrade_unsupported")
            assert answer.headers["upgrade"] == "HTTP/1.1"


async def test_an_h2c_offer_is_ignored() -> None:
    """An offer to upgrade to HTTP/2 is ignored, and the call served, also with a body and with more behind it."""
    offer = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"]
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway, gateway.caller() as caller:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        caller.send(request(CHAT_PATH, chat(), headers=offer) + request("/livez", method="GET"))
        assert (await caller.answer()).json() == CHAT_REPLY
        assert (await caller.answer()).body == b"ok\n"
        caller.send(request("/livez", method="GET", headers=offer))
        assert (await caller.answer()).body == b"ok\n"
        assert upstream.requests[0].json()["messages"] == chat()["messages"]


async def test_an_h2c_offer_with_chunks() -> None:
    """The body of a request that offers h2c may come in chunks, and in pieces."""
    offer = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMA"]
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway, gateway.caller() as caller:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        for at in range(2):
            data = raw(*offer, CHUNKED, body=chunked(BODY))
            await byte_by_byte(caller, data) if at else caller.send(data)
            assert (await caller.answer()).json() == CHAT_REPLY


async def test_many_pipelined_upgrade_offers() -> None:
    """A few pipelined offers are answered in order; a flood of them is refused."""
    offer = request("/livez", method="GET", headers=["Connection: Upgrade", "Upgrade: h2c"])
    async with Gateway(openai(NOWHERE)) as gateway:
        async with gateway.caller() as caller:
            caller.send(offer * 8)
            assert [(await caller.answer()).status for _ in range(8)] == [200] * 8
        async with gateway.caller() as caller:
            caller.send(offer * 2000)
            statuses = [(await caller.answer()).status]
            while statuses[-1] == 200:
                statuses.append((await caller.answer()).status)
            assert statuses[-1] == 400
            assert len(statuses) < 20


async def test_connect_is_refused() -> None:
    """The gateway is no proxy: CONNECT is refused and the connection closed."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        answer = await gateway.refused(raw(first=f"CONNECT 127.0.0.1:{upstream.port} HTTP/1.1"))
        assert answer.status in (400, 404, 405)
        assert upstream.connections == 0


CODINGS: tuple[Any, ...] = ("gzip", "deflate", "br", "zstd")


@pytest.mark.parametrize("coding", CODINGS)
async def test_coded_bodies(coding: str) -> None:
    """A body may be compressed; the provider gets it plain."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        data = compress(coding, BODY)
        answer = await gateway.call(CHAT_PATH, data, headers=[f"Content-Encoding: {coding}"])
        assert answer.status == 200
        assert upstream.requests[0].json()["messages"] == chat()["messages"]
        assert "content-encoding" not in upstream.requests[0].headers


async def test_a_body_of_several_members() -> None:
    """gzip and zstd allow several members in a row: all of them are read."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        for coding in ("gzip", "zstd"):
            data = compress(coding, BODY[:20]) + compress(coding, BODY[20:])
            assert (await gateway.call(CHAT_PATH, data, headers=[f"Content-Encoding: {coding}"])).status == 200
        assert upstream.requests[1].json()["messages"] == chat()["messages"]


@pytest.mark.parametrize("coding", CODINGS)
async def test_zip_bombs(coding: str) -> None:
    """A small body that decodes to more than the limit is refused, and the limit named."""
    async with Gateway(openai(NOWHERE)) as gateway:
        bomb = compress(coding, b" " * (33 * 1024 * 1024))
        answer = await gateway.call(CHAT_PATH, bomb, headers=[f"Content-Encoding: {coding}"])
        assert (answer.status, answer.error["code"]) == (413, "body_too_large")
        assert "limits.body_bytes_max" in answer.error["message"]


async def test_bad_codings() -> None:
    """An unknown coding is 415; bytes that are not what their coding says are 400; half a body is 400."""
    async with Gateway(openai(NOWHERE)) as gateway:
        for coding, data, status in (
            ("compress", BODY, 415),
            *((coding, BODY, 400) for coding in CODINGS),
            *((coding, compress(coding, BODY)[:-9], 400) for coding in CODINGS),
            ("gzip", gzip.compress(BODY) + b"more", 400),
            ("gzip, gzip", gzip.compress(gzip.compress(BODY)), 415),
        ):
            answer = await gateway.call(CHAT_PATH, data, headers=[f"Content-Encoding: {coding}"])
            assert answer.status == status, (coding, answer.body)


@pytest.mark.parametrize("coding", ("compress", *CODINGS))
async def test_coded_bodies_of_strangers_are_not_decoded(coding: str) -> None:
    """A wrong key is 401 whatever its body is coded in: what cannot be decoded, or decodes to a bomb, is not tried."""
    async with Gateway(openai(NOWHERE)) as gateway:
        bombs = [] if coding == "compress" else [compress(coding, b" " * (33 * 1024 * 1024))]
        for data in (b"garbage", *bombs):
            answer = await gateway.call(
                CHAT_PATH, data, headers=[f"Content-Encoding: {coding}"], key="sk-asb-wrong-0123456789"
            )
            assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
            assert gateway.rows[-1]["request_bytes"] == len(data)


async def test_a_body_that_cannot_be_decoded_is_recorded() -> None:
    """The caller of a body that its coding does not fit is known, and the record names it."""
    async with Gateway(openai(NOWHERE)) as gateway:
        answer = await gateway.call(CHAT_PATH, BODY, headers=["Content-Encoding: gzip"])
        row = gateway.row
        assert (answer.status, row["status"], row["outcome"], row["caller"]) == (400, 400, "refused", "tester")


async def test_a_body_byte_by_byte() -> None:
    """A request whose bytes arrive one by one, by length or in chunks, is the same request; keep-alive goes on."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway, gateway.caller() as caller:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        for data in (request(CHAT_PATH, chat()), raw("transfer-encoding: CHUNKED", body=chunked(BODY, 5))):
            await byte_by_byte(caller, data)
            assert (await caller.answer()).json() == CHAT_REPLY
        assert upstream.requests[0].body == upstream.requests[1].body


async def test_chunk_extensions_and_trailers() -> None:
    """Chunk extensions and trailers are legal, and ignored: a trailer is no header."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway, gateway.caller() as caller:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        body = b"%x;a=b\r\n%b\r\n0\r\nX-Request-Id: late\r\nAuthorization: Bearer x\r\n\r\n" % (len(BODY), BODY)
        caller.send(raw(CHUNKED, body=body) + request("/livez", method="GET"))
        assert (await caller.answer()).json() == CHAT_REPLY
        assert (await caller.answer()).body == b"ok\n"
        assert "x-request-id" not in upstream.requests[0].headers


async def test_keep_alive_reuses_both_sides() -> None:
    """Many calls on one connection of the caller use one connection to the provider."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway, gateway.caller() as caller:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        for _ in range(20):
            caller.send(request(CHAT_PATH, chat()))
            assert (await caller.answer()).status == 200
        assert upstream.connections == 1
        assert len(gateway.rows) == 20


async def test_blank_lines_between_requests() -> None:
    """Empty lines before a request are skipped, as RFC 9112 asks."""
    async with Gateway(openai(NOWHERE)) as gateway, gateway.caller() as caller:
        for _ in range(2):
            caller.send(b"\r\n\r\n" + request("/livez", method="GET"))
            assert (await caller.answer()).body == b"ok\n"


async def test_a_slow_caller_holds_the_upstream_back() -> None:
    """While a caller does not read, its upstream is not read either; then everything arrives, in order."""
    piece = CHAT_STREAM[1].replace(b"Hi", b"x" * 60_000)
    count = 400
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.events(*[piece] * count, *CHAT_STREAM))
        async with gateway.caller(limit=1024) as caller:
            caller.send(request(CHAT_PATH, chat(stream=True)))
            answer = await caller.head()
            pool = next(iter(gateway.lasting.pools.values()))
            exchange = next(iter(pool.under_way()))
            await until(lambda: exchange.paused, "the upstream is not read")
            connection = next(iter(gateway.server.connections))
            assert connection._transport.get_write_buffer_size() < 1024 * 1024
            while len(answer.body) < piece.__len__() * count:
                await caller.piece()
            await caller.rest()
            assert answer.body == piece * count + CHAT_STREAM_SHOWN
    assert gateway.row["outcome"] == "ok"


async def test_a_caller_that_never_reads_is_dropped() -> None:
    """A caller that stops reading for longer than the idle timeout is dropped, and its call recorded once."""
    piece = CHAT_STREAM[1].replace(b"Hi", b"x" * 60_000)
    async with (
        FakeUpstream() as upstream,
        Gateway(openai(upstream.url), limits=Limits(idle_timeout_s=0.2)) as gateway,
    ):
        upstream.queue(Reply.events(*[piece] * 400))
        async with gateway.caller(limit=1024) as caller:
            caller.send(request(CHAT_PATH, chat(stream=True)))
            await caller.head()
            await upstream.requests[0].gone.arrive()
            await gateway.recorded()
            assert (gateway.row["status"], gateway.row["outcome"]) == (499, "cancelled")
            with pytest.raises(HungUp):
                await caller.rest()


async def byte_by_byte(caller: Caller, data: bytes) -> None:
    """Each byte in a segment of its own."""
    for at in range(len(data)):
        caller.send(data[at : at + 1])
        await asyncio.sleep(0)
