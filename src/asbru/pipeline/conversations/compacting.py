"""Compaction on any target: a conversation is asked for in short, and what stands for it is sealed.

A target that compacts by itself is asked as it is; its own item, which only it can read, goes to the caller. Any other
is asked for a summary, which goes to the caller sealed, and is opened for whoever goes on from it.
"""

from __future__ import annotations

from functools import partial
from typing import Final, cast

import msgspec

from asbru.core.chat import Raw
from asbru.core.conversing import Continued, Conversing
from asbru.core.errors import Overloaded, UpstreamError
from asbru.core.ports import ResponsePort
from asbru.pipeline.call import Call
from asbru.pipeline.conversations.keeping import KeepingResponse
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.serve import model_call
from asbru.stored import ObjectIds

COMPACT: Final = "compact"
"""The operation that only compacts."""
COMPACTED_MARK: Final = b"asbru_text_"
"""What a request holds that goes on from a summary of Asbru's."""
_KIND: Final = "compaction"
_TRIGGER: Final = Raw(b'{"type":"compaction_trigger"}')


def _ids(rooms: Rooms) -> ObjectIds | None:
    kept = rooms.objects or rooms.responses
    return None if kept is None else kept.ids


def sealed(rooms: Rooms, summary: str) -> str:
    """A summary that only Asbru reads. Raises `UpstreamError` where there is none, `Overloaded` without a key."""
    ids = _ids(rooms)
    if ids is None:
        raise Overloaded("conversations cannot be compacted here: there is no key to seal them")
    if not summary:
        raise UpstreamError("the model returned no summary", kind="protocol", code="upstream_protocol")
    return ids.seal_text(_KIND, summary)


def unsealed(rooms: Rooms, text: str) -> str | None:
    """The summary; None for what is another's."""
    ids = _ids(rooms)
    return None if ids is None else ids.open_text(_KIND, text)


async def compact(
    call: Call, conversing: Conversing, asked: Continued, items: tuple[Raw, ...], *, rooms: Rooms
) -> None:
    """Answer a request that only compacts: as a chat that ends with the wish for it."""
    chat = call.dialect.operation("chat")
    assert chat is not None
    call.operation = chat
    members = {name: raw for name, raw in asked.members.items() if name not in ("stream", "store")}
    members["store"] = Raw(b"false")
    opened = conversing.opened(items, partial(unsealed, rooms))
    call.body = conversing.write_asked(msgspec.structs.replace(asked, members=members), (*opened, _TRIGGER))
    call.body_bytes = len(call.body)
    keeping = KeepingResponse(call.response, conversing, str, None, seal=partial(sealed, rooms))
    call.response = cast("ResponsePort", keeping)  # which the path only reads, but for `flow`
    try:
        await model_call(call, rooms)
    finally:
        keeping.let_through()
    if keeping.told is not None:
        keeping.replace(conversing.write_compaction(keeping.response, items))
    keeping.release()
