"""THE PATH: one call, door to door. Steps read top to bottom; what each does is its own file."""

from __future__ import annotations

from asbru.core.errors import AsbruError
from asbru.governance import refuse_model
from asbru.pipeline.account import account
from asbru.pipeline.attempts import attempt
from asbru.pipeline.call import Call
from asbru.pipeline.deliver import deliver, deliver_stream, refuse
from asbru.pipeline.operations import read_head
from asbru.pipeline.rooms import Rooms


async def serve(call: Call, rooms: Rooms) -> None:
    """One call, door to door. The order here is the product's promise.

    Awaits nothing but `Future`s, so that the connection can step it. When the caller goes away it is closed where it
    waits: the exchange is aborted and the call is still accounted, once.
    """
    admitted = False
    try:
        caller = call.caller = rooms.keys.identify(call.credentials)  # who
        rooms.load.admit()  # is there room
        admitted = True
        head = call.head = read_head(call, rooms.body_bytes_max)  # what is asked
        targets = rooms.plan.targets(head.model, call.home)  # where, in which order
        first = targets[0]
        if not caller.every_model:  # may they
            if not caller.may_use(first.provider.name, first.model):
                raise refuse_model(first.provider.name, first.model)
            targets = tuple(one for one in targets if caller.may_use(one.provider.name, one.model))
        response = await attempt(call, targets, rooms)  # keys, retries, fallbacks, until the first content byte
        if response.stream is None:  # to the caller, to the last byte
            deliver(call, response)
        else:
            await deliver_stream(call, response.lines, response.stream, rooms)
    except AsbruError as error:
        refuse(call, error)
    finally:
        if admitted:
            rooms.load.in_flight -= 1
        account(call, rooms)  # price, count, record: exactly once
