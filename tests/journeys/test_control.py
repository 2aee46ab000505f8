"""The management API through the port that everybody uses: forwarded, refused, and away."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import APIRouter
from tests.fakes.upstream import FakeUpstream
from tests.journeys.caller import UpstreamResponse
from tests.journeys.gateway import Gateway, forwards
from tests.journeys.served import Served

from asbru.admin import OPEN, build_application
from asbru.app import control


@asynccontextmanager
async def serving(path: Path, *routers: APIRouter) -> AsyncIterator[None]:
    """The management API with made-up routers, as the control process serves it, in the test's own loop."""
    with control.listen(path) as listener:
        server = uvicorn.Server(control.server_config(build_application(routers, "1")))
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield
        finally:
            server.should_exit = True
            await task


async def test_a_new_route_is_one_router(tmp_path: Path) -> None:
    """A made-up router, handed to the builder, answers through the gateway's own listener; no key is asked for."""
    router = APIRouter(prefix="/sheep")

    @router.post("/{name}", openapi_extra=OPEN)
    async def count(name: str, sheep: list[int]) -> dict[str, Any]:
        return {"name": name, "count": len(sheep)}

    @router.get("")
    async def look() -> None:
        raise AssertionError("nobody may")

    path = tmp_path / "c"
    async with serving(path, router), Gateway(forwards=forwards("/api", str(path))) as gateway:
        answer = await gateway.call("/api/v1/sheep/dolly", b"[1, 2, 3]", headers=["Content-Type: application/json"])
        assert (answer.status, answer.json()) == (200, {"name": "dolly", "count": 3})
        refused = await gateway.call("/api/v1/sheep", method="GET")
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Bearer")
        assert (await gateway.call("/api/v1/goats", method="GET")).status == 404


async def test_the_control_process_may_die(tmp_path: Path) -> None:
    """Switched on it answers through every worker; killed, it is 503 with Retry-After until there is another."""

    async def answered(status: int) -> UpstreamResponse:
        async with asyncio.timeout(60):
            while (answer := await served.call("/api/v1/status", method="GET")).status != status:
                assert (await served.call("/livez", method="GET")).status == 200
            return answer

    on = {"control": {"enabled": True}}
    async with FakeUpstream() as upstream, Served(tmp_path, upstream.url, workers=2, **on) as served:
        for _ in range(4):
            assert (await served.call("/api/v1/status", method="GET")).json()["name"] == "asbru"
        (pid,) = served.children("asbru.app.control")
        os.kill(pid, signal.SIGKILL)
        away = await answered(503)  # another takes half a second to start
        assert (away.headers["retry-after"], away.error["code"]) == ("1", "unavailable")
        await answered(200)
        assert served.children("asbru.app.control") != [pid]


async def test_switched_off_there_is_nothing(tmp_path: Path) -> None:
    """By default there is no such process, and its paths are not found."""
    async with FakeUpstream() as upstream, Served(tmp_path, upstream.url) as served:
        assert served.children("asbru.app.control") == []
        assert (await served.call("/api/v1/status", method="GET")).status == 404
