"""One request to one provider as it stands, for calls that no model's head describes: passthrough, files, batches.

A key is chosen as for any call, and shown as for any call. What fails says nothing about how models are served, so no
key cools down and no circuit opens for it. A request is sent again only if that does no harm: with a safe method, or if
nothing was sent. Not here: what is asked, and what is made of the response.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final, NamedTuple

import msgspec

from asbru.core.errors import AsbruError, NotFound, UpstreamError
from asbru.pipeline.attempts import conclude, is_retried
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.endpoint import NO_KEY, Endpoint
from asbru.pipeline.failures import tried_again
from asbru.pipeline.outgoing import Outgoing
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.stepper import pause
from asbru.pipeline.whole_response import refusal
from asbru.routing import Key, Target, choose_key, retry_pause_s
from asbru.upstream import Exchange, UpstreamResponse

SAFE_METHODS: Final = frozenset({b"GET"})


class Answered(NamedTuple):
    """A good response; `exchange` must be aborted in a `finally`, where it is streamed."""

    upstream: UpstreamResponse
    exchange: Exchange


def key_for(target: Target, rooms: Rooms) -> Key:
    """The key to ask with. Raises `NotFound` where none of the provider's may be used."""
    provider = target.provider
    if provider.keyless:
        return NO_KEY
    key = choose_key(target, (), rooms.clock(), chance=rooms.chance())
    if key is None:
        about = f"the model '{target.model[:200]}'" if target.model else "calls that name no model"
        raise NotFound(f"no key of '{provider.name}' can be used for {about} now", code="no_key_available")
    return key


async def ask(
    call: Call, target: Target, key: Key, outgoing: Outgoing, *, endpoint: Endpoint, rooms: Rooms
) -> Answered:
    """Send it to the target's endpoint, and again where that does no harm. Raises `UpstreamError`, also for a response
    that is no good one, and the refusal of a limit."""
    policy = target.provider.retries
    call.target = target
    retries = 0
    while True:
        made = Attempt(target, key, endpoint, rooms.clock())
        made.served_model = target.model  # as the caller wrote it into the body
        call.attempts += (made,)
        try:
            return await _send(call, made, outgoing, rooms)
        except AsbruError as error:
            conclude(call, made, error, rooms)
            harmless = outgoing.method in SAFE_METHODS or not made.sent
            if not (harmless and isinstance(error, UpstreamError) and is_retried(error)) or retries >= policy.max:
                raise
            tried_again(made, key, error, rooms)
        await pause(rooms.loop, retry_pause_s(retries, policy.pause_initial_s, policy.pause_max_s, rooms.chance()))
        retries += 1


async def _send(call: Call, made: Attempt, outgoing: Outgoing, rooms: Rooms) -> Answered:
    if call.lease is not None:
        await call.lease.attempt(call, made)
    endpoint = made.endpoint
    head = endpoint.write_plain_head(call, outgoing, b"")
    key_lines = made.key.lines
    if key_lines is None:
        key_lines = await made.key.credential.lines(endpoint.signed_part(head, outgoing.body, rooms.unix_time()))
    deadlines = endpoint.deadlines
    if outgoing.streamed:  # its head may come only when all of it is ready
        deadlines = msgspec.structs.replace(deadlines, first_token_s=deadlines.total_s)
    asked_s = rooms.clock()
    exchange = endpoint.pool.begin(
        endpoint.write_plain_head(call, outgoing, key_lines),
        outgoing.body,
        deadlines,
        streaming_wanted=outgoing.streamed,
    )
    with _closing(exchange):
        try:
            upstream = await exchange
            made.sent, made.status = True, upstream.status
        finally:
            made.waited_s = rooms.clock() - asked_s
            made.sent = made.sent or exchange.sent
        if upstream.status >= 300:
            raise refusal(upstream, endpoint.dialect, rooms)
    return Answered(upstream, exchange)


@contextmanager
def _closing(exchange: Exchange) -> Generator[None]:
    """Give the exchange up where it came to nothing."""
    try:
        yield
    except BaseException:
        if not exchange.over:
            exchange.abort()
        raise
