"""A control process that hangs: calls go on, and what is asked of it does not take their place."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.caller import request
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, chat

WAITING = 200
"""More requests than the worker keeps connections to the control process."""


async def test_calls_go_on_while_the_control_process_hangs(tmp_path: Path) -> None:
    """Stopped, it answers nobody; the worker serves calls and its pages, also with many requests for it waiting."""
    async with (
        FakeUpstream() as upstream,
        Served(tmp_path, upstream.url, control={"enabled": True}) as served,
        asyncio.TaskGroup() as group,
    ):
        upstream.otherwise = Reply.json(CHAT_REPLY)
        assert (await served.call("/api/v1/status", method="GET")).status == 200
        (pid,) = served.children("asbru.app.control")
        os.kill(pid, signal.SIGSTOP)
        waiting = [served.caller() for _ in range(WAITING)]
        try:
            for one in waiting:
                await one.__aenter__()
                one.send(request("/api/v1/status", method="GET"))
            calls = [group.create_task(served.call(CHAT_PATH, chat())) for _ in range(20)]
            assert {(await call).status for call in calls} == {200}
            assert (await served.call("/livez", method="GET")).status == 200
            assert (await served.call("/v1/models", method="GET")).status == 200
        finally:
            os.kill(pid, signal.SIGCONT)
            for one in waiting:
                one.leave()
