"""One attempt: a request made for one target, sent, and its response judged and made for the caller.

What follows from an error (retry, cooldown, fallback) is decided in `attempts`.
"""

from __future__ import annotations

from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.large_bodies import in_thread
from asbru.pipeline.not_ready import pending_path, until_ready
from asbru.pipeline.open_stream import gather, may_be_whole, open_stream, response_passes, sends_bytes
from asbru.pipeline.responses import Response
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.said import said_of_reply
from asbru.pipeline.strict import check_losses
from asbru.pipeline.upstream_request import fits, fits_model, request_passes, write_request
from asbru.pipeline.whole_response import judge, pass_coded, show, translate
from asbru.upstream import LARGE_BYTES_MIN


async def send(call: Call, attempt: Attempt, rooms: Rooms) -> Response:  # noqa: C901, PLR0912, PLR0915 -- a test for each thing that may be off
    """A good response, or `UpstreamError`, or the refusal of a limit. A stream is good once its first content is in
    hand."""
    if call.lease is not None and not call.lease.covers(call, attempt):
        await call.lease.attempt(call, attempt)
    head = call.head
    endpoint = attempt.endpoint
    assert head is not None
    if call.dialect is not endpoint.dialect or call.stages:  # else both go as they are
        attempt.request_passes = request_passes(call, endpoint)
        attempt.response_passes = response_passes(call, endpoint)
    elif endpoint.dialect.passing.unfit:
        attempt.request_passes = fits(call, endpoint)
    if attempt.traits.refuse_members and attempt.request_passes:
        attempt.request_passes = fits_model(call, attempt.traits)
    if attempt.history:
        attempt.request_passes = False
    if attempt.request_passes or call.body_bytes <= LARGE_BYTES_MIN:
        body = write_request(call, attempt)
    else:
        body = await in_thread(rooms, lambda: write_request(call, attempt))
    if call.watched:
        check_losses(call, attempt)
    key_lines = attempt.key.lines
    if key_lines is None:
        key_lines = await attempt.key.credential.lines(endpoint.to_sign(call, attempt, body, rooms.unix_time()))
    request_head = endpoint.write_head(call, attempt, key_lines, len(body))
    asked_s = rooms.clock()
    in_pieces = head.stream or (call.operation.gives == "bytes" and sends_bytes(call, endpoint))
    exchange = endpoint.pool.begin(request_head, body, endpoint.deadlines, streaming_wanted=in_pieces)
    del body
    kept = False
    try:
        upstream = await exchange
        attempt.sent = True
        if upstream.streaming and call.operation.read_events is not None and may_be_whole(call, attempt, upstream):
            upstream = await gather(exchange, upstream, rooms=rooms)
        if upstream.streaming:
            response = await open_stream(call, attempt, exchange, upstream, rooms=rooms)
            kept = True  # the exchange goes on, and `deliver` ends it
            return response
        attempt.waited_s = rooms.clock() - asked_s
        text = judge(call, attempt, upstream, rooms)
        if not attempt.response_passes and (path := pending_path(call, endpoint, text)):
            until_s = asked_s + endpoint.deadlines.total_s
            upstream, text = await until_ready(call, attempt, path, key_lines, until_s=until_s, rooms=rooms)
        if call.cached is not None:
            call.cached.begin(endpoint.dialect, upstream.content_type)
            call.cached.take(text)
        if call.trace is not None and call.trace.sampled:
            call.reply_of = attempt, lambda: said_of_reply(call, endpoint.dialect, text)
        if not attempt.response_passes:
            response = await translate(call, attempt, upstream, text, rooms=rooms)
        else:
            if call.stages:
                await show(call, attempt, text, upstream.content_type, rooms=rooms)
            response = (
                pass_coded(call, upstream, text)
                if upstream.content_encoding
                else Response(upstream.status, upstream.lines, text)
            )
        attempt.outcome = "ok"
        return response
    finally:
        if not attempt.waited_s:  # until the first content of a stream, or until it failed
            attempt.waited_s = rooms.clock() - asked_s
            attempt.sent = attempt.sent or exchange.sent
        if not kept and not exchange.over:
            exchange.abort()
