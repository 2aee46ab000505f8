"""A canonical request, written as a Messages API body.

Leading system and developer messages go to the top-level `system`. For a request of this dialect the rest keeps its
shape; for one of another dialect, mid-conversation system text becomes user text, turns of one role are merged (the
API wants them to alternate) and tool results open their user turn. Sampling settings that the API refuses (with
thinking, out of range, two at a time) are left out. Everything lost, changed or added is noted.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.chat import (
    ChatRequest,
    DocumentPart,
    Extra,
    ForeignPart,
    ForeignTool,
    ImagePart,
    Message,
    Part,
    Raw,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from asbru.core.traits import Traits
from asbru.dialects.allowed_tools import fit_choice
from asbru.dialects.anthropic_messages.block_writer import (
    Block,
    bare_text,
    write_block,
    write_blocks,
    write_cache,
)
from asbru.dialects.anthropic_messages.reasoning import Thought, write_reasoning
from asbru.dialects.anthropic_messages.tool_ids import with_unique_ids
from asbru.dialects.anthropic_messages.types import BILLING, NAME, decode_members, encode
from asbru.dialects.bounds import fit_output, fit_sampling, fit_user, strip_one
from asbru.dialects.contract import Written
from asbru.dialects.openai_members import take_user
from asbru.dialects.output_schema import close_schema
from asbru.dialects.receipt import Receipt
from asbru.dialects.tool_schema import NO_PARAMETERS, write_schema

MAX_TOKENS_DEFAULT: Final = 4096
"""`max_tokens` where neither the caller nor the traits name one: every model allows it."""

_NEEDED: Final = frozenset(("model", "messages", "system", "max_tokens", "stream", "tools"))
"""What a request says that must not be lost for the sake of an answer."""
_USER_CHARS_MAX: Final = 256
_TIERS: Final = {"auto": "auto", "standard_only": "standard_only", "default": "standard_only"}
_UNKNOWN_HERE: Final = ("frequency_penalty", "presence_penalty", "seed", "top_logprobs", "logit_bias")


def write_request(request: ChatRequest, model: str, traits: Traits) -> Written:
    """The body for `model`, as its traits allow, with the receipt."""
    receipt = Receipt(NAME, request.dialect)
    request = fit_choice(fit_sampling(request, traits, receipt), receipt)
    max_tokens = _max_tokens(request, traits, receipt)
    thought = write_reasoning(request, traits, max_tokens, receipt)
    body: dict[str, Any] = {"model": model, "max_tokens": max_tokens}
    _write_conversation(body, request, receipt)
    if request.tools is not None or request.tool_choice is not None or request.parallel_tool_calls is not None:
        body.update(_write_tools(request, receipt))
    if thought.thinking is not None:
        body["thinking"] = thought.thinking
    _write_sampling(body, request, thought, receipt)
    extra = _write_user(body, request, traits, receipt)
    _write_settings(body, request, thought, receipt)
    if request.stream:
        body["stream"] = True
    if extra:
        for name, raw in receipt.riding("", extra).items():
            body.setdefault(name, raw)
    if not receipt.native:
        _note_unknown(request, receipt)
    if traits.strip:
        for name in sorted(traits.strip & body.keys()):
            del body[name]
            receipt.dropped(name, "the provider refuses it")
    return Written(encode(body), receipt.notes)


def _write_user(body: dict[str, Any], request: ChatRequest, traits: Traits, receipt: Receipt) -> Extra:
    """Who uses the application; what is left of the unknown members."""
    user, extra = request.user, request.extra
    if user is None and extra:
        user, extra = take_user(extra, receipt)
    if user is not None:
        body["metadata"] = {"user_id": fit_user(user, traits.user_chars_max or _USER_CHARS_MAX, receipt)}
    return extra


def without(traits: Traits, member: str) -> Traits | None:
    """See `Codec.without`."""
    return None if member in _NEEDED else strip_one(traits, member)


def _max_tokens(request: ChatRequest, traits: Traits, receipt: Receipt) -> int:
    if request.max_tokens is not None:
        return fit_output(request.max_tokens, traits, receipt)
    found = traits.max_output_tokens or MAX_TOKENS_DEFAULT
    receipt.added("max_tokens", f"{found}: the API requires one")
    return found


def _write_conversation(body: dict[str, Any], request: ChatRequest, receipt: Receipt) -> None:
    messages = request.messages
    if not receipt.native:
        messages = with_unique_ids(_with_marks_on_parts(messages, receipt), receipt)
    lead = _lead(messages, receipt)
    if lead == len(messages) and lead and not receipt.native:
        lead -= 1  # a conversation of system text alone: the last of it is what the model shall answer
    system = _write_system(messages[:lead], receipt) if lead else None
    if system:
        body["system"] = system
    write = _write_as_is if receipt.native else _write_alternating
    body["messages"] = write(messages, lead, receipt)


def _with_marks_on_parts(messages: tuple[Message, ...], receipt: Receipt) -> tuple[Message, ...]:
    """The messages with the cache mark of a whole message on its last part, where the API has it."""
    if all(message.cache is None for message in messages):
        return messages
    return tuple([_with_mark_on_part(message, f"messages[{n}]", receipt) for n, message in enumerate(messages)])


def _with_mark_on_part(message: Message, path: str, receipt: Receipt) -> Message:
    mark = message.cache
    if mark is None:
        return message
    last = message.parts[-1] if message.parts else None
    if not isinstance(last, TextPart | ImagePart | DocumentPart | ToolCallPart | ToolResultPart):
        receipt.dropped(f"{path}.cache", "there is nothing to mark")
        return msgspec.structs.replace(message, cache=None)
    if last.cache is None:
        receipt.changed(f"{path}.cache", "stands on its last part")
        last = msgspec.structs.replace(last, cache=mark)
    return msgspec.structs.replace(message, parts=(*message.parts[:-1], last), plain=False, cache=None)


def _lead(messages: tuple[Message, ...], receipt: Receipt) -> int:
    """How many messages open the conversation as system text."""
    for n, message in enumerate(messages):
        if message.role not in ("system", "developer"):
            return n
        if receipt.native and not all(_is_system(part) for part in message.parts):
            return n  # a change of tools between turns: only a message can carry it
    return len(messages)


def _is_system(part: Part) -> bool:
    return isinstance(part, TextPart) or (
        isinstance(part, ForeignPart) and part.dialect == NAME and part.kind == BILLING
    )


def _write_system(messages: tuple[Message, ...], receipt: Receipt) -> str | list[Block]:
    text = bare_text(messages[0].parts[0]) if len(messages) == 1 and messages[0].plain else None
    if text is not None:
        _note_message(messages[0], "messages[0]", receipt)
        return text
    blocks: list[Block] = []
    for n, message in enumerate(messages):
        _note_message(message, f"messages[{n}]", receipt)
        for k, part in enumerate(message.parts):
            path = f"messages[{n}].parts[{k}]"
            if _is_system(part):
                block = write_block(part, path, receipt)
                blocks.extend([] if block is None else [block])
            else:
                receipt.dropped(path, "system text only")
    return blocks


def _note_message(message: Message, path: str, receipt: Receipt) -> None:
    if message.name is not None:
        receipt.dropped(f"{path}.name", "no equivalent")
    receipt.riding(path, message.extra)


def _write_as_is(messages: tuple[Message, ...], lead: int, receipt: Receipt) -> list[dict[str, Any]]:
    """The messages of a request of this dialect, one for one."""
    turns: list[dict[str, Any]] = []
    for n, message in enumerate(messages[lead:], lead):
        content = _write_content(message, f"messages[{n}]", receipt)
        if not content:
            receipt.dropped(f"messages[{n}]", "no content")
            continue
        role = "system" if message.role == "developer" else message.role
        turns.append({"role": role, "content": content, **message.extra})
    return turns


def _write_content(message: Message, path: str, receipt: Receipt) -> str | list[Block]:
    text = bare_text(message.parts[0]) if message.plain and len(message.parts) == 1 else None
    return text if text is not None else write_blocks(message.parts, path, receipt)


def _write_alternating(messages: tuple[Message, ...], lead: int, receipt: Receipt) -> list[dict[str, Any]]:
    """The messages of a request of another dialect, merged into turns that alternate."""
    short = _short_turns(messages, lead)
    if short is not None:
        return short
    turns: list[_Turn] = []
    for n, message in enumerate(messages[lead:], lead):
        path = f"messages[{n}]"
        if message.name is not None or message.extra:
            _note_message(message, path, receipt)
        role = message.role
        if role in ("system", "developer"):
            receipt.changed(path, f"{role} text inside the conversation became user text")
            role = "user"
        turn = turns[-1] if turns else None
        if turn is None or turn.role != role:
            turn = _Turn(role)
            turns.append(turn)
        turn.add(message, path, receipt)
        if not turn.blocks and not turn.results:
            turns.pop()  # nothing of it was carried: its neighbours are one turn now
    return [turn.write() for turn in turns]


def _short_turns(messages: tuple[Message, ...], lead: int) -> list[dict[str, Any]] | None:
    """The turns of a conversation that alternates already, each message one text; None for any other."""
    turns: list[dict[str, Any]] = []
    last = ""
    for message in messages[lead:]:
        role = message.role
        text = bare_text(message.parts[0]) if len(message.parts) == 1 and message.plain else None
        if not text or text.isspace() or role not in ("user", "assistant") or role == last:
            return None
        if message.name is not None or message.extra:
            return None
        turns.append({"role": role, "content": text})
        last = role
    return turns


class _Turn:
    """A turn that is being merged: tool results first, then the rest."""

    __slots__ = ("blocks", "plain", "results", "role")

    def __init__(self, role: str) -> None:
        self.role = role
        self.results: list[Block] = []
        self.blocks: list[Block] = []
        self.plain = True

    def add(self, message: Message, path: str, receipt: Receipt) -> None:
        """Append the parts of one message."""
        for k, part in enumerate(message.parts):
            text = bare_text(part)
            if text and not text.isspace():
                self.blocks.append({"type": "text", "text": text})
                self.plain = self.plain and message.plain
                continue
            block = write_block(part, f"{path}.parts[{k}]", receipt)
            if block is not None:
                (self.results if isinstance(part, ToolResultPart) else self.blocks).append(block)
                self.plain = False

    def write(self) -> dict[str, Any]:
        """The message."""
        only = self.blocks[0] if len(self.blocks) == 1 and not self.results else None
        if self.plain and isinstance(only, dict):
            return {"role": self.role, "content": only["text"]}
        return {"role": self.role, "content": [*self.results, *self.blocks]}


def _write_tools(request: ChatRequest, receipt: Receipt) -> dict[str, Any]:
    written: dict[str, Any] = {}
    if request.tools is not None:
        tools = [_write_tool(tool, f"tools[{n}]", receipt) for n, tool in enumerate(request.tools)]
        present = [tool for tool in tools if tool is not None]
        if present or receipt.native:
            written["tools"] = present
    if not written.get("tools") and not receipt.native:
        if request.tool_choice is not None and request.tool_choice.mode != "none":
            receipt.dropped("tool_choice", "there are no tools")
        return written
    choice = _write_tool_choice(request, receipt)
    if choice is not None:
        written["tool_choice"] = choice
    return written


def _write_tool(tool: Tool | ForeignTool, path: str, receipt: Receipt) -> Block | None:
    if isinstance(tool, ForeignTool):
        if tool.dialect == NAME:
            return tool.raw
        receipt.dropped(path, f"{tool.kind} has no equivalent")
        return None
    block: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        block["description"] = tool.description
    schema = tool.parameters if receipt.native else _schema(tool, path, receipt)
    if schema is not None:
        block["input_schema"] = schema
    if tool.strict is not None and (tool.strict or receipt.native):
        block["strict"] = tool.strict
    block.update(write_cache(tool.cache, path, receipt))
    block.update(receipt.riding(path, tool.extra))
    return block


def _schema(tool: Tool, path: str, receipt: Receipt) -> Raw:
    """The schema, which the API requires, with a root that it takes."""
    if tool.parameters is None:
        return NO_PARAMETERS
    return write_schema(tool.parameters, f"{path}.parameters", receipt, properties=False)


def _write_tool_choice(request: ChatRequest, receipt: Receipt) -> Any:
    choice = request.tool_choice
    parallel = request.parallel_tool_calls
    if choice is not None and choice.mode == "foreign":
        if choice.dialect == NAME and choice.raw is not None:
            return choice.raw
        receipt.dropped("tool_choice", "no equivalent")
        choice = None
    if choice is None:
        return {"type": "auto", "disable_parallel_tool_use": True} if parallel is False else None
    written: dict[str, Any] = {"type": choice.mode}
    if choice.mode == "tool":
        written["name"] = choice.name or ""
    if choice.mode != "none" and (parallel is False or (parallel and receipt.native)):
        written["disable_parallel_tool_use"] = not parallel
    return written


def _write_sampling(body: dict[str, Any], request: ChatRequest, thought: Thought, receipt: Receipt) -> None:
    temperature, top_p, top_k = request.temperature, request.top_p, request.top_k
    if temperature is not None and temperature > 1:
        receipt.changed("temperature", f"{temperature} became 1")
        temperature = 1.0
    if not receipt.native and thought.is_on:
        for name, value in (("temperature", temperature), ("top_k", top_k), ("top_p", top_p)):
            if value is not None and (name, value) != ("temperature", 1):
                receipt.dropped(name, "thinking excludes it")
        temperature, top_k, top_p = (temperature if temperature == 1 else None), None, None
    elif not receipt.native and top_p is not None and temperature is not None:
        receipt.dropped("top_p", "temperature is given")
        top_p = None
    if temperature is not None:
        body["temperature"] = temperature
    if top_p is not None:
        body["top_p"] = top_p
    if top_k is not None:
        body["top_k"] = top_k
    stop = None if request.stop is None else _stop_sequences(request.stop, receipt)
    if stop is not None:
        body["stop_sequences"] = stop


def _stop_sequences(stops: tuple[str, ...], receipt: Receipt) -> tuple[str, ...] | None:
    if receipt.native:
        return stops
    kept = tuple(stop for stop in stops if stop.strip())
    if len(kept) < len(stops):
        receipt.dropped("stop", "sequences of white space")
    return kept or None


def _write_settings(body: dict[str, Any], request: ChatRequest, thought: Thought, receipt: Receipt) -> None:
    """output_config, metadata and the service tier."""
    config: dict[str, Any] = {} if thought.effort is None else {"effort": thought.effort}
    if request.response_format is not None:
        config.update(_write_format(request.response_format, receipt))
    metadata: dict[str, Any] = body.get("metadata", {})
    if receipt.native:
        config.update(_inner(request.extra, "output_config"))
        metadata.update(_inner(request.extra, "metadata"))
    if config:
        body["output_config"] = config
    if metadata:
        body["metadata"] = metadata
    tier = request.service_tier
    if tier is not None:
        word = tier if receipt.native else _TIERS.get(tier)
        if word is None:
            receipt.dropped("service_tier", "no equivalent")
        else:
            body["service_tier"] = word
        if word not in (None, tier):
            receipt.changed("service_tier", f"{tier} became {word}")


def _inner(extra: Extra, name: str) -> dict[str, Raw]:
    raw = extra.get(name)
    return {} if raw is None else decode_members(raw)


def _write_format(fmt: ResponseFormat, receipt: Receipt) -> dict[str, Any]:
    if fmt.kind == "text":
        return {}
    if fmt.kind != "json_schema" or fmt.schema is None:
        receipt.dropped("response_format", f"{fmt.kind} has no equivalent")
        return {}
    for field in ("name", "description"):
        if getattr(fmt, field) is not None:
            receipt.dropped(f"response_format.{field}", "no equivalent")
    if fmt.strict is False:
        receipt.changed("response_format.strict", "the schema is always enforced")
    extra = receipt.riding("response_format", fmt.extra)
    schema = fmt.schema if receipt.native else close_schema(fmt.schema, receipt)
    return {"format": {"type": "json_schema", "schema": schema, **extra}}


def _note_unknown(request: ChatRequest, receipt: Receipt) -> None:
    for name in _UNKNOWN_HERE:
        if getattr(request, name) is not None:
            receipt.dropped(name, "no equivalent")
    if request.choices is not None and request.choices > 1:
        receipt.dropped("choices", "one answer at a time")
    if request.logprobs:
        receipt.dropped("logprobs", "no equivalent")
