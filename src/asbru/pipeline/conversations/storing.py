"""Stored responses on the path: sealed ids, what is stored of a response, and the conversation before one.

An id holds its owner: another key's, a forged and an expired one are alike none.
"""

from __future__ import annotations

from typing import Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.conversing import Continued, Conversing, Told
from asbru.core.errors import BadRequest
from asbru.core.notes import Note
from asbru.pipeline.call import Call
from asbru.pipeline.conversations.keeping import KeepingResponse
from asbru.stored import ObjectRef
from asbru.stored.responses import ResponseRow, StoredResponses

KIND: Final = "response"
NOT_STORED: Final = Note(
    "dropped", "store", "the response could not be stored; send the whole conversation next time"
)
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.encode
_NOTHING: Final = Raw(b"[]")


def sealed_id(call: Call, stored: StoredResponses, own_id: str) -> str:
    """The id of a call's response: of this call, and so of no other."""
    del own_id
    caller = call.caller
    assert caller is not None
    return stored.ids.seal(ObjectRef(KIND, "", call.id.decode(), "", caller.identity))


def own_ref(call: Call, stored: StoredResponses, response_id: str) -> ObjectRef | None:
    """What the id of one of the caller's responses holds; None for any other. `provider`: who works on it, "" for one
    that ended with its call."""
    ref = stored.ids.open(response_id)
    caller = call.caller
    assert caller is not None
    return ref if ref is not None and ref.kind == KIND and ref.owner == caller.identity else None


def is_own(call: Call, stored: StoredResponses, response_id: str) -> bool:
    """Whether an id is one of the caller's responses."""
    return own_ref(call, stored, response_id) is not None


def without_output(body: bytes) -> bytes:
    """A response as it is stored."""
    return _encode({**_members(body), "output": _NOTHING})


def has_ended(conversing: Conversing, row: ResponseRow) -> bool:
    """Whether a stored response is known to have come to its end."""
    return conversing.read_told(conversing.write_stored(row.body, row.output)) is not None


async def stored_items(
    call: Call, conversing: Conversing, response_id: str, stored: StoredResponses
) -> tuple[Raw, ...] | None:
    """The conversation up to and with a response; None where it is not the caller's, or not there."""
    caller = call.caller
    assert caller is not None
    ref = own_ref(call, stored, response_id)
    if ref is None:
        return None
    if ref.provider:
        row = await stored.index.read(response_id, caller.identity, call.started_ms)
        if row is not None and not has_ended(conversing, row):
            raise BadRequest(
                f"the response '{response_id[:200]}' is not known to have ended; retrieve it until it is completed",
                param="previous_response_id",
            )
    chain = await stored.index.conversation(response_id, caller.identity, call.started_ms)
    if not chain:
        return None
    return tuple(
        item for link in chain for array in (link.input, link.output) for item in conversing.read_items(array)
    )


async def store(
    call: Call, stored: StoredResponses, asked: Continued, keeping: KeepingResponse, *, items: tuple[Raw, ...]
) -> bool:
    """Store what a call has added to its conversation; whether that is done. `items`: all that was asked with."""
    told = keeping.told
    assert told is not None
    return await store_as(call, stored, asked, told, body=keeping.response, items=items)


async def store_as(
    call: Call, stored: StoredResponses, asked: Continued, told: Told, *, body: bytes, items: tuple[Raw, ...]
) -> bool:
    """The same of a response `body` that has told so much; of one that has not ended nothing but its id."""
    caller = call.caller
    assert caller is not None
    previous, added = asked.previous or "", asked.items
    if previous and not is_own(call, stored, previous):  # its connection alone remembers it
        previous, added = "", items
    row = ResponseRow(
        told.id,
        caller.identity,
        previous,
        call.started_ms,
        call.started_ms + int(stored.settings.ttl_s * 1000),
        _encode(added),
        _encode(told.items),
        without_output(body),
    )
    return await stored.index.put(row, stored.settings.bytes_max)
