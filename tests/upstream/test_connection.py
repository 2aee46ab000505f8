"""The client's connection, fed recorded answers at every cut: framing, ends, interim heads, garbage, extra bytes."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.loops import FakeLoop, FakeTransport

from asbru.core.errors import UpstreamError
from asbru.upstream import (
    LARGE_BYTES_MIN,
    Body,
    Exchange,
    ExchangeDeadlines,
    Origin,
    Pool,
    Spliced,
    TlsContexts,
    UpstreamResponse,
)
from asbru.upstream.connection import (
    RESPONSE_HEAD_BYTES_MAX,
    TLS_SLICE_BYTES,
    UpstreamConnection,
)

BODY = b'{"id":"x","usage":{"total_tokens":3}}'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: r1\r\nset-cookie: no\r\n"
SIZED = HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = (
    HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\n" + BODY[:5] + b"\r\n20;x=y\r\n" + BODY[5:] + b"\r\n0\r\n\r\n"
)
TO_THE_END = HEAD + b"\r\n" + BODY
INTERIM = (
    b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\nx-request-id: early\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + SIZED
)
EMPTY = b"HTTP/1.1 204 No Content\r\nx-request-id: r1\r\n\r\n"
REFUSAL = b"HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Encoding: GZip\r\ncontent-length: 2\r\n\r\n{}"


class Line:
    """One connection of a pool with a fake transport, and what the exchange on it came to."""

    def __init__(
        self,
        *,
        streaming: bool = False,
        transparent: bool = False,
        response_bytes_max: int = 10_000,
        tls: bool = False,
    ) -> None:
        loop = cast("asyncio.AbstractEventLoop", FakeLoop())
        self.pool = Pool(
            Origin(host="h", port=80, tls=tls), TlsContexts(), loop, response_bytes_max=response_bytes_max
        )
        self.connection = UpstreamConnection(self.pool)
        self.transport = FakeTransport(self.connection)
        self.streaming = streaming
        self.transparent = transparent
        self.exchange = self.send()

    def send(self, head: bytes = b"POST / HTTP/1.1\r\n\r\n", body: Body = b"body") -> Exchange:
        """One more request on the same connection."""
        exchange = Exchange(head, body, ExchangeDeadlines(), self.streaming, 0.0)
        exchange.transparent = self.transparent
        self.connection.send(exchange)
        return exchange

    def feed(self, *pieces: bytes) -> None:
        """Bytes arrive in pieces."""
        for piece in pieces:
            if piece:
                self.transport.receive(piece)


def answer_of(exchange: Exchange) -> UpstreamResponse | UpstreamError | None:
    """What the exchange came to, so far."""
    return outcome(exchange)  # type: ignore[return-value]  # an answer or its error


def outcome(wait) -> object:
    """A Wait's value or error, None while it has neither."""
    if not wait.done:
        return None
    try:
        wait.__await__().send(None)
    except StopIteration as stop:
        return stop.value
    except UpstreamError as error:
        return error
    return None


def drain(exchange: Exchange) -> tuple[bytes, object]:
    """All bytes of a stream that are there, and how it ended (None if it did not)."""
    got: list[bytes] = []
    ended = exchange.pump(got.append, 0.0)
    return b"".join(got), "end" if ended.done and outcome(ended) is None else outcome(ended)


FRAMED = {"sized": SIZED, "chunked": CHUNKED, "interim": INTERIM}


@pytest.mark.parametrize("data", FRAMED.values(), ids=FRAMED)
def test_any_cut_gives_the_same_answer(data: bytes) -> None:
    """A whole answer, cut at every byte: one answer, the same headers, and the connection is free again."""
    for cut in range(len(data) + 1):
        line = Line()
        line.feed(data[:cut], data[cut:])
        response = answer_of(line.exchange)
        assert isinstance(response, UpstreamResponse), cut
        assert (response.status, response.body, response.content_type) == (200, BODY, b"application/json")
        assert response.lines == b"content-type: application/json\r\nx-request-id: r1\r\n"
        assert line.pool.idle_connections == 1 and not line.transport.closing
    line = Line()
    line.feed(*(data[at : at + 1] for at in range(len(data))))
    assert cast("UpstreamResponse", answer_of(line.exchange)).body == BODY


@pytest.mark.parametrize("data", FRAMED.values(), ids=FRAMED)
def test_a_connection_serves_again(data: bytes) -> None:
    """After a framed answer the next one on the same connection is read like the first."""
    line = Line()
    for _ in range(3):
        line.feed(data)
        assert cast("UpstreamResponse", answer_of(line.exchange)).body == BODY
        line.exchange = line.send()


@pytest.mark.parametrize("data", FRAMED.values(), ids=FRAMED)
def test_an_answer_cut_short_is_an_error(data: bytes) -> None:
    """Closed or reset at every byte before the end: network before the head is whole, cut after it."""
    heads_end = data.rindex(b"\r\n\r\n", 0, data.index(BODY[:5])) + 4
    for cut in range(len(data)):
        for error in (None, ConnectionResetError()):
            line = Line()
            line.feed(data[:cut])
            line.transport.lose(error)
            seen = answer_of(line.exchange)
            assert isinstance(seen, UpstreamError)
            assert seen.kind == ("network" if cut < heads_end else "cut"), cut


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    """Closed cleanly it is whole; reset it is cut; and the connection is not used again."""
    for cut in range(TO_THE_END.index(BODY), len(TO_THE_END) + 1):
        line = Line()
        line.feed(TO_THE_END[:cut], TO_THE_END[cut:])
        assert answer_of(line.exchange) is None
        line.transport.lose()
        assert cast("UpstreamResponse", answer_of(line.exchange)).body == BODY
        assert line.pool.idle_connections == 0
    reset = Line()
    reset.feed(TO_THE_END)
    reset.transport.lose(ConnectionResetError())
    assert cast("UpstreamError", answer_of(reset.exchange)).kind == "cut"


def test_answers_without_a_body() -> None:
    """204 has none, whatever it says; the connection goes on."""
    line = Line()
    line.feed(EMPTY)
    assert cast("UpstreamResponse", answer_of(line.exchange)).status == 204
    assert line.pool.idle_connections == 1


def test_what_the_path_acts_upon_is_read() -> None:
    """Retry-After and Content-Encoding in any spelling, the coding in lower case."""
    line = Line()
    line.feed(REFUSAL)
    response = cast("UpstreamResponse", answer_of(line.exchange))
    assert (response.status, response.retry_after, response.content_encoding, response.body) == (
        429,
        b"7",
        b"gzip",
        b"{}",
    )
    assert response.lines == b"Retry-After: 7\r\nContent-Encoding: GZip\r\n"
    assert response.lines_without(b"content-encoding") == b"Retry-After: 7\r\n"


def test_connection_close_is_obeyed() -> None:
    """An answer that says close closes the connection, and so does HTTP/1.0."""
    for data in (SIZED.replace(b"set-cookie: no", b"connection: close"), SIZED.replace(b"HTTP/1.1", b"HTTP/1.0")):
        line = Line()
        line.feed(data)
        assert cast("UpstreamResponse", answer_of(line.exchange)).body == BODY
        assert line.transport.closing and line.pool.idle_connections == 0


STREAM = b"data: 1\n\ndata: 2\n\n"
STREAMED = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n"
)


def test_a_stream_cut_anywhere_brings_the_same_bytes() -> None:
    """The head is announced before the body; every byte of the body comes once; the end is seen."""
    for cut in range(len(STREAMED) + 1):
        line = Line(streaming=True)
        line.feed(STREAMED[:cut], STREAMED[cut:])
        response = cast("UpstreamResponse", answer_of(line.exchange))
        assert response.streaming and response.content_type == b"text/event-stream"
        assert drain(line.exchange) == (STREAM, "end"), cut
        assert line.pool.idle_connections == 1


def test_a_stream_cut_short_fails_after_its_bytes() -> None:
    """What came before the cut is read; then the reader is told."""
    start = STREAMED.index(b"\r\n\r\n") + 4
    for cut in range(start, len(STREAMED)):
        line = Line(streaming=True)
        line.feed(STREAMED[:cut])
        line.transport.lose()
        got, end = drain(line.exchange)
        assert STREAM.startswith(got)
        assert isinstance(end, UpstreamError) and end.kind == "cut", cut


def test_a_refused_stream_is_read_whole() -> None:
    """A streaming call that is answered with an error gets the whole body, not a stream."""
    for cut in range(len(REFUSAL) + 1):
        line = Line(streaming=True)
        line.feed(REFUSAL[:cut], REFUSAL[cut:])
        response = cast("UpstreamResponse", answer_of(line.exchange))
        assert not response.streaming and response.body == b"{}"


@pytest.mark.parametrize(
    "extra",
    [b"garbage", b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad", b"HTTP/1.1 200 OK\r\n", b"\x00", b"H"],
)
@pytest.mark.parametrize("streaming", [False, True])
def test_extra_bytes_do_not_touch_the_answer(extra: bytes, streaming: bool) -> None:
    """Bytes after an answer, with it or later, never change it nor become the next one: the connection is dropped."""
    data = STREAMED if streaming else SIZED
    line = Line(streaming=streaming)
    line.feed(data + extra)
    response = answer_of(line.exchange)
    assert isinstance(response, UpstreamResponse)
    assert (drain(line.exchange)[0] if streaming else response.body) == (STREAM if streaming else BODY)
    assert line.transport.closing and line.pool.idle_connections == 0
    later = Line(streaming=streaming)
    later.feed(data, extra)
    assert later.transport.aborted
    later.transport.lose()
    assert later.pool.idle_connections == 0


def test_a_blank_line_after_an_answer_is_harmless() -> None:
    """Some servers send one too many; with the answer it is skipped, and the next answer is read like any other."""
    line = Line()
    line.feed(SIZED + b"\r\n")
    assert line.pool.idle_connections == 1
    line.exchange = line.send()
    line.feed(b"\r\n" + SIZED)
    response = answer_of(line.exchange)
    assert isinstance(response, UpstreamResponse)
    assert response.body == BODY
    assert response.lines == b"content-type: application/json\r\nx-request-id: r1\r\n"


@pytest.mark.parametrize("blank", [b"\r\n", b"\r\n\r\n", b"\n\r\n\r\n\r\n"])
@pytest.mark.parametrize("transparent", [False, True])
def test_blank_lines_before_an_answer_hide_nothing(blank: bytes, transparent: bool) -> None:
    """llhttp skips line breaks before a status line, so the reading of headers must skip them too."""
    interim = b"HTTP/1.1 100 Continue\r\n\r\n"
    for data in (blank + SIZED, interim + blank + SIZED, blank + interim + SIZED, blank + interim + blank + SIZED):
        line = Line(transparent=transparent)
        line.feed(data)
        response = cast("UpstreamResponse", answer_of(line.exchange))
        assert (response.status, response.body) == (200, BODY)
        assert b"x-request-id: r1\r\n" in response.lines and b"HTTP/" not in response.lines


BROKEN = {
    "not http": b"SSH-2.0-OpenSSH_9\r\n",
    "bad status": b"HTTP/1.1 2x0 OK\r\n\r\n",
    "bad header": HEAD + b"no colon\r\n\r\n",
    "bad length": HEAD + b"content-length: 1x\r\n\r\n",
    "two lengths": HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab",
    "length and chunks": HEAD + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "bad chunk": HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\n",
    "upgrade": b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x00",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("streaming", [False, True])
def test_what_is_not_http_is_a_protocol_error(data: bytes, streaming: bool) -> None:
    """Whatever a provider sends, cut anywhere, the exchange is told and the connection is dropped."""
    for cut in range(0, len(data) + 1, 3):
        line = Line(streaming=streaming)
        line.feed(data[:cut], data[cut:])
        error = line.exchange.error
        assert error is not None and error.kind == "protocol", cut
        assert line.transport.aborted


def test_an_endless_head_is_refused() -> None:
    """A head over its limit, in any pieces, ends the exchange; so do too many headers and interim answers."""
    for piece in (b"x-a: b\r\n" * 1000, b"y" * 8000):
        line = Line()
        line.feed(b"HTTP/1.1 200 OK\r\nx: ")
        for _ in range(RESPONSE_HEAD_BYTES_MAX // len(piece) + 2):
            line.feed(piece)
        assert line.exchange.error is not None and line.exchange.error.kind == "protocol"
    line = Line()
    line.feed(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 300 + b"\r\n")
    assert line.exchange.error is not None
    line = Line()
    for _ in range(RESPONSE_HEAD_BYTES_MAX // 2000 + 2):
        line.feed(b"HTTP/1.1 100 Continue\r\n\r\n" * 80)
    assert line.exchange.error is not None


@pytest.mark.parametrize(
    "framing", [b"content-length: 5000\r\n\r\n", b"\r\n", b"transfer-encoding: chunked\r\n\r\n1388\r\n"]
)
def test_an_answer_over_its_bound_is_refused(framing: bytes) -> None:
    """A whole answer is held, so it has a bound."""
    line = Line(response_bytes_max=1000)
    line.feed(HEAD + framing, bytes(500), bytes(501))
    error = line.exchange.error
    assert error is not None and error.kind == "protocol" and "1000 bytes" in error.message


@pytest.mark.parametrize("framing", [b"content-length: %d\r\n\r\n", b"transfer-encoding: chunked\r\n\r\n"])
def test_the_bound_holds_for_what_comes_in_one_read(framing: bytes) -> None:
    """Head and framing do not count, the body does, also where its end comes with its beginning; and for each anew."""
    line = Line(response_bytes_max=1000)
    for size, fits in ((1000, True), (1000, True), (1001, False)):
        body = bytes(size)
        if framing.find(b"%d") >= 0:
            line.feed(HEAD + framing % size + body)
        else:
            line.feed(HEAD + framing + b"".join(b"1\r\n%c\r\n" % one for one in body) + b"0\r\n\r\n")
        response = answer_of(line.exchange)
        assert isinstance(response, UpstreamResponse) is fits
        line.exchange = line.send() if fits else line.exchange
    assert line.transport.aborted


def test_a_stream_given_up_when_it_is_announced() -> None:
    """Whoever is told of the head may want none of it: nothing is freed that was given up, and nothing more is told."""
    for data in (STREAMED, STREAMED[:-5]):
        line = Line(streaming=True)
        line.exchange.waiter = line.exchange.abort
        line.feed(data)
        assert line.transport.aborted and line.pool.idle_connections == 0
        assert line.exchange.over and not line.exchange._unread


def test_a_transparent_answer_keeps_its_headers() -> None:
    """What is forwarded untouched keeps every header but the hop-by-hop ones and its framing."""
    line = Line(streaming=True, transparent=True)
    line.feed(
        b"HTTP/1.1 404 Not Found\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nkeep-alive: x\r\nconnection: keep-alive\r\n"
        b"content-length: 2\r\n\r\nno"
    )
    response = cast("UpstreamResponse", answer_of(line.exchange))
    assert response.streaming and response.status == 404
    assert response.lines == b"set-cookie: a=1\r\nSet-Cookie: b=2\r\n"
    assert drain(line.exchange) == (b"no", "end")


def test_giving_up_frees_the_connection() -> None:
    """An abandoned exchange hears nothing more, and its connection is aborted, not kept."""
    line = Line()
    line.feed(SIZED[:-5])
    line.exchange.abort()
    assert line.transport.aborted
    line.transport.lose()
    assert answer_of(line.exchange) is None and line.pool.connections == 0


@pytest.mark.parametrize(
    ("line", "passed"),
    [
        (b"X-Request-ID: a", True),
        (b"request-id:a", True),
        (b"Retry-After-Ms: 5", True),
        (b"x-should-retry: true", True),
        (b"X-RateLimit-Remaining-Tokens: 5", True),
        (b"openai-version: 1", True),
        (b"anthropic-ratelimit-requests-limit: 1", True),
        (b"x-groq-region: x", True),
        (b"openai-organization: o", False),
        (b"Anthropic-Organization-Id: o", False),
        (b"set-cookie: x-request-id: a", False),
        (b"connection: keep-alive", False),
        (b"x-request-id-old: a", False),
        (b"my-openai-version: 1", False),
        (b"server: x", False),
        (b"strict-transport-security: x", False),
        (b"x-asbru-id: forged", False),
    ],
)
def test_only_listed_headers_are_passed_on(line: bytes, passed: bool) -> None:
    """An allow-list: whole names, in any spelling, first or last in the head, as they stood."""
    for before, after in ((b"", b"server: y\r\n"), (b"server: y\r\n", b""), (b"etag: 1\r\n", b"vary: x\r\n")):
        client = Line()
        client.feed(b"HTTP/1.1 200 OK\r\n%b%b\r\n%bcontent-length: 0\r\n\r\n" % (before, line, after))
        assert cast("UpstreamResponse", answer_of(client.exchange)).lines == (line + b"\r\n" if passed else b"")


PIECES = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 C\r\n",
        b"HTTP/1.0 500 X\r\n",
        b"\r\n",
        b"\n",
        b" folded\r\n",
        b"content-length: 3\r\n",
        b"transfer-encoding: chunked\r\n",
        b"content-type: a/b\r\n",
        b"x-request-id:  v \r\n",
        b"retry-after : 3\r\n",
        b"connection: upgrade\r\nupgrade: h2c\r\n",
        b"abc",
        b"3\r\nabc\r\n",
        b"0\r\n\r\n",
        b"\x00",
    ]
)


@given(st.lists(PIECES, max_size=10).map(b"".join), st.lists(st.integers(0, 150), max_size=4), st.booleans())
def test_no_bytes_make_it_raise(data: bytes, cuts: list[int], streaming: bool) -> None:
    """Any bytes, cut anywhere: nothing escapes, the exchange ends, and the answer does not depend on the cuts."""
    seen: list[object] = []
    for places in ([], sorted(cuts)):
        line = Line(streaming=streaming)
        bounds = [0, *(place for place in places if place <= len(data)), len(data)]
        line.feed(*(data[start:end] for start, end in pairwise(bounds)))
        line.transport.lose()
        assert line.exchange.over or line.exchange.done
        response = answer_of(line.exchange)
        if isinstance(response, UpstreamError):
            seen.append("error")
            continue
        assert isinstance(response, UpstreamResponse)
        body, end = drain(line.exchange) if response.streaming else (response.body, "end")
        if not isinstance(end, UpstreamError):
            seen.append((response.status, response.lines, body))
        else:
            seen.append("cut")
    assert seen[0] == seen[1] or "error" in seen or "cut" in seen
    assert (seen[0] in ("error", "cut")) == (seen[1] in ("error", "cut"))


def test_a_gathered_request_leaves_when_the_turn_ends() -> None:
    """Head and body leave together, once; an exchange given up before that is never sent."""
    line = Line()
    line.feed(SIZED)
    line.pool.outbox.tick(0.0)
    line.transport.written = b""
    line.exchange = line.send()
    assert line.transport.written == b""
    line.pool.outbox.flush()
    assert line.transport.written == b"POST / HTTP/1.1\r\n\r\nbody"
    line.feed(SIZED)
    line.transport.written = b""
    line.send().abort()
    line.pool.outbox.flush()
    assert line.transport.written == b""


LARGE = bytes(range(256)) * (LARGE_BYTES_MIN // 128)
CUT = Spliced([LARGE[:7], memoryview(LARGE)[7:-3], LARGE[-3:]])


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("body", [b"small", LARGE, CUT])
def test_bodies_are_sent_whole_and_let_go(body: Body, tls: bool) -> None:
    """However a body is held it leaves behind its head, and what was sent is the transport's, not the exchange's."""
    line = Line(tls=tls)
    line.feed(SIZED)
    line.transport.written = b""
    exchange = line.send(b"HEAD ", body)
    assert line.transport.written == b"HEAD " + (body if isinstance(body, bytes) else b"".join(body.pieces))
    assert exchange.body == b""
    line.feed(SIZED)
    assert isinstance(answer_of(exchange), UpstreamResponse)
    assert line.pool.idle_connections == 2  # given back a second time


def _paused(line: Line, body: Body = CUT) -> Exchange:
    """A large body on its way through TLS, of which the transport took only the first bytes."""
    line.feed(SIZED)
    line.transport.written = b""
    line.connection.pause_writing()
    return line.send(b"HEAD ", body)


def test_a_large_body_through_tls_waits_for_the_provider() -> None:
    """While the transport is full nothing more is given to it; it gets one slice whenever there is room for one."""
    line = Line(tls=True)
    exchange = _paused(line)
    sizes = [len(line.transport.written)]
    assert sizes == [5] and line.transport.write_bytes_max == TLS_SLICE_BYTES
    write = line.transport.write
    while sizes[-1] < 5 + len(LARGE):
        line.transport.write = lambda data: (write(data), line.connection.pause_writing())  # type: ignore[method-assign]  # full again
        line.connection.resume_writing()
        sizes.append(len(line.transport.written))
        assert 0 < sizes[-1] - sizes[-2] <= TLS_SLICE_BYTES
    assert line.transport.written == b"HEAD " + LARGE
    line.transport.write = write  # type: ignore[method-assign]  # as it was
    line.connection.resume_writing()
    line.feed(SIZED)
    assert isinstance(answer_of(exchange), UpstreamResponse)
    assert line.pool.idle_connections == 2  # given back a second time


def test_an_answer_before_the_body_has_left_ends_the_connection() -> None:
    """The answer counts, but the rest of the body would follow on a connection that is used again."""
    line = Line(tls=True)
    exchange = _paused(line)
    line.feed(REFUSAL)
    response = answer_of(exchange)
    assert isinstance(response, UpstreamResponse) and response.status == 429
    assert line.transport.aborted and line.pool.idle_connections == 1  # from before
    line.connection.resume_writing()
    assert line.transport.written == b"HEAD "


@pytest.mark.parametrize("end", ["abort", "lost", "garbage"])
def test_nothing_more_of_a_body_is_sent_after_the_end(end: str) -> None:
    """Given up, cut or answered with nonsense: what had not left stays."""
    line = Line(tls=True)
    exchange = _paused(line)
    if end == "abort":
        exchange.abort()
    elif end == "lost":
        line.transport.lose(ConnectionResetError())
    else:
        line.feed(b"garbage\r\n\r\n")
    line.transport.closing = False
    line.connection.resume_writing()
    assert line.transport.written == b"HEAD "
