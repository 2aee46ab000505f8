"""Heads of answers: what is kept of them does not depend on what was remembered of earlier ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.wounds import wounds
from tests.upstream.test_connection import Line, outcome

from asbru.core.errors import UpstreamError
from asbru.upstream.exchange import UpstreamResponse
from asbru.upstream.response_headers import (
    RESPONSE_HEADERS_MAX,
    SHAPE_BYTES_MAX,
    SHAPES_LEARNED_MAX,
    SHAPES_MAX,
    HeadShapes,
    allowed_lines,
    is_allowed,
)

Headers = list[tuple[bytes, bytes]]

NAMES = [
    *(b"Date", b"content-type", b"Content-Encoding", b"CONTENT-ENCODING", b"content-length", b"Set-Cookie"),
    *(b"x-request-id", b"X-RateLimit-Remaining-Tokens", b"x-ratelimit-", b"request-id", b"retry-after"),
    *(b"openai-version", b"openai-organization", b"anthropic-organization-id", b"Anthropic-RateLimit-x"),
    *(b"x", b"(a+)+", b"[^\\r]*", b"x-groq-region", b"Connection"),
]
names = st.sampled_from(NAMES)
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12).map(str.encode)
headers = st.lists(st.tuples(names, values), max_size=12)


def head(fields: Headers, status: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """A head as it stands on the wire, and a body behind it."""
    lines = b"".join(b"%b: %b\r\n" % field for field in fields)
    return b"%b\r\n%b\r\n" % (status, lines) + b"x-request-id: in the body\r\n\r\n"


def kept(data: bytes) -> tuple[bytes, bytes]:
    """What a reader without memory keeps."""
    return HeadShapes().read(data)


@given(st.lists(headers, min_size=1, max_size=3), st.data())
def test_memory_changes_nothing(shapes: list[Headers], data: st.DataObject) -> None:
    """Heads whose names came before, in whatever order the shapes follow each other, are read as ever."""
    heads = HeadShapes()
    for _ in range(8):
        fields = [(name, data.draw(values)) for name, _ in data.draw(st.sampled_from(shapes))]
        seen = head(fields)
        assert heads.read(seen) == kept(seen)


def test_what_is_kept() -> None:
    """Lines of the allow-list as they stand, in their order, and the coding in lower case."""
    seen = head([(b"Date", b"d"), (b"X-Request-Id", b"1"), (b"set-cookie", b"s"), (b"Content-Encoding", b" GZip ")])
    heads = HeadShapes()
    for _ in range(4):
        assert heads.read(seen) == (b"X-Request-Id: 1\r\nContent-Encoding:  GZip \r\n", b"gzip")
    bare = head([(b"Date", b"d")])
    for _ in range(4):
        assert heads.read(bare) == (b"", b"")
        assert heads.read(head([])) == (b"", b"")


def test_another_spelling_or_order_is_another_shape() -> None:
    """A shape fits the names that made it and no others."""
    heads = HeadShapes()
    usual: Headers = [(b"date", b"d"), (b"x-request-id", b"1"), (b"server", b"s")]
    for _ in range(3):
        heads.read(head(usual))
    for fields in (usual[::-1], usual[:2], [*usual, usual[1]], [(b"retry-after", b"9"), *usual[1:]]):
        seen = head(fields)
        assert heads.read(seen) == kept(seen)


def test_any_status_line_fits() -> None:
    """Errors of an origin may have the shape of its answers."""
    heads = HeadShapes()
    for status in (b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK", b"HTTP/1.0 429 ", b"HTTP/1.1 529"):
        assert heads.read(head([(b"retry-after", b"1")], status)) == (b"retry-after: 1\r\n", b"")


def test_memory_is_bounded() -> None:
    """An origin that changes its shape for ever makes nothing grow, and is given up."""
    heads = HeadShapes()
    for number in range(SHAPES_LEARNED_MAX * 3):
        seen = head([(b"x-%d" % number, b"1"), (b"x-request-id", b"%d" % number)])
        for _ in range(3):
            assert heads.read(seen) == kept(seen)
        assert len(heads._shapes) <= SHAPES_MAX  # pyright: ignore[reportPrivateUsage] -- the bound itself
        assert len(heads._seen) <= SHAPES_LEARNED_MAX  # pyright: ignore[reportPrivateUsage] -- the bound itself
    assert heads._learned == SHAPES_LEARNED_MAX  # pyright: ignore[reportPrivateUsage] -- the bound itself


def test_long_heads_are_not_remembered() -> None:
    """A shape costs memory by its names."""
    heads = HeadShapes()
    seen = head([(b"x-" + b"y" * SHAPE_BYTES_MAX, b"1"), (b"x-request-id", b"1")])
    for _ in range(3):
        assert heads.read(seen) == kept(seen)
    assert not heads._shapes  # pyright: ignore[reportPrivateUsage] -- the bound itself


def test_too_many_headers_are_refused() -> None:
    """Once more than the limit is more than a provider ever sends."""
    heads = HeadShapes()
    heads.read(head([(b"a", b"1")] * RESPONSE_HEADERS_MAX))
    with pytest.raises(ValueError, match="over 256 headers"):
        heads.read(head([(b"a", b"1")] * (RESPONSE_HEADERS_MAX + 1)))


@given(names, values)
def test_one_rule(name: bytes, value: bytes) -> None:
    """What is allowed by name is what is found in a head."""
    data = b"HTTP/1.1 200 OK\r\n%b: %b" % (name, value)
    assert is_allowed(name) == bool(allowed_lines(data, len(data)))


ANSWER = (
    b"HTTP/1.1 200 OK\r\nDate: d\r\nRequest-Id: r\r\nConnection: keep-alive\r\nContent-Encoding: br\r\n"
    b"Content-Length: 2\r\nServer: s\r\n\r\n{}"
)
WOUNDS = (b"", b"\r\n", b"\r", b"\n", b"0", b":", b" ", b"\0", b"\r\n\r\n", b"\r\nx: ")


def made_of(data: bytes, *before: bytes) -> object:
    """What a connection makes of `data` after the answers `before`: an answer's parts, or words about its error."""
    line = Line()
    for earlier in before:
        line.feed(earlier)
        line.exchange = line.send()
    line.feed(data)
    line.connection.connection_lost(None)
    response = outcome(line.exchange)
    if isinstance(response, UpstreamError):
        return response.kind, response.message
    assert isinstance(response, UpstreamResponse | None)
    return response and (response.status, response.lines, response.content_encoding, response.body)


@pytest.mark.parametrize("new", WOUNDS)
def test_wounded_answers_fare_the_same_with_and_without_memory(new: bytes) -> None:
    """Wherever up to three bytes are missing or others stand, an origin whose shapes are known is read as a new one."""
    for data in wounds(ANSWER, new):
        assert made_of(data, ANSWER, ANSWER) == made_of(data), data
