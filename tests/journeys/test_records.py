"""Records over the management API, from a call to whoever looks."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.admin import Admin
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, chat

CONTROL = {"control": {"enabled": True}}
WAIT_S = 60.0


async def test_a_call_is_seen_live_and_in_the_overview(tmp_path: Path) -> None:
    """The live tail through the gateway's own port brings the record of a call while it is followed, and ends when the
    gateway stops; the call is in the overview soon after."""
    async with FakeUpstream() as upstream, Served(tmp_path, upstream.url, workers=2, **CONTROL) as served:
        upstream.on(CHAT_PATH, Reply.json(CHAT_REPLY))
        admin = Admin(served)
        await admin.set_up()
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        head = (
            f"GET /api/v1/records/live?outcome=ok HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {admin.token}\r\n\r\n"
        )
        writer.write(head.encode())
        async with asyncio.timeout(WAIT_S):
            await reader.readuntil(b":\n\n")
            assert (await served.call(CHAT_PATH, chat())).status == 200
            await reader.readuntil(b"event: record\ndata: ")
            record = json.loads((await reader.readuntil(b"\n\n")).decode())
        assert (record["status"], record["provider"], record["caller"]) == (200, "openai", "v0")
        shown = await admin.ask("GET", f"records/{record['id']}")
        assert shown["attempts_detail"][0]["outcome"] == "ok" and shown["bodies"] is None

        async def is_summed() -> bool:
            found = await admin.ask("GET", "overview?by=provider")
            return bool(found["totals"]["calls"] == 1 and found["groups"][0]["name"] == "openai")

        async with asyncio.timeout(WAIT_S):
            while not await is_summed():
                pass  # each look is a request
        served.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(WAIT_S):
            await reader.read()
        assert await served.ended() == 0
        writer.close()


async def test_bodies_are_recorded_where_a_key_says_so(tmp_path: Path) -> None:
    """Of a key that says so, as the caller sent and got them; of no other key."""
    async with FakeUpstream() as upstream, Served(tmp_path, upstream.url, **CONTROL) as served:
        upstream.on(CHAT_PATH, Reply.json(CHAT_REPLY))
        admin = Admin(served)
        await admin.set_up()
        made = await admin.ask("POST", "keys", {"name": "seen", "record_bodies": True}, 201)

        async def bodies(caller: str, count: int) -> Any:
            """Those of the last call of a key, once it has as many records."""
            async with asyncio.timeout(WAIT_S):
                while len(found := (await admin.ask("GET", f"records?caller={caller}"))["items"]) < count:
                    pass
            return await served.call(f"/api/v1/records/{found[0]['id']}/bodies", method="GET", key=admin.token)

        async with asyncio.timeout(WAIT_S):
            while (answer := await served.call(CHAT_PATH, chat(), key=made["value"])).status != 200:
                pass
        await served.call(CHAT_PATH, chat())
        assert (await bodies("v0", 1)).status == 404
        found = (await bodies("seen", 1)).json()
        assert json.loads(found["request"]["text"]) == chat() and not found["request"]["truncated"]
        assert found["response"]["text"].encode() == answer.body
