"""count_tokens for a target that does not count: counted here, by an open tokenizer, and marked as an estimate."""

from __future__ import annotations

from asbru.core.notes import Note
from asbru.pipeline.call import Call
from asbru.pipeline.responses import Response
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.stepper import in_task
from asbru.wire.http_heads import JSON_LINE


async def count_locally(call: Call, rooms: Rooms) -> Response:
    """The number of input tokens, as the dialect's own count gives it. Counting runs beside the loop."""
    write_count = call.operation.write_count
    assert write_count is not None
    canonical = call.read_canonical()

    async def count() -> int:
        return await rooms.loop.run_in_executor(None, rooms.count_tokens, canonical)

    tokens = await in_task(rooms.loop, count())
    call.notes += (Note("estimated", "input_tokens", "estimated by the gateway; the provider does not count tokens"),)
    return Response(200, JSON_LINE, write_count(tokens))
