"""The middle of the path for passthrough: who may, what it may cost, the request as it came, the response as it comes.

the path is of a known operation   its model must be allowed, its worst case is held, its usage is priced
any other path                     its cost is unknown, and it may name any model: the key must be allowed all models
                                   of the provider, and budgets refuse it unless `governance.unknown_price: allow`
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from asbru.core.errors import Forbidden, NotFound
from asbru.pipeline.access import permitted, permitted_whole
from asbru.pipeline.call import Call
from asbru.pipeline.direct import ask, key_for
from asbru.pipeline.endpoint import Endpoint
from asbru.pipeline.large import write_members
from asbru.pipeline.large_bodies import LARGE_BYTES_MIN, make_ready, take_coding_off
from asbru.pipeline.outgoing import Outgoing
from asbru.pipeline.passthrough.delivery import deliver_as_it_comes
from asbru.pipeline.passthrough.lines import forwarded_lines
from asbru.pipeline.passthrough.paths import SURFACE, check_path, known_operation
from asbru.pipeline.read_head import read_head
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.stages import check_unseen
from asbru.routing import Target
from asbru.upstream import Body

PATH_CHARS_MAX = 500
"""How much of a path is recorded."""


class _Asked(NamedTuple):
    """What is asked of a provider: where, in which of its dialects, and the body to send."""

    target: Target
    endpoint: Endpoint
    body: Body


async def passthrough_call(call: Call, rooms: Rooms) -> None:
    """See the module."""
    caller = call.caller
    assert caller is not None, "nobody gets here without a key, or leave to do without"
    caller.check_surface(SURFACE)
    name, path = call.parameters["provider"], call.parameters["path"]
    endpoint = rooms.endpoints.get(name)
    if endpoint is None:
        raise NotFound(f"there is no provider '{name[:200]}'", code="provider_not_found")
    call.surface = f"{SURFACE}.{name}"
    call.route += (f"{call.method.decode('latin-1')} /{path[:PATH_CHARS_MAX]}",)
    _check_not_stored(call, endpoint, path)
    asked = await _read(call, endpoint, path, rooms)
    check_unseen(call, rooms)
    if call.lease is not None:
        await call.lease.hold(call, (asked.target,))
    lines, names = forwarded_lines(call.every_header, call.credentials, endpoint.withheld)
    query = b"?" + call.query if call.query else b""
    target = b"/%b%b" % (path.encode("latin-1"), query)
    outgoing = Outgoing(call.method, target, asked.body, lines + endpoint.default_lines(names), streamed=True)
    key = key_for(asked.target, rooms)
    answered = await ask(call, asked.target, key, outgoing, endpoint=asked.endpoint, rooms=rooms)
    await deliver_as_it_comes(call, answered, rooms)


def _check_not_stored(call: Call, endpoint: Endpoint, path: str) -> None:
    """Objects that Asbru keeps apart by virtual key are not reached around it. What makes none and names none in its
    path passes: a request for a response does, a stored response does not."""
    asked = check_path(path).lower().rstrip("/") + "/"
    for spoken in endpoint.spoken:
        dialect = spoken.dialect
        known = known_operation(dialect, call.method, path)
        if known is not None and known.operation.stored is None:
            return
        for operation in dialect.operations:
            ours = operation.path.partition("{")[0].strip("/") + "/"
            theirs = spoken.path_of(operation).partition("{")[0].strip("/") + "/"
            if operation.stored is not None and asked.startswith((ours, theirs)):
                raise Forbidden(
                    f"/{theirs}... cannot be passed through, because it would reach objects of other keys; use "
                    f"{dialect.surface.bases[0]}/{ours}..."
                )


async def _read(call: Call, endpoint: Endpoint, path: str, rooms: Rooms) -> _Asked:
    """What is asked, and whether the caller may. The body is as it came, but for a known operation, of which each
    member is sent once: of two of a name, a server might take the one that was not looked at."""
    caller, provider = call.caller, endpoint.route
    assert caller is not None
    found = ((one, known_operation(one.dialect, call.method, path)) for one in endpoint.spoken)
    endpoint, known = next((one for one in found if one[1] is not None), (endpoint, None))
    if known is None:
        provider = permitted_whole(caller, provider)
        if call.content_coding:
            await take_coding_off(call, rooms)
        call.head = read_head(call, rooms)
        return _Asked(Target(provider, ""), endpoint, call.body)
    call.operation, call.parameters = known
    if call.body_bytes > LARGE_BYTES_MIN or call.content_coding:
        await make_ready(call, rooms)
    call.head = head = read_head(call, rooms)
    (target,) = permitted(call, (Target(provider, head.model),), surface=SURFACE)
    members = head.members
    if not members:
        return _Asked(target, endpoint, call.body)
    large = call.body_bytes > LARGE_BYTES_MIN
    return _Asked(target, endpoint, write_members(members) if large else msgspec.json.encode(members))
