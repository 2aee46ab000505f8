"""What must be known of requests and responses to remember conversations: their items, and their ids.

A request's members stay as they came, but for the input, before which the earlier conversation is put. Of a response
its id, its status and its items are read; all else stays as it came. Not here: where conversations are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.conversing import Continued, Conversing, Told
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.openai_responses.compaction import (
    compacted,
    has_trigger,
    opened,
    write_compaction,
    write_output,
)
from asbru.dialects.openai_responses.response import NEUTRAL
from asbru.dialects.openai_responses.types import decode_members, encode
from asbru.wire.sse import write_event

ENDS: Final = ("response.completed", "response.incomplete")
_KEPT: Final = ("completed", "incomplete")
_MARK: Final = b'"response"'
_TRUE, _FALSE = Raw(b"true"), Raw(b"false")
_OURS: Final = ("previous_response_id", "generate")
"""Members that ask for what Asbru does itself."""
_items = msgspec.json.Decoder(list[Raw]).decode
_text = msgspec.json.Decoder(str).decode


def read_asked(body: bytes) -> Continued | None:
    """What a request goes on from; None for a body that cannot be read, which is refused elsewhere."""
    try:
        members = decode_members(body)
        previous = members.get("previous_response_id", NULL)
        items = _read_input(members.get("input", NULL))
        return Continued(
            members=members,
            items=items,
            compacts=has_trigger(items),
            previous=None if previous == NULL else _text(previous),
            store=members.get("store", _TRUE) != _FALSE,
            generate=members.get("generate", _TRUE) != _FALSE,
            background=members.get("background", _FALSE) == _TRUE,
        )
    except DECODE_ERRORS:
        return None


def _read_input(raw: Raw) -> tuple[Raw, ...]:
    if raw == NULL:
        return ()
    if bytes(memoryview(raw)[:1]) == b'"':
        return (Raw(b'{"type":"message","role":"user","content":%b}' % bytes(raw)),)
    return read_items(raw)


def read_items(array: bytes | Raw) -> tuple[Raw, ...]:
    """The items of a JSON array, as copies: views would hold the whole body."""
    return tuple(Raw(bytes(item)) for item in _items(array))


def write_asked(asked: Continued, items: tuple[Raw, ...]) -> bytes:
    """The request with these items as its input, without what Asbru does itself."""
    members = {name: raw for name, raw in asked.members.items() if name not in _OURS}
    members["input"] = Raw(b"[%b]" % b",".join(map(bytes, items)))
    return encode(members)


def read_told(response: bytes) -> Told | None:
    """What a whole response tells; None for one that did not come to an end."""
    try:
        members = decode_members(response)
        status = _text(members.get("status", Raw(b'""')))
        if status not in _KEPT:
            return None
        return Told(id=_text(members["id"]), items=read_items(members["output"]))
    except (KeyError, *DECODE_ERRORS):
        return None


def rename(response: bytes, name: Callable[[str], str], previous: str | None) -> bytes:
    """A response with the id that `name` makes of its own, and that of the response it goes on from as its caller knows
    it. One that has them already stays as it came."""
    try:
        members = decode_members(response)
        own = _text(members["id"])
    except (KeyError, *DECODE_ERRORS):
        return response
    changed: dict[str, Any] = {"id": name(own)}
    if previous is not None:
        changed["previous_response_id"] = previous
    return response if changed == {"id": own} else encode({**members, **changed})


def response_of(event: bytes) -> tuple[str, bytes, bytes] | None:
    """The type of an event, its response, and its data, if it holds one."""
    at = event.find(b"data:")
    if at < 0 or event.find(_MARK) < 0:
        return None
    try:
        members = decode_members(event[at + 5 :])
        return _text(members["type"]), bytes(members["response"]), event[at + 5 :]
    except (KeyError, *DECODE_ERRORS):
        return None


def with_response(data: bytes, response: bytes) -> bytes:
    """An event with another response in it."""
    members = decode_members(data)
    members["response"] = Raw(response)
    return write_event(encode(members), _text(members["type"]))


def write_prewarmed(response_id: str, asked: Continued, now_s: int, *, stream: bool) -> bytes:
    """The response to a request that only prepares: complete, and empty."""
    usage = {
        "input_tokens": 0,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 0,
    }
    response: dict[str, Any] = {
        "id": response_id,
        "object": "response",
        "created_at": now_s,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": asked.members.get("model", NULL),
        "output": [],
        "usage": usage,
        "previous_response_id": asked.previous,
        **NEUTRAL,
    }
    if not stream:
        return encode(response)
    begun = {**response, "status": "in_progress", "usage": None}
    events = (("response.created", begun), ("response.in_progress", begun), ("response.completed", response))
    return b"".join(
        write_event(encode({"type": kind, "sequence_number": at, "response": told}), kind)
        for at, (kind, told) in enumerate(events)
    )


def write_stored(body: bytes, output: bytes) -> bytes:
    """A stored response, whole."""
    return encode({**decode_members(body), "output": Raw(output)})


def write_deleted(response_id: str) -> bytes:
    """The answer to a deletion."""
    return encode({"id": response_id, "object": "response.deleted", "deleted": True})


def write_items(items: tuple[Raw, ...], ascending: bool, after: str, limit: int) -> bytes:
    """A page of the items of a request, each of which has an id there."""
    listed = [_with_id(item, at) for at, item in enumerate(items)]
    ids = [_text(one["id"]) for one in listed]
    if not ascending:
        listed.reverse()
        ids.reverse()
    begin = ids.index(after) + 1 if after in ids else 0
    page, page_ids = listed[begin : begin + limit], ids[begin : begin + limit]
    return encode(
        {
            "object": "list",
            "data": page,
            "first_id": page_ids[0] if page_ids else None,
            "last_id": page_ids[-1] if page_ids else None,
            "has_more": begin + limit < len(listed),
        }
    )


def _with_id(item: Raw, at: int) -> dict[str, Raw]:
    members = decode_members(item)
    return {"type": Raw(b'"message"'), "id": Raw(b'"item_%d"' % at), **members}


CONVERSING = Conversing(
    opened=opened,
    compacted=compacted,
    write_output=write_output,
    write_compaction=write_compaction,
    read_asked=read_asked,
    write_asked=write_asked,
    read_items=read_items,
    read_told=read_told,
    rename=rename,
    response_of=response_of,
    with_response=with_response,
    write_prewarmed=write_prewarmed,
    write_stored=write_stored,
    write_deleted=write_deleted,
    write_items=write_items,
    ends=ENDS,
)
