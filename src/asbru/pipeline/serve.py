"""THE PATH: one call, from the door to its record. `serve` is the frame, `model_call` the middle of those to a model.
The order is the product's promise. Not here: what a step does, which is its own file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from asbru.core.errors import AsbruError
from asbru.pipeline.account import account
from asbru.pipeline.attempts import attempt
from asbru.pipeline.call import Call
from asbru.pipeline.deliver import deliver, deliver_stream, refuse
from asbru.pipeline.large_bodies import LARGE_BYTES_MIN, make_ready
from asbru.pipeline.read_head import read_head
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.routing.choose import choose
from asbru.pipeline.stages import look_at_request

Middle: TypeAlias = "Callable[[Call, Rooms], Awaitable[None]]"


async def model_call(call: Call, rooms: Rooms) -> None:
    """The middle of the path for what goes to a model."""
    if call.body_bytes > LARGE_BYTES_MIN or call.content_coding:
        await make_ready(call, rooms)  # so that others have their turn meanwhile
    head = call.head = read_head(call, rooms)  # what is asked
    targets = choose(call, head.model, rooms)  # where, in which order: by plan, rules, weights, sessions; may they
    if rooms.stages:
        await look_at_request(call, rooms)  # what goes in
    if rooms.cache is not None and call.agent is None and await rooms.cache.answers(call, targets, rooms):
        return  # it was asked before
    if call.lease is not None:
        await call.lease.hold(call, targets)  # can they pay
    if call.agent is not None:  # the rest, as often as it takes
        await call.agent.run(targets, rooms)
        return
    response = await attempt(call, targets, rooms)  # keys, retries, fallbacks, until the first content byte
    if response.stream is None:  # to the caller, to the last byte
        deliver(call, response, rooms.limit_headers)
    else:
        await deliver_stream(call, response, response.stream, rooms)


async def serve(call: Call, rooms: Rooms, middle: Middle = model_call) -> None:
    """The frame of every call. Awaits nothing but `Future`s; closed where it waits when the caller goes away."""
    admitted = False
    try:
        call.caller = rooms.keys.identify(call.credentials)  # who
        wait = rooms.load.admit(call.started_s)  # is there room
        if wait is not None:
            await wait
        admitted = True
        if rooms.leases is not None:
            call.lease = await rooms.leases.admit(call)  # may they, now
        await middle(call, rooms)
    except AsbruError as error:
        refuse(call, error, rooms.limit_headers)
    except Exception:
        call.fail()
        raise
    finally:
        if admitted:
            rooms.load.in_flight -= 1
            if rooms.load.waiting:
                rooms.load.wake()
        account(call, rooms)  # price, count, settle, record: exactly once
        if call.cached is not None and rooms.cache is not None:
            rooms.cache.end(call, rooms)  # keep what may be kept
