"""A path prefix forwarded to a process on a Unix socket: whole, streamed, untouched but for the hop's own headers."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes.upstream import FIN, FakeUpstream, Gate, Reply
from tests.journeys.caller import HungUp, chunked, request
from tests.journeys.gateway import Gateway, forwards

HEADERS = [
    "Cookie: a=b", "X-Custom: 1", "x-custom: 2", "Accept-Encoding: gzip", "Content-Encoding: x-own",
    "Connection: X-Hop, keep-alive", "X-Hop: 1", "TE: trailers", "Proxy-Authorization: Basic eA==",
    "Keep-Alive: timeout=3",
]  # fmt: skip


def app(tmp_path: Path) -> FakeUpstream:
    """A small app on a Unix socket."""
    return FakeUpstream(unix_path=str(tmp_path / "app"))


def gateway(tmp_path: Path, prefix: str = "/api") -> Gateway:
    """A gateway that forwards `prefix` to it."""
    return Gateway(forwards=forwards(prefix, str(tmp_path / "app")))


async def test_forwarded_whole(tmp_path: Path) -> None:
    """Method, target, headers and body arrive as they were sent; so does the answer; no key is asked for."""
    async with app(tmp_path) as behind, gateway(tmp_path) as front:
        back = {"set-cookie": "s=1", "x-own": "y", "keep-alive": "timeout=1", "server": "small"}
        behind.queue(Reply.body(b"made", "text/html", 201, **back))
        answer = await front.call("/api/things?a=1&b=%20", b"\x00\xffbody", method="PATCH", headers=HEADERS)
        assert (answer.status, answer.body) == (201, b"made")
        assert (answer.headers["set-cookie"], answer.headers["server"]) == ("s=1", "small")
        assert (answer.headers["content-type"], answer.headers["x-own"]) == ("text/html", "y")
        assert "keep-alive" not in answer.headers
        seen = behind.requests[0]
        assert (seen.method, seen.target, seen.body) == ("PATCH", "/api/things?a=1&b=%20", b"\x00\xffbody")
        assert [value for name, value in seen.header_list if name.lower() == "x-custom"] == ["1", "2"]
        kept = {"host": "gateway", "cookie": "a=b", "accept-encoding": "gzip", "content-encoding": "x-own"}
        assert kept.items() <= seen.headers.items()
        assert {"x-hop", "te", "proxy-authorization", "keep-alive", "connection"}.isdisjoint(seen.headers)
        assert front.rows == []


async def test_forwarded_streams(tmp_path: Path) -> None:
    """A streamed answer is forwarded as it comes, piece by piece, with its type."""
    gate = Gate()
    async with app(tmp_path) as behind, gateway(tmp_path) as front, front.caller() as caller:
        behind.queue(Reply.events(b"data: 1\n\n", gate, b"data: 2\n\n"))
        caller.send(request("/api/stream", method="GET"))
        answer = await caller.head()
        assert answer.headers["content-type"] == "text/event-stream"
        assert await caller.piece() == b"data: 1\n\n"
        gate.open()
        assert (await caller.rest()).body == b"data: 1\n\ndata: 2\n\n"


async def test_chunked_uploads(tmp_path: Path) -> None:
    """A body that came in chunks is forwarded with its length."""
    async with app(tmp_path) as behind, gateway(tmp_path) as front, front.caller() as caller:
        behind.queue(Reply.json({}))
        head = b"POST /api/x HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n"
        caller.send(head + chunked(b"hello there"))
        assert (await caller.answer()).status == 200
        assert behind.requests[0].body == b"hello there"
        assert "transfer-encoding" not in behind.requests[0].headers


async def test_only_whole_segments_match(tmp_path: Path) -> None:
    """The prefix itself and what lies below it are forwarded; a longer word is not; encoded dots are not resolved."""
    async with app(tmp_path) as behind, gateway(tmp_path) as front:
        behind.otherwise = Reply.json({"ok": True})
        for path in ("/api", "/api/", "/api/x", "/api?x=1", "http://gateway/api/x", "/api/%2e%2e/x"):
            assert (await front.call(path, method="GET")).json() == {"ok": True}, path
        for path in ("/apix", "/ap", "/x/api", "/API"):
            assert (await front.call(path, method="GET")).status == 404, path
        assert behind.requests[-1].target == "/api/%2e%2e/x"


async def test_answers_without_a_body(tmp_path: Path) -> None:
    """204, 304 and HEAD have no body and no chunks, and the connection goes on."""
    async with app(tmp_path) as behind, gateway(tmp_path) as front, front.caller() as caller:
        for status in (204, 304):
            behind.queue(
                Reply(
                    status,
                    headers={"etag": '"1"'},
                    framing="raw",
                    before=(b"HTTP/1.1 %d X\r\netag: 1\r\n\r\n" % status,),
                )
            )
            caller.send(request("/api/x", method="GET"))
            answer = await caller.answer()
            assert (answer.status, answer.headers["etag"]) == (status, "1")
            assert "transfer-encoding" not in answer.headers
        behind.queue(Reply.json({"a": 1}))
        caller.send(request("/api/x", method="HEAD") + request("/livez", method="GET"))
        assert (await caller.answer(head_only=True)).status == 200
        assert (await caller.answer()).body == b"ok\n"


async def test_websockets_are_refused_there_too(tmp_path: Path) -> None:
    """A WebSocket handshake below the prefix is 426 for now, and not forwarded."""
    offer = ["Connection: Upgrade", "Upgrade: websocket"]
    async with app(tmp_path) as behind, gateway(tmp_path) as front:
        assert (await front.refused(request("/api/ws", method="GET", headers=offer))).status == 426
        assert behind.requests == []


async def test_nobody_behind(tmp_path: Path) -> None:
    """Without a process behind the socket the answer is 503 that says when to try again; other paths are served."""
    async with gateway(tmp_path) as front, front.caller() as caller:
        caller.send(request("/api/x", method="GET") + request("/livez", method="GET"))
        answer = await caller.answer()
        assert (answer.status, answer.error["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "1"
        assert (await caller.answer()).body == b"ok\n"


async def test_a_broken_answer(tmp_path: Path) -> None:
    """An answer that breaks off before its head is 502; after it, the caller's connection ends unfinished."""
    async with app(tmp_path) as behind, gateway(tmp_path) as front:
        behind.queue(Reply.raw(FIN), Reply.raw(FIN), Reply.events(b"data: 1\n\n", FIN))
        assert (await front.call("/api/x", method="GET")).status == 502
        with pytest.raises(HungUp):
            await front.call("/api/x", method="GET")


async def test_a_caller_that_leaves(tmp_path: Path) -> None:
    """The process behind sees its caller leave."""
    gate = Gate()
    async with app(tmp_path) as behind, gateway(tmp_path) as front:
        behind.queue(Reply.events(b"data: 1\n\n", gate))
        async with front.caller() as caller:
            caller.send(request("/api/x", method="GET"))
            await gate.reached.arrive()
        await behind.requests[0].gone.arrive()


async def test_the_root_leads_to_the_web_ui(tmp_path: Path) -> None:
    """Where `/ui` is forwarded, and nowhere else; whatever slashes are added."""
    async with gateway(tmp_path, "/ui") as front:
        for path in ("/", "//"):
            answer = await front.call(path, method="GET", key=None)
            assert (answer.status, answer.headers["location"], answer.body) == (302, "/ui/", b"")
    async with gateway(tmp_path, "/uix") as front:
        for path in ("/", "/ui", "/ui/keys", "/api/v1/status"):
            answer = await front.call(path, method="GET", key=None)
            assert (answer.status, answer.error["code"]) == (404, "not_found")
            assert answer.error["message"].startswith(f"there is nothing at {path}; to serve the web UI")


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_a_connection_that_is_closed_as_a_request_comes(tmp_path: Path, method: str) -> None:
    """The process behind had closed it: what only reads is asked again, what changes something is not."""
    async with app(tmp_path) as behind, gateway(tmp_path) as front:
        behind.queue(Reply.raw(FIN), Reply.json({"a": 1}))
        answer = await front.call("/api/things", b"" if method == "GET" else b"{}", method=method)
        assert (answer.status, len(behind.requests)) == ((200, 2) if method == "GET" else (502, 1))
