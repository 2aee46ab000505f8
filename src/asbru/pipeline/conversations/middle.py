"""The middle of the path for what may go on from an earlier response.

    asked       the conversation before is put before the request's own input: what its connection remembers, else what
                is stored; whoever is asked gets all of it
    answered    the conversation with the reply is remembered before the caller is told of its end

A request that neither goes on from anything nor is to be remembered takes the usual way, as it came.
"""

from __future__ import annotations

from functools import partial
from typing import cast

import msgspec

from asbru.core.chat import Raw
from asbru.core.conversing import Continued, Conversing
from asbru.core.errors import NotFound, TooLarge
from asbru.core.ports import ResponsePort
from asbru.pipeline.call import Call
from asbru.pipeline.conversations.background import check_background, kept_id, store_begun
from asbru.pipeline.conversations.compacting import COMPACT, COMPACTED_MARK, compact, sealed, unsealed
from asbru.pipeline.conversations.keeping import KeepingResponse
from asbru.pipeline.conversations.stored_call import stored_call
from asbru.pipeline.conversations.storing import NOT_STORED, sealed_id, store, stored_items
from asbru.pipeline.deliver import deliver
from asbru.pipeline.large_bodies import LARGE_BYTES_MIN, in_thread, make_ready
from asbru.pipeline.read_head import read_head
from asbru.pipeline.responses import Response
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.routing.choose import choose
from asbru.pipeline.serve import model_call
from asbru.wire.http_heads import JSON_LINE


async def conversation_call(call: Call, rooms: Rooms) -> None:
    """See the module."""
    conversing = call.operation.converses
    assert conversing is not None, "only operations that converse come here"
    if call.operation.stored is not None:
        await stored_call(call, conversing, rooms)
        return
    if call.body_bytes > LARGE_BYTES_MIN or call.content_coding:
        await make_ready(call, rooms)
    asked = conversing.read_asked(call.body)
    if asked is None or not _is_ours(call, asked, rooms):
        await model_call(call, rooms)
        return
    items = asked.items
    if asked.previous is not None:
        items = (*await _found(call, conversing, asked.previous, rooms), *items)
    opened = conversing.opened(items, partial(unsealed, rooms))
    if asked.previous is not None or not asked.generate or opened != items:
        await _put_before(call, conversing, asked, opened, rooms=rooms)
    if call.operation.name == COMPACT:
        await compact(call, conversing, asked, items, rooms=rooms)
    elif asked.generate:
        await _ask(call, conversing, asked, items, rooms=rooms)
    else:
        _prewarm(call, conversing, asked, rooms)
        if call.response.remembered is not None:
            call.response.remembered.keep(call.id.decode(), items)


def _is_ours(call: Call, asked: Continued, rooms: Rooms) -> bool:
    """Whether there is anything to do here for a request."""
    if call.response.remembered is not None or not asked.generate or asked.compacts or call.operation.name == COMPACT:
        return True
    if asked.background and call.operation.speaks:
        return True
    if call.body.find(COMPACTED_MARK) >= 0:
        return True
    return rooms.responses is not None and (_stores(call, asked) or asked.previous is not None)


def _stores(call: Call, asked: Continued) -> bool:
    """Whether the response is to be stored, where that is possible."""
    return asked.store and call.operation.speaks


async def _ask(call: Call, conversing: Conversing, asked: Continued, items: tuple[Raw, ...], *, rooms: Rooms) -> None:
    """Have a model answer, and remember its reply before its end is told."""
    stored = rooms.responses if _stores(call, asked) else None
    if asked.background:
        check_background(call, asked, rooms)
    make_id = kept_id if asked.background else sealed_id
    name = str if stored is None else partial(make_id, call, stored)
    seal = partial(sealed, rooms) if asked.compacts else None
    keeping = KeepingResponse(call.response, conversing, name, asked.previous, seal=seal)
    call.response = cast("ResponsePort", keeping)  # which the path only reads, but for `flow`
    try:
        await model_call(call, rooms)
    finally:
        keeping.let_through()
    told = keeping.told
    if asked.compacts:  # what was said before is in the item that stands for it
        asked, items = msgspec.structs.replace(asked, previous=None, items=()), ()
    if told is not None and keeping.remembered is not None:
        keeping.remembered.keep(told.id, (*items, *told.items))
    kept = True
    if told is not None and stored is not None:
        kept = await store(call, stored, asked, keeping, items=items)
    elif asked.background and stored is not None and keeping.response:
        kept = await store_begun(call, stored, asked, keeping, items=items)
    if not kept:
        keeping.note(NOT_STORED)
    keeping.release()


async def _found(call: Call, conversing: Conversing, previous: str, rooms: Rooms) -> tuple[Raw, ...]:
    """The conversation up to and with a response. Raises `NotFound`."""
    remembered = call.response.remembered
    found = None if remembered is None else remembered.find(previous)
    if found is None and rooms.responses is not None:
        found = await stored_items(call, conversing, previous, rooms.responses)
    if found is None:
        raise NotFound(
            f"there is no response '{previous[:200]}' to go on from; send the whole conversation in `input`",
            code="previous_response_not_found",
            param="previous_response_id",
        )
    return found


async def _put_before(
    call: Call, conversing: Conversing, asked: Continued, items: tuple[Raw, ...], *, rooms: Rooms
) -> None:
    """Make the body ask with the whole conversation."""
    size = call.body_bytes + sum(map(len, items))
    if size > LARGE_BYTES_MIN:
        call.body = await in_thread(rooms, lambda: conversing.write_asked(asked, items))
    else:
        call.body = conversing.write_asked(asked, items)
    call.body_bytes = len(call.body)
    if call.body_bytes > rooms.body_bytes_max:
        raise TooLarge(
            f"the conversation is larger than {rooms.body_bytes_max} bytes (limits.body_bytes_max); shorten it"
        )


def _prewarm(call: Call, conversing: Conversing, asked: Continued, rooms: Rooms) -> None:
    """Answer a request that prepares a conversation. Whether its caller may use the model is known by that."""
    head = call.head = read_head(call, rooms)
    call.target = choose(call, head.model, rooms)[0]
    body = conversing.write_prewarmed(call.id.decode(), asked, int(rooms.unix_time()), stream=head.stream)
    lines = call.dialect.framing.type_line if head.stream else JSON_LINE
    deliver(call, Response(200, lines, body), rooms.limit_headers)
