"""What stages see of calls of tools: the texts of what the caller sends, and of what the server says.

    tool_arguments   `params` of a request, and the answers of a caller to what a server asked
    tool_results     results, errors, and messages before them: progress, logs, questions

Every text in the JSON is seen, names of members too; what is left out is named here. Data that no stage can read (files
in base64) is refused where a rule says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec
from msgspec import UNSET, Raw

from asbru.core.errors import AsbruError, BadRequest
from asbru.mcp.protocol.messages import names_twice
from asbru.pipeline.stages import STAGE_DEADLINE_S
from asbru.pipeline.stepper import within

if TYPE_CHECKING:
    from asbru.mcp.protocol import Message, Params
    from asbru.pipeline.call import Call
    from asbru.pipeline.rooms import Rooms
    from asbru.pipeline.stages import ToolPlace

_OURS: Final = frozenset(("name", "ref", "requestState"))
"""Members of `params` that say what is called, and state that only its maker reads."""
_MEDIA: Final = ("image", "audio")
_STATE: Final = "requestState"


async def begin_stages(call: Call, rooms: Rooms) -> None:
    """Make the stages of a call. Raises `BadRequest` where one of them cannot see calls of tools."""
    call.stages = stages = tuple(stage for make in rooms.stages if (stage := make(call)) is not None)
    if any(not stage.sees_tools for stage in stages):
        raise _unseen("calls of tools")


async def seen_params(call: Call, rooms: Rooms, params: Params) -> Params:
    """The members to send in place of those that the caller sent."""
    given = {name: raw for name, raw in params.items() if name not in _OURS}
    if not call.stages or not given:
        return params
    raw = Raw(msgspec.json.encode(given))
    seen = await _seen(call, rooms, raw, "tool_arguments")
    if seen is raw:
        return params
    return {**params, **msgspec.json.decode(seen, type=dict[str, Raw])}


async def seen_message(call: Call, rooms: Rooms, message: Message, data: bytes) -> tuple[Message, bytes]:
    """A message of the server, and its bytes, as they may go on."""
    if not call.stages:
        return message, data
    changed: dict[str, Raw] = {}
    for member in ("result", "error", "params"):
        raw = getattr(message, member)
        if raw is not UNSET:
            new = await _seen(call, rooms, raw, "tool_results")
            if new is not raw:
                changed[member] = new
    if not changed:
        return message, data
    message = msgspec.structs.replace(message, **changed)
    return message, msgspec.json.encode(
        {name: one for name, one in msgspec.structs.asdict(message).items() if one is not UNSET}
    )


async def seen_answer(call: Call, rooms: Rooms, message: Message) -> Message:
    """A caller's answer to what a server asked, as it may go on."""
    assert message.result is not UNSET, "only answers come here"
    return msgspec.structs.replace(message, result=await _seen(call, rooms, message.result, "tool_arguments"))


async def seen_result(call: Call, rooms: Rooms, result: bytes) -> bytes:
    """A result of our own, as it may go on."""
    return bytes(await _seen(call, rooms, Raw(result), "tool_results")) if call.stages else result


async def _seen(call: Call, rooms: Rooms, raw: Raw, place: ToolPlace) -> Raw:
    try:
        value: Any = msgspec.json.decode(raw)
        twice = names_twice(raw)
    except (msgspec.DecodeError, RecursionError):
        raise _unseen("content that is no JSON, or nested too deep,") from None
    if twice and place == "tool_arguments":
        raise _unseen("an object with two members of one name")
    texts: list[str] = []
    data: list[str] = []
    _visit(value, lambda text: texts.append(text) or text, data.append)
    if data and any(stage.refuses_data(place) for stage in call.stages):
        raise _unseen(f"data ({data[0][:80]})")
    given = texts
    try:
        for stage in call.stages:
            texts = list(await within(rooms.loop, stage.tool_texts(place, texts), STAGE_DEADLINE_S))
    except AsbruError as error:
        error.by_stage = True
        raise
    if texts == given and not twice:
        return raw
    left = iter(texts)
    return Raw(msgspec.json.encode(_visit(value, lambda _: next(left), lambda _: None)))


def _visit(value: Any, visit: Callable[[str], str], on_data: Callable[[str], None]) -> Any:
    """The value with each text replaced; `on_data` is told the kind of what cannot be read."""
    if isinstance(value, str):
        return visit(value) if value else value
    if isinstance(value, list):
        return [_visit(one, visit, on_data) for one in cast("list[Any]", value)]
    if isinstance(value, dict):
        return dict(_members(cast("dict[str, Any]", value), visit, on_data))
    return value


def _members(
    members: dict[str, Any], visit: Callable[[str], str], on_data: Callable[[str], None]
) -> Iterator[tuple[str, Any]]:
    kind, media = members.get("type"), str(members.get("mimeType", ""))
    for name, one in members.items():
        is_text = isinstance(one, str)
        if is_text and name == "blob":
            on_data(media or "a file")
        elif is_text and name == "data" and kind in _MEDIA and media.startswith(f"{kind}/"):
            pass  # a picture or a sound, as in a chat
        elif name != _STATE:
            yield visit(name) if name else name, _visit(one, visit, on_data)
            continue
        yield name, one


def _unseen(what: str) -> BadRequest:
    return BadRequest(f"{what} cannot be checked, but a rule requires it", code="unchecked_operation")
