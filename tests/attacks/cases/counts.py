"""Counts of tokens that nobody can have used, in answer after answer: the worker keeps its deadlines and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.attacks.rows import Row, at_least, at_most
from tests.attacks.watch import Watch
from tests.fakes.upstream import STALL, FakeUpstream, Reply
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, MESSAGES_PATH, MESSAGES_REPLY, chat, messages

_DEADLINE_S = 1.0


async def attack(folder: Path) -> Sequence[Row]:
    """See the module."""
    async with FakeUpstream() as upstream:
        provider = {
            "type": "custom",
            "base_url": f"{upstream.url}/v1",
            "allow_loopback": True,
            "retries": {"max": 0},
            "keys": [{"name": "k", "value": "sk-up"}],
            "deadlines": {"total_s": _DEADLINE_S},
        }
        providers = {name: {**provider, "dialect": name} for name in ("openai", "anthropic")}
        async with Served(folder, upstream.url, providers=providers) as served, Watch(served) as watch:
            for count in (2**64, 2**63, 2**63, 2**40 - 1):
                usage = {"prompt_tokens": count, "completion_tokens": count, "total_tokens": count}
                upstream.queue(Reply.json({**CHAT_REPLY, "usage": usage}))
                await served.call(CHAT_PATH, chat())
                upstream.queue(
                    Reply.json({**MESSAGES_REPLY, "usage": {"input_tokens": count, "output_tokens": count}})
                )
                await served.call(MESSAGES_PATH, messages())
            upstream.queue(Reply.raw(STALL))
            late = (await served.call(CHAT_PATH, chat())).status
            scraped = (await served.call("/metrics", method="GET")).status
            bugs = served.log.read_text().count("a bug")
    return [
        at_least("counts: a late provider is given up (status)", late, "", 504),
        at_most("counts: metrics are there (status)", scraped, "", 200),
        at_most("counts: bugs in the log", bugs, "", 0),
        *watch.rows("counts"),
    ]
