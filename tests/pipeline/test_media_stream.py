"""Streams of images and audio, in process: what a provider's error may not tell."""

from __future__ import annotations

import pytest
from tests.fakes.inside import Inside, provider

from asbru.app.snapshot import Snapshot

HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n\r\n"
PARTIAL = b'data: {"type":"image_generation.partial_image","b64_json":"QUJD"}\n\n'
FAULT = b'event: error\ndata: {"type":"error","error":{"message":"Incorrect API key: secret-x-1"}}\n\n'


@pytest.mark.parametrize("last", [FAULT, FAULT[:-2]], ids=["whole", "without its line ends"])
@pytest.mark.parametrize("together", [True, False])
def test_an_error_inside_does_not_tell_the_providers_key(
    monkeypatch: pytest.MonkeyPatch, together: bool, last: bytes
) -> None:
    """As in streams of chats: the event goes along, and what Asbru showed to the provider does not."""
    inside = Inside(Snapshot(providers=(provider("x", operations=("chat", "images")),)), monkeypatch)
    pieces = (PARTIAL, PARTIAL + last) if together else (PARTIAL, last)
    inside.script("x", (HEAD, *(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces), b"0\r\n\r\n"))
    caller = inside.call("/v1/images/generations", {"model": "x/m", "prompt": "a cat", "stream": True})
    assert caller.body.startswith(PARTIAL) and b"Incorrect API key" in caller.body
    assert b"secret-x-1" not in caller.answer
    (row,) = inside.recorder.rows
    assert row["outcome"] != "ok" and "secret-x-1" not in row["error_message"]
