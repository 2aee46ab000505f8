"""The middle of the path for passthrough: who may, what it may cost, the request as it came, the response as it comes.

the path is of a known operation   its model must be allowed, its worst case is held, its usage is priced
any other path                     its cost is unknown, and it may name any model: the key must be allowed all models
                                   of the provider, and budgets refuse it unless `governance.unknown_price: allow`
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from asbru.core.errors import AsbruError, BadRequest, Forbidden, NotFound
from asbru.pipeline.access import permitted, permitted_whole
from asbru.pipeline.attempts import conclude
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.deliver import with_identity
from asbru.pipeline.direct import Answered, Outgoing, ask, key_for
from asbru.pipeline.large import write_members
from asbru.pipeline.large_bodies import LARGE_BYTES_MIN, in_thread, make_ready
from asbru.pipeline.passthrough.lines import forwarded_lines
from asbru.pipeline.passthrough.paths import SURFACE, check_path, known_operation
from asbru.pipeline.passthrough.reading import Kept
from asbru.pipeline.read_head import decode_body, read_head
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.spend import estimate
from asbru.routing import Target
from asbru.upstream import Body

PATH_CHARS_MAX = 500
"""How much of a path is recorded."""


class _Asked(NamedTuple):
    """What is asked of a provider: where, and the body to send."""

    target: Target
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
    _check_not_stored(call, check_path(path))
    asked = await _read(call, path, rooms)
    if any(make(call) is not None for make in rooms.stages):
        raise BadRequest(
            "passthrough cannot be checked, but a rule requires it; use an operation of the API instead",
            code="unchecked_operation",
        )
    if call.lease is not None:
        await call.lease.hold(call, (asked.target,))
    lines, names = forwarded_lines(call.every_header, call.credentials, endpoint.withheld)
    query = b"?" + call.query if call.query else b""
    target = b"/%b%b" % (path.encode("latin-1"), query)
    outgoing = Outgoing(call.method, target, asked.body, lines + endpoint.default_lines(names), streamed=True)
    answered = await ask(call, asked.target, key_for(asked.target, rooms), outgoing, rooms=rooms)
    await _deliver(call, answered, rooms)


def _check_not_stored(call: Call, decoded: str) -> None:
    """Objects that Asbru keeps apart by virtual key are not reached around it."""
    first = decoded.partition("/")[0].lower()
    for operation in call.dialect.operations:
        if operation.stored is not None and first == operation.path.lstrip("/").partition("/")[0]:
            raise Forbidden(
                f"/{first} cannot be passed through, because it would reach objects of other keys; use "
                f"{call.dialect.surface.bases[0]}/{first}"
            )


async def _read(call: Call, path: str, rooms: Rooms) -> _Asked:
    """What is asked, and whether the caller may. The body is as it came, but for a known operation, of which each
    member is sent once: of two of a name, a server might take the one that was not looked at."""
    caller = call.caller
    provider = rooms.endpoints[call.parameters["provider"]].route
    assert caller is not None
    known = known_operation(call.dialect, call.method, path)
    if known is None:
        provider = permitted_whole(caller, provider)
        if call.content_coding:
            coding = call.content_coding.strip().lower()
            call.body = await in_thread(rooms, lambda: decode_body(coding, call.body, rooms.body_bytes_max))
            call.body_bytes, call.content_coding = len(call.body), b""
        call.head = read_head(call, rooms)
        return _Asked(Target(provider, ""), call.body)
    call.operation, call.parameters = known
    if call.body_bytes > LARGE_BYTES_MIN or call.content_coding:
        await make_ready(call, rooms)
    call.head = head = read_head(call, rooms)
    (target,) = permitted(call, (Target(provider, head.model),), surface=SURFACE)
    members = head.members
    if not members:
        return _Asked(target, call.body)
    large = call.body_bytes > LARGE_BYTES_MIN
    return _Asked(target, write_members(members) if large else msgspec.json.encode(members))


async def _deliver(call: Call, answered: Answered, rooms: Rooms) -> None:
    """Give the response to the caller as it comes. What breaks off in the middle is seen as such: an event stream ends
    with an error event, the connection of anything else is closed."""
    upstream, exchange = answered
    response, made = call.response, call.attempts[-1]
    head = call.head
    assert head is not None
    limits = rooms.limit_headers
    lines = with_identity(call, upstream.lines if limits is None else limits.put(call, upstream.lines))
    call.status = upstream.status
    if not upstream.streaming:
        made.outcome = call.outcome = "ok"
        made.took_s = rooms.clock() - made.started_s
        response.whole(upstream.status, lines, upstream.body)
        return
    call.let_go_of_body()
    kept = Kept()
    write, write_chunk = response.write, response.write_chunk
    if call.lease is not None and head.stream:
        write, _ = call.lease.meter(call, write, write_chunk)

    def pass_on(data: bytes) -> None:
        kept.feed(data)
        write(data)

    try:
        response.begin(upstream.status, lines)
        response.flow = exchange
        call.first_token_s = rooms.clock()
        try:
            await exchange.pump(pass_on, made.endpoint.pool.tick_s)
            made.outcome = call.outcome = "ok"
            response.end()
        except AsbruError as error:
            _cut(call, made, error, rooms, told=upstream.content_type.startswith(call.dialect.framing.media_type))
    finally:
        response.flow = None
        exchange.abort()
        _conclude(call, made, kept, rooms.clock())


def _cut(call: Call, made: Attempt, error: AsbruError, rooms: Rooms, *, told: bool) -> None:
    call.error, call.outcome = error, "cut"
    conclude(call, made, error, rooms)
    if told:
        call.response.write(call.dialect.errors.write_stream(error))
        call.response.end()


def _conclude(call: Call, made: Attempt, kept: Kept, now_s: float) -> None:
    head = call.head
    made.took_s = now_s - made.started_s
    if call.first_token_s:
        made.waited_s += now_s - call.first_token_s
    if head is not None and head.model:
        made.usage = kept.usage(call.dialect, call.operation, head)
        if made.usage is None and call.lease is not None and call.lease.metered:
            made.estimate = estimate(call.body_bytes, None, call.lease.metered)
