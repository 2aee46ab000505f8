"""Large bodies, and coded ones, which may be large: made ready so that other calls of the worker go on meanwhile.

    coded             decoded in a thread, where the library lets the interpreter go
    many elements     of JSON: refused before they are decoded; counted piece by piece, with a turn of the loop between
    translated        read and written in a thread, which takes turns with the loop

What is small never comes here. Not here: how a body is rewritten (`large`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from asbru.core.errors import AsbruError, BadRequest, UpstreamError
from asbru.core.future import Future
from asbru.pipeline.call import Call
from asbru.pipeline.read_head import decode_body
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.stepper import in_task
from asbru.upstream import LARGE_BYTES_MIN
from asbru.wire.json_elements import ELEMENTS_MAX, ElementCounter, separators
from asbru.wire.multipart import is_form

__all__ = ["LARGE_BYTES_MIN", "check_reply", "has_too_many_elements", "in_thread", "make_ready", "take_coding_off"]

T = TypeVar("T")

PIECE_BYTES: Final = 128 * 1024
"""So much is looked at before others have their turn: about a millisecond."""


async def make_ready(call: Call, rooms: Rooms) -> None:
    """Make a caller's body ready to be read, if it is large or coded. Raises `BadRequest`, `TooLarge`."""
    if call.content_coding:
        await take_coding_off(call, rooms)
    is_json = call.operation.read_form is None or not is_form(call.content_type)
    if is_json and await has_too_many_elements(rooms, call.body):
        raise BadRequest(
            f"the body: expected at most {ELEMENTS_MAX} members and items in all, got more; split the request",
            code="too_many_elements",
        )


async def take_coding_off(call: Call, rooms: Rooms) -> None:
    """Decode a caller's body. Raises as `make_ready` does."""
    coding = call.content_coding.strip().lower()
    call.body = await in_thread(rooms, lambda: decode_body(coding, call.body, rooms.body_bytes_max))
    call.body_bytes = len(call.body)
    call.content_coding = b""


async def check_reply(rooms: Rooms, body: bytes) -> None:
    """Raise `UpstreamError` for a large reply that is made of too much to be read."""
    if await has_too_many_elements(rooms, body):
        raise UpstreamError(
            f"the provider returned a response with more than {ELEMENTS_MAX} members and items",
            kind="protocol",
            code="upstream_protocol",
        )


async def has_too_many_elements(rooms: Rooms, body: bytes) -> bool:
    """Whether `body` has more than ELEMENTS_MAX elements."""
    if len(body) <= ELEMENTS_MAX:
        return False
    most = 0
    for piece in _pieces(body):
        most += separators(piece)
        if most > ELEMENTS_MAX:
            break
        await _turn(rooms.loop)
    else:  # nearly always
        return False
    counter = ElementCounter()
    for piece in _pieces(body):
        counter.feed(piece)
        if counter.count > ELEMENTS_MAX:
            return True
        await _turn(rooms.loop)
    return False


async def in_thread(rooms: Rooms, work: Callable[[], T]) -> T:
    """The result of `work`, done beside the loop."""

    async def run() -> T:
        return await rooms.loop.run_in_executor(None, work)

    try:
        return await in_task(rooms.loop, run())
    except AsbruError as error:
        error.let_go()
        raise


def _pieces(body: bytes) -> Iterator[bytes]:
    return (body[at : at + PIECE_BYTES] for at in range(0, len(body), PIECE_BYTES))


def _turn(loop: asyncio.AbstractEventLoop) -> Future[None]:
    """Everybody else's turn."""
    turn: Future[None] = Future()
    loop.call_soon(turn.resolve, None)
    return turn
