"""The control process tells the others what it has stored: the bookkeeper, who tells the workers, and the supervisor,
who compiles anew.

The bookkeeper is asked until it has answered, however often it is away in between; whoever changed something waits for
that only so long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from asbru.app.stored_feed import FEED_CHANGED

if TYPE_CHECKING:
    from asbru.link.link import Link

WAIT_S = 1.0
"""How long an answer of the API waits until the workers have been told."""
ANSWER_DEADLINE_S = 2.0
ASK_AGAIN_S = 0.1


class Announcer:
    """See the module; an `admin.act.Announce`. `compiles_feed`: whether what is in the feed alone is compiled, too, as
    the first virtual key is: it changes who needs one."""

    def __init__(
        self, link: Link, say_changed: Callable[[], None], compiles_feed: Callable[[], bool] = lambda: False
    ) -> None:
        self._link = link
        self._say_changed = say_changed
        self._compiles_feed = compiles_feed
        self._untold = False
        self._telling: asyncio.Task[None] | None = None

    async def __call__(self, *, feed: bool, snapshot: bool) -> None:
        """Tell whom it concerns."""
        if snapshot or (feed and self._compiles_feed()):
            self._say_changed()
        if feed:
            await self.tell_feed()

    async def tell_feed(self) -> None:
        """Tell the bookkeeper alone. At start, too: the last control process may have stored something and died before
        it said so. The supervisor needs no word then; it compiles before it starts this process, and when one dies."""
        self._untold = True
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell())
        await asyncio.wait((self._telling,), timeout=WAIT_S)

    async def close(self) -> None:
        """Tell nobody any more."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.wait((self._telling,))

    async def _tell(self) -> None:
        while self._untold:
            self._untold = False
            answered: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
            self._link.ask(FEED_CHANGED, b"", answered.set_result, ANSWER_DEADLINE_S)
            if await answered is None:
                self._untold = True
                await asyncio.sleep(ASK_AGAIN_S)
