"""Reading TLS by records: the same bytes, and no more room made for them than they need."""

from __future__ import annotations

import ssl
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.fakes.tls import Authority

from asbru.upstream import TlsContexts, read_by_records
from asbru.upstream.origin import TlsTrust
from asbru.upstream.tls_records import RECORD_BYTES_MAX

ASKED = 256 * 1024
"""What event loops ask for."""
DATA = bytes(range(256)) * 400


class Pair:
    """A client and a server that have shaken hands, in memory."""

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder)
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = TlsContexts().context(TlsTrust(ca_pem=authority.ca_pem))
        server = read_by_records(authority.server_context())
        self.client = client.wrap_bio(to_client, to_server, server_hostname="localhost")
        self.server = server.wrap_bio(to_server, to_client, server_side=True)
        for _ in range(3):
            for side in (self.client, self.server):
                with suppress(ssl.SSLWantReadError):
                    side.do_handshake()


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def reads(side: ssl.SSLObject) -> Iterator[bytes]:
    """All that is there."""
    with suppress(ssl.SSLWantReadError):
        while data := side.read(ASKED):
            yield data


def test_both_sides_read_records(pair: Pair) -> None:
    """All bytes arrive in their order, at most a record with each read."""
    for writer, reader in ((pair.client, pair.server), (pair.server, pair.client)):
        writer.write(DATA)
        got = list(reads(reader))
        assert b"".join(got) == DATA
        assert len(got) > 1 and max(map(len, got)) <= RECORD_BYTES_MAX


def test_less_may_be_asked_for(pair: Pair) -> None:
    """Also into a buffer."""
    pair.client.write(DATA)
    buffer = bytearray(7)
    assert pair.server.read(5) == DATA[:5]
    assert pair.server.read(7, buffer) == 7 and buffer == DATA[5:12]
    assert b"".join(reads(pair.server)) == DATA[12:]


def test_no_more_room_than_a_record_needs(pair: Pair) -> None:
    """A read that asks for 256 KiB does not take them, not even for a moment."""
    pair.client.write(b"x" * 100)
    tracemalloc.start()
    try:
        assert pair.server.read(ASKED) == b"x" * 100
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < 2 * RECORD_BYTES_MAX
