"""Streams and errors of a few kilobytes that decode to gigabytes, and pages that are slow to search."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import brotli
from tests.attacks.rows import Row
from tests.attacks.watch import Watch
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH, CHAT_WORDS, MESSAGES_PATH, chat, messages

_CALLS = 8


async def attack(folder: Path) -> Sequence[Row]:
    """See the module."""
    coded = {"content-encoding": "br"}
    bomb = brotli.compress(CHAT_WORDS[0] + b": " + bytes(1_000_000_000), quality=1)
    page = b"<title" * 1_000_000
    async with FakeUpstream() as upstream, Served(folder, upstream.url) as served:
        rows: list[Row] = []
        for name, reply in (
            ("decoding: streams", Reply.events(bomb, **coded)),
            ("decoding: errors", Reply.body(bomb, status=500, **coded)),
            ("searching: error pages", Reply.body(page, "text/html", 500)),
        ):
            upstream.otherwise = reply
            async with Watch(served) as watch:
                for path, body in (
                    (CHAT_PATH, chat("openai/m", stream=True)),
                    (MESSAGES_PATH, messages("openai/m", stream=True)),
                ):
                    await asyncio.gather(*(served.call(path, body) for _ in range(_CALLS)))
            rows += watch.rows(name)
        return rows
