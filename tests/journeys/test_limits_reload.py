"""Every bound of `limits`, changed by a reload while a connection is open: it holds from then on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from tests.fakes.upstream import FakeUpstream, Gate, Reply
from tests.fakes.waiting import until
from tests.journeys.caller import Caller, UpstreamResponse, chunked, request
from tests.journeys.gateway import Gateway, openai
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, chat
from tests.journeys.test_http_limits import HEAD

from asbru.app.snapshot import Limits, Overload

LIVEZ = request("/livez", method="GET")


class Scene:
    """A gateway with generous limits, a connection that was used under them, and its provider."""

    def __init__(self, gateway: Gateway, upstream: FakeUpstream, caller: Caller) -> None:
        self.gateway, self.upstream, self.caller = gateway, upstream, caller

    async def reload(self, **limits: float) -> None:
        """The new limits come. Pools of the old ones end."""
        self.gateway.swap(msgspec.structs.replace(self.gateway.snapshot, limits=Limits(**limits)))  # type: ignore[arg-type]  # numbers as the fields want them

    async def answer(self, data: bytes, status: int, name: str) -> UpstreamResponse:
        """What the open connection is answered; the error names the setting."""
        self.caller.send(data)
        answer = await self.caller.answer()
        assert answer.status == status
        assert f"limits.{name}" in answer.error["message"]
        return answer


async def head_bytes(scene: Scene) -> None:
    """A head that was short enough is too long."""
    await scene.reload(head_bytes_max=1024)
    await scene.answer(request("/livez", method="GET", headers=[f"X-A: {'a' * 2000}"]), 431, "head_bytes_max")


async def header_count(scene: Scene) -> None:
    """So are its headers too many, though the head is known."""
    await scene.reload(header_count_max=8)
    await scene.answer(request("/livez", method="GET", headers=["X-A: b"] * 9), 431, "header_count_max")


async def body_bytes(scene: Scene) -> None:
    """A body that does not tell its length."""
    await scene.reload(body_bytes_max=1024)
    await scene.answer(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"a" * 2000), 413, "body_bytes_max")


async def bodies_bytes(scene: Scene) -> None:
    """All bodies together."""
    await scene.reload(bodies_bytes_max=4096)
    await scene.answer(HEAD + b"Content-Length: 8192\r\n\r\n" + bytes(8000), 503, "bodies_bytes_max")


async def connections(scene: Scene) -> None:
    """The next connection is one too many."""
    await scene.reload(connections_max=1)
    async with scene.gateway.caller() as other:
        other.send(request(CHAT_PATH, chat()))
        answer = await other.answer()
        assert answer.status == 503 and "limits.connections_max" in answer.error["message"]


async def idle_timeout(scene: Scene) -> None:
    """The open connection has been idle for too long."""
    await scene.reload(idle_timeout_s=0.01)
    assert await scene.caller.hung_up() == b""


async def head_timeout(scene: Scene) -> None:
    """A head that does not end."""
    await scene.reload(head_timeout_s=0.01)
    await scene.answer(b"GET /", 408, "head_timeout_s")


async def body_timeout(scene: Scene) -> None:
    """A body that does not end."""
    await scene.reload(body_timeout_s=0.01)
    await scene.answer(HEAD + b"Content-Length: 9\r\n\r\n", 408, "body_timeout_s")


async def response_bytes(scene: Scene) -> None:
    """A provider's response that is too large."""
    await scene.reload(response_bytes_max=1024)
    scene.upstream.queue(Reply.json({**CHAT_REPLY, "x": "a" * 2000}))
    scene.caller.send(request(CHAT_PATH, chat()))
    assert (await scene.caller.answer()).status == 502


async def requests_in_flight(scene: Scene) -> None:
    """The second call at once is one too many."""
    await scene.reload(requests_in_flight_max=1)
    gate = Gate()
    scene.upstream.queue(Reply.json(CHAT_REPLY).but(before=(gate,)))
    first = asyncio.create_task(scene.gateway.call(CHAT_PATH, chat()))
    await gate.reached.arrive()
    await scene.answer(request(CHAT_PATH, chat()), 503, "requests_in_flight_max")
    gate.open()
    assert (await first).status == 200


CHANGES: dict[str, Callable[[Scene], Awaitable[None]]] = {
    "head_bytes_max": head_bytes,
    "header_count_max": header_count,
    "body_bytes_max": body_bytes,
    "bodies_bytes_max": bodies_bytes,
    "connections_max": connections,
    "idle_timeout_s": idle_timeout,
    "head_timeout_s": head_timeout,
    "body_timeout_s": body_timeout,
    "response_bytes_max": response_bytes,
    "requests_in_flight_max": requests_in_flight,
}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_limit_changes_on_reload(name: str) -> None:
    """For calls that begin later, on connections that are open already."""
    async with FakeUpstream() as upstream:
        gateway = Gateway(openai(upstream.url), overload=Overload(mode="drop"))
        async with gateway, gateway.caller() as caller:
            caller.send(LIVEZ)
            assert (await caller.answer()).status == 200
            await CHANGES[name](Scene(gateway, upstream, caller))
            await until(lambda: not gateway.lasting.load.in_flight, "calls have ended")


def test_every_limit_is_changed_here() -> None:
    """A new limit gets its test; that of `drain_grace_s` is in tests/app/test_worker.py."""
    assert {*CHANGES, "drain_grace_s"} == set(Limits.__struct_fields__)
