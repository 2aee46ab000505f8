"""The proof "feed": what is changed over the management API holds on every worker within two seconds.

Calls go on meanwhile, each on a new connection, so that all workers are met; the figure is when the last of those began
that still saw what was before.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.admin import Admin
from tests.journeys.caller import UpstreamResponse
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, MESSAGES_REPLY, chat
from tests.proofs.rows import Row, at_most

REACHES_S_MAX = 2.0
WATCHED_S = 4.0
_CALLERS = 4
_IN_A_ROW = 30
"""New connections, one after the other, that meet each of three workers but for one chance in 200,000."""

_Sees = Callable[[UpstreamResponse], bool]


async def prove_feed(folder: Path, *, watched_s: float = WATCHED_S, most_s: float = REACHES_S_MAX) -> Sequence[Row]:
    """A new key, a limit of it, a rule, and its end. `watched_s`: how long calls go on after a change."""
    async with (
        FakeUpstream() as upstream,
        Served(folder, upstream.url, workers=3, control={"enabled": True}) as served,
    ):
        upstream.otherwise = lambda seen: Reply.json(MESSAGES_REPLY if "messages" in seen.path else CHAT_REPLY)
        admin = Admin(served)
        await admin.set_up()
        made = await admin.ask("POST", "keys", {"name": "fed"}, 201)
        changes: list[tuple[str, Callable[[], Any], _Sees]] = [
            (
                "a routing rule",
                lambda: admin.ask("POST", "routing-rules", _RULE, 201),
                lambda seen: seen.headers.get("x-asbru-provider") == "anthropic",
            ),
            (
                "a limit of a key",
                lambda: admin.ask("PATCH", "keys/fed", {"rate_limits": [_LIMIT]}),
                lambda seen: seen.status == 429,
            ),
            (
                "the end of a key",
                lambda: admin.ask("DELETE", "keys/fed", status=204),
                lambda seen: seen.status == 401,
            ),
        ]
        watch = _Watch(served, made["value"])
        await watch.settle(lambda seen: seen.status == 200)
        rows: list[Row] = []
        for name, change, sees in changes:
            await change()
            late_s = await watch.last_stale_s(sees, watched_s)
            rows.append(at_most(f"feed: {name} reaches 3 workers", round(late_s, 2), "s", most_s))
        return rows


_RULE = {"name": "elsewhere", "to": [{"provider": "anthropic"}]}
_LIMIT = {"metric": "requests", "amount": 1, "window": "1d"}


class _Watch:
    def __init__(self, served: Served, key: str) -> None:
        self._served = served
        self._key = key

    async def settle(self, sees: _Sees) -> None:
        """Until every worker is likely to have been met, and has the key."""
        in_a_row = 0
        while in_a_row < _IN_A_ROW:
            in_a_row = in_a_row + 1 if sees(await self._ask()) else 0

    async def last_stale_s(self, sees: _Sees, watched_s: float) -> float:
        """When the last call began that did not see the change; calls go on until `watched_s` have passed."""
        began_s = time.monotonic()
        last_s = 0.0

        async def go_on() -> None:
            nonlocal last_s
            while (now_s := time.monotonic() - began_s) < watched_s:
                if not sees(await self._ask()):
                    last_s = max(last_s, now_s)

        async with asyncio.TaskGroup() as group:
            for _ in range(_CALLERS):
                group.create_task(go_on())
        return last_s

    async def _ask(self) -> UpstreamResponse:
        return await self._served.call(CHAT_PATH, chat(), key=self._key)
