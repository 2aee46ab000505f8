"""What callers send in their bodies: content codings, and what may be streamed."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest

from asbru.core.errors import AsbruError, BadRequest, TooLarge
from asbru.pipeline.read_head import decode_body


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        (b"identity", b"{}"),
        (b"gzip", gzip.compress(b"{}", mtime=0)),
        (b"deflate", zlib.compress(b"{}")),
        (b"br", brotli.compress(b"{}")),
    ],
)
def test_bodies_are_decoded(coding: bytes, body: bytes) -> None:
    """Each coding a caller may use."""
    assert decode_body(coding, body, 100) == b"{}"


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        (b"compress", b"x", 415),
        (b"gzip, gzip", b"x", 415),
        (b"\xff", b"x", 415),
        (b"gzip", b"not gzip", 400),
        (b"gzip", gzip.compress(b"{}", mtime=0)[:-3], 400),
        (b"gzip", gzip.compress(bytes(101)), 413),
        (b"br", brotli.compress(bytes(10_000_000)), 413),
    ],
    ids=range(7),
)
def test_bodies_that_cannot_be_read_are_refused(coding: bytes, body: bytes, status: int) -> None:
    """Unknown codings, garbage, half a body, bombs: the caller's mistake, named."""
    with pytest.raises(AsbruError) as raised:
        decode_body(coding, body, 100)
    assert raised.value.status == status
    assert isinstance(raised.value, TooLarge if status == 413 else BadRequest)
