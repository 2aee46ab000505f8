"""The middle of the path for stored objects. Ids are Asbru's on the caller's side and the provider's beyond.

create    the provider keeps it; it is in the index before its maker hears of it
list      from the index: a provider's own list holds the objects of all who use its account
read      the provider is asked; so for what changes an object (cancel). What a batch used is counted once
content   the bytes as they come
delete    at the provider, then in the index
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest, UpstreamError
from asbru.core.notes import Note
from asbru.pipeline.call import Call
from asbru.pipeline.deliver import deliver
from asbru.pipeline.direct import Answered, ask
from asbru.pipeline.endpoint import Endpoint
from asbru.pipeline.large_bodies import take_coding_off
from asbru.pipeline.objects.bodies import (
    Members,
    linked,
    listed,
    number_of,
    read_reply,
    read_request,
    replaced,
    text_of,
)
from asbru.pipeline.objects.whose import (
    endpoint_of,
    keeper_of,
    keeper_of_new,
    named_provider,
    open_id,
    parameters,
    permitted,
    query_without_provider,
    stored_objects,
)
from asbru.pipeline.objects.words import ask as ask_in_words
from asbru.pipeline.objects.words import tell as tell_in_words
from asbru.pipeline.objects.words import write_form
from asbru.pipeline.outgoing import Outgoing
from asbru.pipeline.passthrough import deliver_as_it_comes
from asbru.pipeline.read_head import read_head
from asbru.pipeline.responses import Response
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.stages import check_unseen
from asbru.pipeline.whole_response import decoded
from asbru.routing import Key, Target
from asbru.stored import Listed, ObjectRef, ObjectRow
from asbru.upstream import Body
from asbru.wire.http_heads import JSON_LINE

LISTED_DEFAULT: Final = 100
LISTED_MAX: Final = 1000
LIMIT_MAX: Final = 10_000
"""What callers may ask for; they are told that there are more."""
_LIMIT_DIGITS: Final = 10
_LABEL_CHARS_MAX: Final = 100
_NOT_INDEXED: Final = Note("dropped", "list", "the index of stored objects is not available; keep the id")


async def object_call(call: Call, rooms: Rooms) -> None:
    """See the module."""
    stored, caller = call.operation.stored, call.caller
    assert stored is not None and caller is not None, "only operations on stored objects come here"
    caller.check_surface(call.dialect.surface.name)
    if call.operation.takes == "nothing":
        call.body = call.content_coding = b""
        call.body_bytes = 0
    elif call.content_coding:
        await take_coding_off(call, rooms)
    if stored.spends:
        check_unseen(call, rooms)
    call.head = read_head(call, rooms)
    if stored.act == "list":
        await _list(call, rooms)
        return
    own_id = next(iter(call.parameters.values()), "")
    target, key, members = _where(call, rooms)
    if call.lease is not None:
        await call.lease.hold(call, (target,))
    is_content = stored.act == "content"
    endpoint = endpoint_of(call, target.provider.name, rooms)
    assert endpoint is not None, "it was found before"
    body = _body(call, endpoint, members)
    outgoing = _outgoing(call, endpoint, body, streamed=is_content)
    try:
        answered = await ask(call, target, key, outgoing, endpoint=endpoint, rooms=rooms)
    except UpstreamError as error:
        if error.status == 404 and error.kind == "status" and own_id:  # it has expired, or was deleted elsewhere
            await stored_objects(rooms).index.remove(own_id)
        raise
    if is_content:
        await deliver_as_it_comes(call, answered, rooms)
        return
    deliver(call, await _seal(call, target, key, answered, rooms=rooms), rooms.limit_headers)


async def ask_keeper(call: Call, ref: ObjectRef, rooms: Rooms) -> Answered:
    """What the provider that keeps an object says to what is asked about it. Raises as `direct.ask`, and `NotFound` if
    the provider or the key that made it is not configured any more."""
    (name,) = call.parameters
    call.parameters = {name: ref.object_id}
    target, key = keeper_of(call, ref, rooms)
    if call.lease is not None:
        await call.lease.hold(call, (target,))
    endpoint = endpoint_of(call, ref.provider, rooms)
    assert endpoint is not None, "it was found before"
    outgoing = _outgoing(call, endpoint, b"", streamed=False)
    return await ask(call, target, key, outgoing, endpoint=endpoint, rooms=rooms)


def _where(call: Call, rooms: Rooms) -> tuple[Target, Key, Members | None]:
    """Which provider is asked, with which key, and the members of the body, where ids in it were opened."""
    stored = call.operation.stored
    assert stored is not None
    if stored.act != "create":
        ((name, text),) = call.parameters.items()
        ref = open_id(call, stored.kind, text, rooms)
        call.parameters = {name: ref.object_id}
        target, key = keeper_of(call, ref, rooms)
        return target, key, None
    if not stored.opened:
        target, key = keeper_of_new(call, rooms)
        return target, key, None
    members = read_request(call.body)
    refs = [open_id(call, kind, text_of(members, name) or "", rooms) for name, kind in stored.opened.items()]
    target, key = keeper_of(call, refs[0], rooms)
    permitted(call, target.provider)
    named = named_provider(call)
    if named and named != target.provider.name:
        raise BadRequest(f"expected the provider that keeps the file, '{target.provider.name}', got '{named[:200]}'")
    opened = replaced(members, stored.opened, lambda kind, text: open_id(call, kind, text, rooms).object_id)
    return target, key, opened


def _body(call: Call, endpoint: Endpoint, members: Members | None) -> Body:
    """The body to send, in the provider's words."""
    if members is not None:
        return msgspec.json.encode(ask_in_words(members, endpoint.stored_words))
    if call.operation.takes == "form":
        return write_form(call.body, call.content_type, endpoint.stored_words)
    return call.body


def _outgoing(call: Call, endpoint: Endpoint, body: Body, *, streamed: bool) -> Outgoing:
    operation = call.operation
    path = endpoint.path_of(operation)
    for name, value in call.parameters.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    query = query_without_provider(call.query)
    lines = endpoint.forward(call.forwarded)
    if operation.takes == "form":
        lines += b"content-type: %b\r\n" % call.content_type
    elif operation.takes == "json":
        lines += JSON_LINE
    return Outgoing(operation.methods[0], path.encode() + (b"?" + query if query else b""), body, lines, streamed)


async def _seal(call: Call, target: Target, key: Key, answered: Answered, *, rooms: Rooms) -> Response:
    """The reply with ids of Asbru's, once the index knows of it."""
    stored, caller, made = call.operation.stored, call.caller, call.attempts[-1]
    assert stored is not None and caller is not None
    objects = stored_objects(rooms)
    upstream = answered.upstream
    made.outcome = "ok"
    made.took_s = rooms.clock() - made.started_s
    text = decoded(upstream.body, upstream.content_encoding or b"identity", rooms.response_bytes_max)
    members = tell_in_words(read_reply(text), made.endpoint.stored_words, stored.kind)

    def seal(kind: str, text: str) -> str:
        ref = ObjectRef(kind, target.provider.name, text, key.name, caller.identity)
        try:
            return objects.ids.seal(ref)
        except ValueError as error:
            raise UpstreamError(
                f"the provider returned {error}", kind="protocol", code="upstream_protocol"
            ) from error

    own_id = text_of(members, "id")
    sealed = seal(stored.kind, own_id) if own_id else ""
    body = msgspec.json.encode(replaced(linked(members, stored.links, sealed), stored.sealed, seal))
    if sealed:
        if stored.act == "delete":
            await objects.index.remove(sealed)
        else:
            row = _row(call, sealed, members, body, provider=(target.provider.name, key.name))
            if not await objects.index.put(row) and stored.act == "create":
                call.notes += (_NOT_INDEXED,)
            usage = call.operation.usage_of(text) if call.operation.usage_of is not None else None
            if usage is not None and await objects.index.claim(sealed):
                made.usage = usage
                made.served_model = text_of(members, "model") or ""
    return Response(upstream.status, upstream.lines_without(b"content-encoding"), body)


def _row(call: Call, sealed: str, members: Members, body: bytes, *, provider: tuple[str, str]) -> ObjectRow:
    stored, caller = call.operation.stored, call.caller
    assert stored is not None and caller is not None
    label = (text_of(members, stored.label) or "") if stored.label else ""
    created_ms = min(number_of(members, "created_at") * 1000, call.started_ms) or call.started_ms  # no later than now
    status = text_of(members, "status") or ""
    return ObjectRow(
        sealed,
        stored.kind,
        caller.identity,
        *provider,
        label[:_LABEL_CHARS_MAX],
        status[:_LABEL_CHARS_MAX],
        number_of(members, "bytes"),
        created_ms,
        listed(body),
    )


async def _list(call: Call, rooms: Rooms) -> None:
    """The caller's own, as it saw them last."""
    stored, caller = call.operation.stored, call.caller
    assert stored is not None and caller is not None
    asked = dict(parameters(call.query))
    if "before_id" in asked:
        raise BadRequest(f"lists are read forwards: expected '{stored.after}', got 'before_id'", param="before_id")
    asked_for = Listed(
        stored.kind,
        caller.identity,
        provider=named_provider(call),
        label=asked.get(stored.label, "") if stored.label else "",
        after=asked.get(stored.after, ""),
        limit=_limit(asked.get("limit", "")),
        ascending=asked.get("order", "") == "asc",
    )
    page = await stored_objects(rooms).index.list(asked_for)
    ids = [text_of(read_reply(body), "id") for body in page.bodies]
    told = {
        **stored.list_members,
        "data": [Raw(body) for body in page.bodies],
        "first_id": ids[0] if ids else None,
        "last_id": ids[-1] if ids else None,
        "has_more": page.more,
    }
    deliver(call, Response(200, JSON_LINE, msgspec.json.encode(told)), rooms.limit_headers)


def _limit(text: str) -> int:
    if not text:
        return LISTED_DEFAULT
    if not (text.isascii() and text.isdecimal() and len(text) <= _LIMIT_DIGITS) or not 1 <= int(text) <= LIMIT_MAX:
        raise BadRequest(f"expected a limit from 1 to {LIMIT_MAX}, got '{text[:50]}'", param="limit")
    return min(int(text), LISTED_MAX)
