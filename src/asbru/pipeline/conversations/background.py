"""Responses that a provider works on after it has answered (`background: true`).

    asked      it passes to a provider of this API, in whose words the caller is answered; the id holds who keeps it
    read       the provider is asked until the response has ended, which is then stored like any other; so is cancelling
    deleted    at the provider, then here

What it used is counted by the call that first sees its end; the call that asked for it costs nothing. Not here: other
providers, which are sent no such request (their dialects refuse it).
"""

from __future__ import annotations

from typing import Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.conversing import Continued, Conversing, Told
from asbru.core.errors import BadRequest, NotFound, UpstreamError
from asbru.core.usage import Usage
from asbru.pipeline.call import Call
from asbru.pipeline.conversations.keeping import KeepingResponse
from asbru.pipeline.conversations.storing import KIND, store_as, without_output
from asbru.pipeline.deliver import deliver
from asbru.pipeline.objects import ask_keeper, parameters
from asbru.pipeline.read_head import read_head
from asbru.pipeline.responses import Response
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.stages import check_unseen
from asbru.pipeline.whole_response import decoded
from asbru.stored import ObjectRef, ObjectRow
from asbru.stored.responses import ResponseRow, StoredResponses

_PARAM: Final = "background"
_names = msgspec.json.Decoder(dict[str, Raw]).decode
_text = msgspec.json.Decoder(str).decode


def check_background(call: Call, asked: Continued, rooms: Rooms) -> None:
    """Raise `BadRequest` where a response in the background would be lost, or go unchecked."""
    if rooms.responses is None:
        raise BadRequest(
            "background: responses are not stored here (conversations.stored), so none could be retrieved; omit it",
            param=_PARAM,
        )
    if not asked.store:
        raise BadRequest(
            "background: such a response is stored until it is retrieved; omit `store: false`", param=_PARAM
        )
    call.head = read_head(call, rooms)
    check_unseen(call, rooms)


def kept_id(call: Call, stored: StoredResponses, own_id: str) -> str:
    """The id of a response that the provider of the last attempt keeps."""
    caller, made = call.caller, call.attempts[-1]
    assert caller is not None
    try:
        return stored.ids.seal(ObjectRef(KIND, made.target.provider.name, own_id, made.key.name, caller.identity))
    except ValueError as error:
        raise UpstreamError(f"the provider returned {error}", kind="protocol", code="upstream_protocol") from error


async def store_begun(
    call: Call, stored: StoredResponses, asked: Continued, keeping: KeepingResponse, *, items: tuple[Raw, ...]
) -> bool:
    """Store a response that has only begun; whether that is done."""
    call.attempts[-1].usage = Usage()
    told = Told(id=_text(_names(keeping.response)["id"]), items=())
    return await store_as(call, stored, asked, told, body=keeping.response, items=items)


async def kept_call(
    call: Call, conversing: Conversing, ref: ObjectRef, row: ResponseRow | None, *, rooms: Rooms
) -> None:
    """Ask the provider about a response that is not known to have ended. `row`: what is stored of it."""
    stored, what = rooms.responses, call.operation.stored
    assert stored is not None and what is not None
    if dict(parameters(call.query)).get("stream") == "true":
        raise BadRequest("stream: a response in the background is retrieved whole; omit it", param="stream")
    (response_id,) = call.parameters.values()
    try:
        upstream = (await ask_keeper(call, ref, rooms)).upstream
    except UpstreamError as error:
        if error.status == 404 and error.kind == "status":  # it has expired, or was deleted elsewhere
            await stored.index.remove(response_id, ref.owner)
            raise NotFound(
                f"the provider has no response '{response_id[:200]}' any more", code="response_not_found"
            ) from error
        raise
    made = call.attempts[-1]
    made.outcome, made.took_s = "ok", rooms.clock() - made.started_s
    text = decoded(upstream.body, upstream.content_encoding or b"identity", rooms.response_bytes_max)
    body = conversing.rename(text, lambda _: response_id, row.previous or None if row is not None else None)
    if what.act == "delete":
        await stored.index.remove(response_id, ref.owner)
    elif what.act == "read" and (told := conversing.read_told(body)) is not None:
        if await _is_counted_now(call, ref, response_id, rooms):
            made.usage = call.dialect.passing.usage_of(text)
            made.served_model = _text(_names(text).get("model", Raw(b'""')))
        if row is not None:
            ended = msgspec.structs.replace(row, output=msgspec.json.encode(told.items), body=without_output(body))
            await stored.index.put(ended, stored.settings.bytes_max)
    deliver(call, Response(upstream.status, upstream.lines_without(b"content-encoding"), body), rooms.limit_headers)


async def _is_counted_now(call: Call, ref: ObjectRef, response_id: str, rooms: Rooms) -> bool:
    """Whether nobody has counted yet what a response used."""
    if rooms.objects is None:
        return True
    row = ObjectRow(response_id, KIND, ref.owner, ref.provider, ref.key, "", "", 0, call.started_ms, b"{}")
    return not await rooms.objects.index.put(row) or await rooms.objects.index.claim(response_id)
