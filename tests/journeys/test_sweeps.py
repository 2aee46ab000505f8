"""Deadlines hold whatever goes wrong in a sweep: one error must not leave a worker without any."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fakes.upstream import STALL, FakeUpstream, Reply
from tests.fakes.waiting import until
from tests.journeys.gateway import Gateway, anthropic, deadlines, openai
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, chat


def broken(*_: Any) -> None:
    """What a bug in a sweep does, each time."""
    raise OverflowError("too large")


@pytest.mark.parametrize("where", ["server", "pool"])
async def test_deadlines_hold_while_a_sweep_fails(
    where: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider that is silent is given up in time, in the sweep of another part and of another pool; the log says
    what is wrong, once."""
    async with (
        FakeUpstream() as good,
        FakeUpstream() as silent,
        Gateway(anthropic(good.url), openai(silent.url, deadlines=deadlines(total_s=0.3))) as gateway,
    ):
        good.otherwise = Reply.json(CHAT_REPLY)
        if where == "server":
            gateway.server.sweeps.insert(0, broken)
        else:
            monkeypatch.setattr(next(iter(gateway.lasting.pools.values())), "sweep", broken)
        silent.queue(Reply.raw(STALL))
        assert (await gateway.call(CHAT_PATH, chat())).status == 504
        seen = len(capsys.readouterr().err.split("OverflowError: too large")) - 1
        assert seen == 1
        swept: list[float] = []
        gateway.server.sweeps.append(swept.append)
        await until(lambda: len(swept) > 2, "more sweeps")
        assert "OverflowError" not in capsys.readouterr().err
        monkeypatch.undo()
