"""Canonical messages written as chat messages, with a receipt of what chat cannot say.

A user message that holds tool results becomes one `tool` message per result, then a `user` message with the
rest. Chat knows one order within an assistant message: reasoning, content, refusal, calls; parts in another
order are sorted and noted. Media in a tool result from another dialect travels in a user message after the
results. A failed result (`is_error`) from another dialect begins with "Error: ", for chat has no flag.
Thinking of chat providers that a caller of another dialect sends back goes where it came from
(`Traits.reasoning_back`); signed thinking is dropped and noted: the provider that signed it is not the one asked now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from asbru.core.chat import (
    AudioPart,
    DocumentPart,
    ImagePart,
    Message,
    Part,
    RedactedThinkingPart,
    RefusalPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from asbru.dialects.openai_chat.parts import PartWriter, bare_text
from asbru.dialects.openai_chat.reasoning import (
    THINKING_CONTENT,
    Thought,
    came_in,
    is_content,
    is_plain,
    thought_in,
    write_reasoning,
    write_thinking_content,
)
from asbru.dialects.openai_chat.tools import write_call
from asbru.dialects.openai_chat.types import NAME

_ERROR = "Error: "
_CONTENT, _REFUSAL, _AUDIO, _CALL = range(4)
"""The order of what an assistant's message holds."""
_SAID = ("content", "refusal", "audio", "tool_calls", "reasoning", "reasoning_content", "reasoning_details")
"""The members of an assistant's message that say something."""
_SYSTEM = ("system", "developer")


def write_messages(
    messages: Sequence[Message], writer: PartWriter, *, system_anywhere: bool = True
) -> list[dict[str, object]]:
    """The `messages` list. Without `system_anywhere`, system text of another dialect stands in the first message only:
    see `_fold_system`."""
    written: list[dict[str, object]] = []
    if not writer.own and not system_anywhere and any(message.role in _SYSTEM for message in messages[1:]):
        return _fold_system(messages, writer)
    for at, message in enumerate(messages):
        path = f"messages[{at}]"
        if message.role == "assistant":
            written += _write_reply(message, path, writer)
        else:
            written += _write_turn(message, path, writer)
    return written


def _fold_system(messages: Sequence[Message], writer: PartWriter) -> list[dict[str, object]]:
    """The `messages` list, in which system text that opens the conversation is one message and any later is user text,
    joined to a user's message before it. Results of tools stay next to their calls: such text waits for them."""
    written: list[dict[str, object]] = []
    late: list[dict[str, object]] = []
    for at, message in enumerate(messages):
        path = f"messages[{at}]"
        if message.role == "assistant":
            new = _write_reply(message, path, writer)
        else:
            new = _write_turn(message, path, writer)
        last = written[-1] if written else {}
        if message.role not in _SYSTEM:
            results = sum(one["role"] == "tool" for one in new)
            written += [*new[:results], *late, *new[results:]]
            late.clear()
        elif at and last.get("role") in _SYSTEM:
            writer.receipt.changed(path, "joined to the system message before it")
            last["content"] = _joined(last["content"], new[0]["content"])
        elif at:
            writer.receipt.changed(path, f"{message.role} text inside the conversation became user text")
            new[0]["role"] = "user"
            if "tool_calls" in last:
                late += new
            elif last.get("role") == "user":
                last["content"] = _joined(last["content"], new[0]["content"])
            else:
                written += new
        else:
            written += new
    return written + late


def _joined(before: object, after: object) -> object:
    """Two contents as one: texts as a text."""
    if isinstance(before, str) and isinstance(after, str):
        return f"{before}\n\n{after}" if before and after else before or after
    return [*_as_parts(before), *_as_parts(after)]


def _as_parts(content: object) -> list[object]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return cast("list[object]", content)


def _head(message: Message, path: str, writer: PartWriter) -> dict[str, object]:
    # Not every provider knows the word "developer"; all take "system", and OpenAI reads it as the other.
    role = "system" if message.role == "developer" and not writer.own else message.role
    head: dict[str, object] = {"role": role}
    if message.name is not None:
        head["name"] = message.name
    if message.cache is not None:
        head |= writer.cache(message.cache, path)
    if message.extra:
        head |= writer.receipt.riding(path, message.extra)
    return head


def _write_turn(message: Message, path: str, writer: PartWriter) -> list[dict[str, object]]:
    """A system, developer or user message; tool results in it come first, as messages of their own."""
    text = _sole_text(message.parts, message.plain or not writer.own)
    if text is not None:
        head = _head(message, path, writer)
        head["content"] = text
        return [head]
    written: list[dict[str, object]] = []
    content: list[object] = []
    rest: list[Part] = []
    for at, part in enumerate(message.parts):
        if not isinstance(part, ToolResultPart):
            rest.append(part)
            continue
        if rest:
            writer.receipt.changed(f"{path}.parts[{at}]", "chat wants tool results before other content")
        written.append(_write_result(part, f"{path}.parts[{at}]", writer, content))
    if rest or not written:
        mine = _write_content(message, rest, path, writer)
        if content:
            mine = [*content, *([{"type": "text", "text": mine}] if isinstance(mine, str) else mine)]
        written.append(_head(message, path, writer) | {"content": mine})
        return written
    writer.receipt.foreign(path, message.extra)  # results stand alone: there is no message to carry it
    if message.name is not None:
        writer.receipt.dropped(f"{path}.name", "tool results have no author")
    if content:
        written.append({"role": "user", "content": content})
    return written


def _sole_text(parts: Sequence[Part], may: bool) -> str | None:
    """The text of content that is one text and nothing else, where it may be a string."""
    return bare_text(parts[0]) if may and len(parts) == 1 else None


def _write_content(message: Message, parts: Sequence[Part], path: str, writer: PartWriter) -> str | list[object]:
    """Content as a string where it was one, or where a lone plain text from another dialect can be one."""
    at_of = {id(part): at for at, part in enumerate(message.parts)}
    written = [one for part in parts if (one := writer.write(part, f"{path}.parts[{at_of[id(part)]}]")) is not None]
    return _shorten(written, message.plain or not writer.own)


def _shorten(written: Sequence[object], may: bool) -> str | list[object]:
    if may and not written:
        return ""
    if may and len(written) == 1:
        only = written[0]
        if isinstance(only, dict) and only.keys() == {"type", "text"}:
            return str(only["text"])  # pyright: ignore[reportUnknownArgumentType] -- a dict we built above
    return list(written)


def _write_result(part: ToolResultPart, path: str, writer: PartWriter, media: list[object]) -> dict[str, object]:
    """One `tool` message. Media that a tool message cannot hold is appended to `media`."""
    content: str | list[object] | None = _sole_text(part.parts, part.plain or not writer.own)
    if content is None:
        content = _write_result_content(part, path, writer, media)
    if part.is_error:
        content = _mark_error(content, path, writer)
    message: dict[str, object] = {"role": "tool", "tool_call_id": part.call_id, "content": content}
    if part.name is not None:
        message["name"] = part.name
    if part.cache is not None or part.extra:
        message |= writer.ride_along(part, path)
    if not writer.own and "cache_control" in message:
        _mark_last_part(message)
    return message


def _mark_last_part(message: dict[str, object]) -> None:
    """Move the cache mark of a message to the last part of its content, where more servers read it."""
    parts = _as_parts(message["content"])
    if parts and isinstance(last := parts[-1], dict):
        message["content"] = [*parts[:-1], {**last, "cache_control": message.pop("cache_control")}]


def _write_result_content(
    part: ToolResultPart, path: str, writer: PartWriter, media: list[object]
) -> str | list[object]:
    written: list[object] = []
    moved: list[object] = []
    for at, inner in enumerate(part.parts):
        where = f"{path}.parts[{at}]"
        one = writer.write(inner, where)
        if one is None:
            continue
        if not writer.own and isinstance(inner, ImagePart | AudioPart | DocumentPart) and not _is_text(one):
            writer.receipt.changed(where, "media in a tool result travels in a user message after it")
            moved.append(one)
        else:
            written.append(one)
    if moved:
        media.append({"type": "text", "text": f"From the result of tool call {part.call_id}:"})
        media += moved
    return _shorten(written, part.plain or not writer.own)


def _is_text(written: object) -> bool:
    return isinstance(written, dict) and "text" in written


def _mark_error(content: str | list[object], path: str, writer: PartWriter) -> str | list[object]:
    writer.receipt.changed(f"{path}.is_error", 'chat has no flag: the text begins with "Error: "')
    if isinstance(content, str):
        return content if content.startswith(_ERROR) else _ERROR + content
    return [{"type": "text", "text": _ERROR}, *content]


def _write_reply(message: Message, path: str, writer: PartWriter) -> list[dict[str, object]]:
    """An assistant's message; none where nothing of it can be carried, since providers refuse an empty one."""
    written = _write_assistant(message, path, writer)
    if writer.own or any(written.get(name) for name in _SAID):
        return [written]
    writer.receipt.dropped(path, "no content")
    return []


def _write_assistant(message: Message, path: str, writer: PartWriter) -> dict[str, object]:
    thoughts: list[Thought] = []
    content: list[object] = []
    calls: list[object] = []
    members: dict[str, object] = {}
    order: list[int] = []
    for at, part in enumerate(message.parts):
        where = f"{path}.parts[{at}]"
        if isinstance(part, ThinkingPart | RedactedThinkingPart):
            one = _write_thought(part, where, writer, thoughts)
        elif isinstance(part, ToolCallPart):
            order.append(_CALL)
            calls.append(write_call(part, where, writer))
            continue
        else:
            if isinstance(part, RefusalPart) and not part.text:
                writer.receipt.dropped(where, "a refusal without a word")
            order.append(_write_member(part, members, writer))
            one = writer.write(part, where) if order[-1] == _CONTENT else None
        if one is not None:
            content.append(one)
    if order != sorted(order):
        writer.receipt.changed(f"{path}.parts", "chat orders them: content, then tool calls")
    if calls:
        members["tool_calls"] = calls
    written = _head(message, path, writer)
    if thoughts:
        written |= write_reasoning(thoughts)
    if writer.reasoning_stand_in is not None and "reasoning_content" not in written:
        written["reasoning_content"] = writer.reasoning_stand_in
        writer.receipt.added(f"{path}.reasoning_content", "the reply was made by another model")
    written["content"] = _shorten(content, message.plain or not writer.own) if content or not members else None
    return written | members


def _write_thought(part: Thought, path: str, writer: PartWriter, thoughts: list[Thought]) -> object | None:
    """Thinking that is content; any other is added to `thoughts`, or noted where it cannot be carried."""
    if not writer.own or writer.reasoning_back == "none":
        return _write_foreign_thought(part, path, writer, thoughts)
    if isinstance(part, ThinkingPart) and is_content(part):
        return write_thinking_content(part)
    if isinstance(part, ThinkingPart) and is_plain(part):
        if writer.reasoning_back == "thinking":
            return write_thinking_content(ThinkingPart(text=part.text, extra=THINKING_CONTENT))
        if writer.reasoning_back == "reasoning":
            part = thought_in("reasoning", part.text)
    thoughts.append(part)
    return None


def _write_foreign_thought(part: Thought, path: str, writer: PartWriter, thoughts: list[Thought]) -> object | None:
    """Thinking that a caller of another dialect sends back: in the member that the target wants it in, or else in the
    one that it came in, if it is a chat provider's. See `_write_thought`."""
    wanted = writer.reasoning_back
    if isinstance(part, RedactedThinkingPart) or wanted == "none" or not part.text:
        writer.receipt.dropped(path, "thinking that the target does not take")
        return None
    if wanted is None and (part.dialect != NAME or part.signature):
        writer.receipt.dropped(path, "thinking of another dialect, which only its provider can use")
        return None
    if part.signature:
        writer.receipt.dropped(f"{path}.signature", "only its provider can use it")
    member = wanted or came_in(part)
    if member == "thinking":
        return write_thinking_content(ThinkingPart(text=part.text, extra=THINKING_CONTENT))
    thoughts.append(thought_in(member, part.text))
    return None


def _write_member(part: Part, members: dict[str, object], writer: PartWriter) -> int:
    """Adds a part that is a member of the message, not content; the rank of the part."""
    if isinstance(part, RefusalPart):
        members["refusal"] = f"{members.get('refusal', '')}{part.text}"
        return _REFUSAL
    if isinstance(part, AudioPart):
        if part.id is None:
            return _CONTENT
        members["audio"] = {"id": part.id} | (part.extra if writer.own else {})
        return _AUDIO
    return _CONTENT
