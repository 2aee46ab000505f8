"""Approval of a call that a script waits for: the question to the caller, and its answer.

    era of sessions    an elicitation within the call's own stream, which waits
    stateless era      a result that requires input, with the script's state; the caller calls again with both

The state is signed, and bound to the key, the address and the tool: nobody else can go on with it, and nothing of it
can be changed, so what is approved is what was asked. It is good for as long as a person is waited for.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from msgspec import Raw

from asbru.mcp.code import Answer, Suspended
from asbru.mcp.protocol import Code, RpcError
from asbru.mcp.protocol.headers import META, META_CAPABILITIES
from asbru.mcp.protocol.messages import read_object, read_text
from asbru.pipeline.tools.relay import begin_events, write_as_event
from asbru.pipeline.tools.wanted import ANSWERS, STATE, Wanted, answers_of

if TYPE_CHECKING:
    from asbru.pipeline.call import Call
    from asbru.pipeline.rooms import Rooms
    from asbru.pipeline.tools.asked import Asked

STATE_CHARS_MAX: Final = 1 << 20
ARGUMENTS_SHOWN_MAX: Final = 4000
_PURPOSE: Final = "script"
_NAME: Final = "approval"
_ELICITATION: Final = "elicitation"
_METHOD: Final = "elicitation/create"


class Approval(NamedTuple):
    """What the caller says of the call that a script waits for, and the script's state."""

    state: bytes
    approved: bool


def can_ask(asked: Asked) -> bool:
    """Whether the caller can be asked."""
    if asked.client is not None:
        return asked.streams and _ELICITATION in asked.client.capabilities
    meta = read_object(asked.params.get(META)) or {}
    return not asked.bare and _ELICITATION in (read_object(meta.get(META_CAPABILITIES)) or {})


async def ask_live(suspended: Suspended, call: Call, rooms: Rooms, asked: Asked, *, wait_s: float, turn: int) -> bool:
    """Ask a caller with a session. Raises `AsbruError` where it does not answer."""
    assert asked.client is not None, "it can be asked"
    wanted = Wanted(_requests(suspended), call, rooms, asked.client, turn=turn)
    begin_events(call, rooms)
    for question in wanted.questions.values():
        call.response.write(write_as_event(question.message))
    answers = await answers_of(wanted, rooms, wait_s)
    return _accepts(read_object(answers[ANSWERS]))


def write_question(suspended: Suspended, call: Call, rooms: Rooms, asked: Asked) -> bytes:
    """The result for a caller of the stateless era. Raises `RpcError` where the state is too large to be kept."""
    assert rooms.tools is not None, "the middle has looked"
    value = msgspec.msgpack.encode((int(rooms.unix_time()), zlib.compress(suspended.state)))
    sealed = rooms.tools.seals.seal(_PURPOSE, _bound(call, asked), value)
    if len(sealed) > STATE_CHARS_MAX:
        raise RpcError(
            Code.INTERNAL_ERROR,
            f"the script holds too much to wait for the approval of {_call_of(suspended)}: make that call in a script "
            "of its own",
        )
    told = {"resultType": "input_required", **_requests(suspended), STATE: sealed}
    return msgspec.json.encode(told)


def read_approval(call: Call, rooms: Rooms, asked: Asked, good_s: float) -> Approval | None:
    """What a caller of the stateless era returns; None where it begins. Raises `RpcError` for what is no state of
    ours, or another caller's, or old."""
    if STATE not in asked.params:
        return None
    assert rooms.tools is not None, "the middle has looked"
    text = read_text(asked.params[STATE])
    value = None
    if text is not None:
        value = rooms.tools.seals.open(_PURPOSE, _bound(call, asked), text, chars_max=STATE_CHARS_MAX)
    if value is None:
        raise RpcError(
            Code.INVALID_PARAMS, "expected `params.requestState` as it was given with the request for approval"
        )
    given_s, state = msgspec.msgpack.decode(value, type=tuple[int, bytes])
    if given_s + good_s < rooms.unix_time():
        raise RpcError(Code.INVALID_PARAMS, f"the approval came later than {good_s:g} s; run the script again")
    return Approval(zlib.decompress(state), _accepts(read_object(asked.params.get(ANSWERS))))


def refusal_of(found: Answer) -> Answer:
    """The result where the caller cannot be asked."""
    assert found.suspended is not None, "it waits"
    name = f"{found.suspended.pending.server}/{found.suspended.pending.tool}"
    text = (
        f"The script stopped before it called {_call_of(found.suspended)}: a person has to approve the call, and this "
        f"client cannot be asked. Its earlier calls were made. The operator can add `{name}` to `auto_approve` of the "
        "virtual key."
    )
    printed = f"Printed:\n{found.suspended.printed}\n" if found.suspended.printed else ""
    return Answer(printed + text, is_error=True)


def _requests(suspended: Suspended) -> dict[str, Any]:
    message = f"A script wants to call {_call_of(suspended)}. Is it allowed to?"
    params: dict[str, Any] = {"message": message, "requestedSchema": {"type": "object", "properties": {}}}
    return {"inputRequests": Raw(msgspec.json.encode({_NAME: {"method": _METHOD, "params": params}}))}


def _call_of(suspended: Suspended) -> str:
    pending = suspended.pending
    arguments = pending.arguments.decode("utf-8", "replace")
    if len(arguments) > ARGUMENTS_SHOWN_MAX:
        arguments = f"{arguments[:ARGUMENTS_SHOWN_MAX]}... ({len(arguments)} characters)"
    return f"{pending.server}/{pending.tool} with {arguments}"


def _accepts(answers: dict[str, Raw] | None) -> bool:
    said = read_object((answers or {}).get(_NAME)) or {}
    return read_text(said.get("action")) == "accept"


def _bound(call: Call, asked: Asked) -> tuple[str, ...]:
    caller = call.caller.identity if call.caller is not None else ""
    return (caller, asked.address.server, asked.address.group, read_text(asked.params.get("name")) or "")
