"""One attempt: a request made for one target, sent, and its response judged and made for the caller.

What follows from an error (retry, cooldown, fallback) is decided in `attempts`.
"""

from __future__ import annotations

from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.open_stream import open_stream, response_passes
from asbru.pipeline.responses import Response
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.upstream_request import request_passes, write_request
from asbru.pipeline.whole_response import judge, pass_on, show, translate


async def send(call: Call, attempt: Attempt, rooms: Rooms) -> Response:
    """A good response, or `UpstreamError`. A stream is good once its first content is in hand."""
    head = call.head
    endpoint = attempt.endpoint
    assert head is not None
    if not request_passes(call, endpoint):
        attempt.request_passes = False
    if not response_passes(call, endpoint):
        attempt.response_passes = False
    body = write_request(call, attempt)
    request_head = endpoint.write_head(call, attempt, len(body))
    exchange = endpoint.pool.begin(request_head, body, endpoint.deadlines, streaming_wanted=head.stream)
    del body
    kept = False
    try:
        upstream = await exchange
        if upstream.streaming:
            response = await open_stream(call, attempt, exchange, upstream)
            kept = True  # the exchange goes on, and `deliver` ends it
            return response
        text = judge(call, attempt, upstream, rooms)
        if attempt.response_passes:
            if call.stages:
                await show(call, attempt, text, rooms)
            response = pass_on(call, upstream, text)
        else:
            response = await translate(call, attempt, upstream, text, rooms=rooms)
        attempt.outcome = "ok"
        return response
    finally:
        attempt.sent = exchange.sent
        if not kept and not exchange.over:
            exchange.abort()
