"""What a provider has only begun when it responds: it is asked again until it is done, under the attempt's deadline.

Not here: how a response tells that it is not done (`Shape.pending`).
"""

from __future__ import annotations

from typing import Final

from asbru.core.errors import UpstreamError
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.endpoint import Endpoint
from asbru.pipeline.outgoing import Outgoing
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.stepper import pause
from asbru.pipeline.whole_response import judge
from asbru.upstream import UpstreamResponse

PAUSE_S: Final = 1.0
"""Between two questions. Providers that hold a request until its end answer the first one nearly always."""


def pending_path(call: Call, endpoint: Endpoint, body: bytes) -> str:
    """Where to ask again, below the provider's base URL; "" for what is done."""
    operation = endpoint.dialect.operation(call.operation.name)
    shape = None if operation is None else operation.shape
    return "" if shape is None else shape.pending(body)


async def until_ready(
    call: Call, attempt: Attempt, path: str, key_lines: bytes, *, until_s: float, rooms: Rooms
) -> tuple[UpstreamResponse, bytes]:
    """The response that is done, and its body, judged. Raises `UpstreamError`, also where it is not done in time."""
    endpoint = attempt.endpoint
    while True:
        if rooms.clock() + PAUSE_S > until_s:
            raise UpstreamError(
                f"'{attempt.target.provider.name}' has not finished within "
                f"{endpoint.deadlines.total_s:g} s (total_s of this provider)",
                kind="deadline",
                status=504,
                code="upstream_timeout",
            )
        await pause(rooms.loop, PAUSE_S)
        head = endpoint.write_plain_head(call, Outgoing(b"GET", path.encode()), key_lines)
        exchange = endpoint.pool.begin(head, b"", endpoint.deadlines, streaming_wanted=False)
        try:
            upstream = await exchange
        finally:
            if not exchange.over:
                exchange.abort()
        body = judge(call, attempt, upstream, rooms)
        path = pending_path(call, endpoint, body)
        if not path:
            return upstream, body
