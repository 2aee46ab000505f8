"""Input that a server of the stateless era wants, asked of a caller that has a session: live, within its call.

The server's result lists what it wants. Each is put to the caller as a request, in the stream of its call; when all are
answered, the call is made again with the answers and the state that came with the list. A caller that cannot be asked
is told so.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET, Raw

from asbru.core.errors import GatewayError
from asbru.mcp.protocol import Code, Params, RpcError, read_message
from asbru.mcp.protocol.messages import read_object, read_text
from asbru.pipeline.call import Call
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.tools.asked import Client

ROUNDS_MAX: Final = 8
"""How often a server may want more for one call."""
QUESTIONS_MAX: Final = 16
ANSWERS: Final = "inputResponses"
STATE: Final = "requestState"
INPUT: Final = "input"
"""What the ids of questions to a caller are sealed for, where its answer is awaited by a call."""


class Question(NamedTuple):
    """A request to the caller: under which id, and what."""

    token: str
    message: bytes


class Wanted:
    """What a server wants before it goes on. `questions`: by the server's own names for them. `turn`: which time it is
    that the same attempt wants something."""

    def __init__(self, result: Params, call: Call, rooms: Rooms, client: Client, *, turn: int = 0) -> None:
        tools, caller = rooms.tools, call.caller
        assert tools is not None and caller is not None, "the middle has looked"
        self.state = result.get(STATE)
        self.questions: dict[str, Question] = {}
        wanted = read_object(result.get("inputRequests")) or {}
        if len(wanted) > QUESTIONS_MAX:
            raise RpcError(Code.INTERNAL_ERROR, f"the server wants more than {QUESTIONS_MAX} inputs at once")
        for number, (name, raw) in enumerate(wanted.items()):
            asked = read_object(raw) or {}
            method = read_text(asked.get("method")) or ""
            if method.partition("/")[0] not in client.capabilities:
                raise RpcError(
                    Code.MISSING_CAPABILITY, f"the server wants {method[:100]}, which the caller does not support"
                )
            value = b"%b-%d-%d-%d" % (call.id, len(call.attempts), turn, number)
            token = tools.seals.seal(INPUT, (caller.identity,), value)
            params = asked.get("params")
            told: dict[str, object] = {"jsonrpc": "2.0", "id": token, "method": method}
            self.questions[name] = Question(
                token, msgspec.json.encode(told if params is None else {**told, "params": params})
            )


async def answers_of(wanted: Wanted, rooms: Rooms, wait_s: float) -> Params:
    """The members to call again with, once the caller has answered everything. Raises where it does not in time, or
    refuses to."""
    tools = rooms.tools
    assert tools is not None, "the middle has looked"
    futures = {name: tools.awaited.expect(question.token) for name, question in wanted.questions.items()}
    late = GatewayError(f"the caller did not answer within {wait_s:g} s", status=504, code="mcp_no_input")
    timers = [rooms.loop.call_later(wait_s, future.fail, late) for future in futures.values()]
    try:
        answers: dict[str, Raw] = {}
        for name, future in futures.items():
            message = read_message(await future)
            if message.result is UNSET:
                raise RpcError(Code.INTERNAL_ERROR, "the caller refused to give what the server wants")
            answers[name] = Raw(bytes(message.result))
    finally:
        for timer in timers:
            timer.cancel()
        for question in wanted.questions.values():
            tools.awaited.forget(question.token)
    members: Params = {ANSWERS: Raw(msgspec.json.encode(answers))}
    return members if wanted.state is None else {**members, STATE: wanted.state}
