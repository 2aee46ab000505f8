"""What can be asked of a stored response: to read it, its input, to delete it. No provider is asked, but for what one
works on in the background.

Another key's, a forged and an expired id are alike not found.
"""

from __future__ import annotations

from typing import Final

from asbru.core.chat import Raw
from asbru.core.conversing import Conversing
from asbru.core.errors import BadRequest, NotFound, Overloaded
from asbru.pipeline.call import Call
from asbru.pipeline.conversations.background import kept_call
from asbru.pipeline.conversations.storing import has_ended, own_ref
from asbru.pipeline.deliver import deliver
from asbru.pipeline.objects import parameters
from asbru.pipeline.read_head import read_head
from asbru.pipeline.responses import Response
from asbru.pipeline.rooms import Rooms
from asbru.stored.responses import ResponseRow
from asbru.wire.http_heads import JSON_LINE

LISTED_DEFAULT: Final = 20
LISTED_MAX: Final = 100


async def stored_call(call: Call, conversing: Conversing, rooms: Rooms) -> None:
    """See the module."""
    caller, what, stored = call.caller, call.operation.stored, rooms.responses
    assert caller is not None and what is not None
    caller.check_surface(call.dialect.surface.name)
    call.body = call.content_coding = b""
    call.body_bytes = 0
    call.head = read_head(call, rooms)
    if stored is None:
        raise Overloaded("responses are not stored here (conversations.stored)", code="not_stored", status=503)
    (response_id,) = call.parameters.values()
    ref, row = own_ref(call, stored, response_id), None
    if ref is not None:
        row = await stored.index.read(response_id, caller.identity, call.started_ms)
    if ref is not None and ref.provider and _is_the_keepers(conversing, what.act, row):
        await kept_call(call, conversing, ref, row, rooms=rooms)
        return
    if row is None:
        raise NotFound(f"there is no response '{response_id[:200]}'", code="response_not_found", param="response_id")
    if what.act == "delete":
        await stored.index.remove(response_id, caller.identity)
        body = conversing.write_deleted(response_id)
    elif what.act == "list":
        body = _list(call, conversing, row)
    elif call.method == b"POST":
        raise BadRequest("only a response in the background can be cancelled, and this one has ended")
    else:
        body = conversing.write_stored(row.body, row.output)
    deliver(call, Response(200, JSON_LINE, body), rooms.limit_headers)


def _is_the_keepers(conversing: Conversing, act: str, row: ResponseRow | None) -> bool:
    """Whether the provider that keeps a response has to be asked: for what is not stored, or may have changed since."""
    return row is None or (act != "list" and not has_ended(conversing, row))


def _list(call: Call, conversing: Conversing, row: ResponseRow) -> bytes:
    asked = dict(parameters(call.query))
    order, text = asked.get("order", "desc"), asked.get("limit", str(LISTED_DEFAULT))
    if order not in ("asc", "desc"):
        raise BadRequest(f"order: expected asc or desc, got '{order[:50]}'", param="order")
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(LISTED_MAX))) or not int(text):
        raise BadRequest(f"limit: expected a number from 1 to {LISTED_MAX}, got '{text[:50]}'", param="limit")
    items: tuple[Raw, ...] = conversing.read_items(row.input)
    return conversing.write_items(items, order == "asc", asked.get("after", ""), min(int(text), LISTED_MAX))
