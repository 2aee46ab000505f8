"""Nearly too many connections: what is idle makes room, probes are answered, and handshakes count."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from tests.fakes.tls import Authority
from tests.fakes.waiting import until
from tests.journeys.caller import request
from tests.journeys.gateway import Gateway, openai
from tests.journeys.test_http_limits import HEAD, NOWHERE

from asbru.app.snapshot import Limits
from asbru.edge.server.capacity import IDLE_MIN_S


async def idle_for_long(gateway: Gateway, count: int) -> None:
    """So many connections have been idle for long enough to be closed."""
    server = gateway.server

    def long_idle() -> int:
        since = [one.idle_since_s for one in server.connections]
        return sum(one is not None and server.tick_s - one >= IDLE_MIN_S for one in since)

    await until(lambda: long_idle() == count, "they have been idle")


async def test_probes_when_connections_are_full() -> None:
    """`/livez` is answered once on a connection above the bound; one that asks nothing is refused soon."""
    async with Gateway(openai(NOWHERE), limits=Limits(connections_max=1)) as gateway, gateway.caller() as first:
        first.send(HEAD)
        await until(lambda: bool(gateway.server.connections), "the connection is there")
        async with gateway.caller() as silent, gateway.caller() as probe:
            probe.send(request("/livez", method="GET") * 2)
            answer = await probe.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert await probe.hung_up() == b""
            assert (await silent.answer()).status == 503


async def test_idle_connections_make_room(capsys: pytest.CaptureFixture[str]) -> None:
    """Connections that have been idle longest are closed for a newcomer, which the log says, and those that ask for
    something are not."""
    async with (
        Gateway(openai(NOWHERE), limits=Limits(connections_max=2)) as gateway,
        gateway.caller() as asking,
        gateway.caller() as idle,
    ):
        asking.send(HEAD)
        idle.send(request("/livez", method="GET"))
        assert (await idle.answer()).status == 200
        await idle_for_long(gateway, 1)
        async with gateway.caller() as third:
            third.send(request("/livez", method="GET"))
            assert "connection" not in (await third.answer()).headers
            assert await idle.hung_up() == b""
            assert "the limit of connections is nearly reached" in capsys.readouterr().err
            asking.send(b"Content-Length: 0\r\n\r\n")
            assert (await asking.answer()).status == 400


async def test_tls_connections_count_before_their_handshake(tmp_path: Path) -> None:
    """Connections that never shake hands take room, but not for long: the oldest make room for who does."""
    authority, limits = Authority(tmp_path), Limits(connections_max=2)
    async with Gateway(openai(NOWHERE), limits=limits, tls=authority.server_context()) as gateway:
        server = gateway.server
        async with gateway.caller() as one, gateway.caller() as other:
            await until(lambda: len(server.handshakes) == 2, "both are counted")
            await until(
                lambda: all(server.tick_s - one.waits_since_s >= IDLE_MIN_S for one in server.handshakes), "time"
            )
            client = ssl.create_default_context(cadata=authority.ca_pem)
            async with gateway.caller(tls=client) as caller:
                caller.send(request("/livez", method="GET"))
                assert (await caller.answer()).status == 200
                assert await one.hung_up() == b""
                assert not server.spare and len(server.handshakes) <= 1
                other.writer.write(b"no handshake")
                await until(lambda: not server.handshakes, "a handshake that fails counts no more")
