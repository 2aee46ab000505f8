"""Bodies of 2.4 million members, one after the other, to both surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.attacks.rows import Row, at_least
from tests.attacks.watch import Watch
from tests.fakes.upstream import FakeUpstream
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH, MESSAGES_PATH

MEMBERS = 2_400_000


async def attack(folder: Path) -> Sequence[Row]:
    """See the module."""
    body = b'{"model":"openai/m",' + b",".join(b'"m%d":1' % number for number in range(MEMBERS)) + b"}"
    refused = 0
    async with FakeUpstream() as upstream, Served(folder, upstream.url) as served, Watch(served) as watch:
        for path in (CHAT_PATH, MESSAGES_PATH, CHAT_PATH):
            refused += (await served.call(path, body)).status == 400
    return [at_least("elements: bodies refused", refused, "", 3), *watch.rows("elements")]
