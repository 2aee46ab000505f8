"""The guide on the Responses API: its commands run, in order, each with the id that the one before it gave."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

from tests.fakes.stored_responses import OBJECT_KEYS, StoredHere
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.gateway import Gateway, openai
from tests.journeys.talk import CHAT_REPLY

from asbru.storage import sqlite_url

GUIDE = Path(__file__).resolve().parent.parent.parent / "docs" / "guides" / "responses.md"


def test_the_commands_go_on_from_each_other(tmp_path: Path) -> None:
    """The second request sends only what is new, and its model reads all of it."""
    asyncio.run(_in_order(tmp_path))


async def _in_order(tmp_path: Path) -> None:
    calls = re.findall(r"^send (/\S+) '(.*)'$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(calls) == 2
    stored = StoredHere(sqlite_url(tmp_path / "asbru.sqlite"))
    async with FakeUpstream() as upstream:
        facts = openai(upstream.url, name="mock")
        async with Gateway(facts, response_index=stored.index, object_keys=OBJECT_KEYS) as gateway:
            upstream.queue(*(Reply.json(CHAT_REPLY) for _ in calls))
            last = ""
            for path, body in calls:
                answer = await gateway.call(path, json.loads(body.replace('"ID"', json.dumps(last))))
                assert answer.status == 200, answer.body
                last = answer.json()["id"]
        said = [one["content"] for one in upstream.requests[-1].json()["messages"]]
        assert (said[0], said[-1], len(said)) == ("one", "two", 3)
    stored.table.close()
