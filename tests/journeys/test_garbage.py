"""What a call leaves behind: no reference cycles, so that a worker may look for garbage rarely (decision 0006).

Not here: calls that end in an error, whose tracebacks are cycles, and translated streams, whose readers hold
themselves.
"""

from __future__ import annotations

import gc
from collections import Counter
from typing import Any

import pytest
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.gateway import Gateway, anthropic, openai
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, CHAT_STREAM, MESSAGES_REPLY, chat

CALLS = 20
OPENAI, ANTHROPIC = "openai/gpt-x", "anthropic/claude-x"


@pytest.mark.parametrize(
    ("body", "reply"),
    [
        (chat(OPENAI), Reply.json(CHAT_REPLY)),
        (chat(OPENAI, stream=True), Reply.events(*CHAT_STREAM)),
        (chat(ANTHROPIC), Reply.json(MESSAGES_REPLY)),
    ],
    ids=["whole", "stream", "translated"],
)
async def test_a_call_leaves_no_cycles(body: dict[str, Any], reply: Reply) -> None:
    """Whatever of ours a call made is freed by counting references, before any collection looks for it."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
        upstream.otherwise = reply
        assert (await gateway.call(CHAT_PATH, body)).status == 200
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            for _ in range(CALLS):
                await gateway.call(CHAT_PATH, body)
            await gateway.settle()
            gc.collect()
            ours = Counter(type(one).__qualname__ for one in gc.garbage if type(one).__module__.startswith("asbru."))
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()
        # What an earlier test leaves may go just now; what calls leave is there for each of them.
        assert {name for name, count in ours.items() if count >= CALLS} == set()
