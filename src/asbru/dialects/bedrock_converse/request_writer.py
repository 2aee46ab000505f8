"""A canonical request, written as a body of the Converse API, with a receipt of what it cannot say.

The model and the wish for a stream stand in the path. Leading system and developer messages go to `system`. For a
request of this dialect the rest keeps its shape; for one of another dialect, mid-conversation system text becomes user
text, turns of one role are merged (the API wants them to alternate) and tool results open their user turn.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.chat import (
    ChatRequest,
    Extra,
    ForeignTool,
    Message,
    Raw,
    ResponseFormat,
    Role,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from asbru.core.traits import Traits
from asbru.dialects.allowed_tools import fit_choice
from asbru.dialects.bedrock_converse.block_writer import Block, Target, write_blocks, write_mark
from asbru.dialects.bedrock_converse.reasoning import thinks_as_claude, write_reasoning
from asbru.dialects.bedrock_converse.types import NAME, decode_members, encode
from asbru.dialects.bounds import fit_output, fit_sampling, strip_one
from asbru.dialects.contract import Written
from asbru.dialects.fields import DECODE_ERRORS
from asbru.dialects.output_schema import close_schema
from asbru.dialects.receipt import Receipt
from asbru.dialects.tool_schema import NO_PARAMETERS, write_schema

_NEEDED: Final = frozenset(("messages", "system"))
_UNKNOWN_HERE: Final = (
    "frequency_penalty", "presence_penalty", "seed", "top_logprobs", "logit_bias", "user", "parallel_tool_calls",
)  # fmt: skip
_TIERS: Final = {
    "auto": None,
    "default": "default",
    "standard_only": "default",
    "flex": "flex",
    "priority": "priority",
}
"""Service tiers of other dialects; None: what the service does unasked."""


def write_request(request: ChatRequest, model: str, traits: Traits) -> Written:
    """The body; see `Codec`."""
    del model  # it stands in the path
    receipt = Receipt(NAME, request.dialect)
    request = fit_choice(fit_sampling(request, traits, receipt), receipt)
    additional, effort = write_reasoning(request, traits, receipt)
    request = _without_sampling(request, additional, receipt)
    body: dict[str, Any] = {}
    _write_conversation(body, request, Target(receipt, claude=thinks_as_claude(traits), names=set()))
    inference = _write_inference(request, traits, receipt)
    if inference:
        body["inferenceConfig"] = inference
    tooling = _write_tooling(request, receipt)
    if tooling:
        body["toolConfig"] = tooling
    output: dict[str, Any] = {} if effort is None else {"effort": effort}
    if request.response_format is not None:
        output |= _write_format(request.response_format, receipt)
    if request.top_k is not None:
        _write_top_k(additional, request.top_k, traits, receipt)
    if output:
        body["outputConfig"] = output
    if additional:
        body["additionalModelRequestFields"] = additional
    _write_tier(body, request, receipt)
    _write_extra(body, request, receipt)
    if not receipt.native:
        _note_unknown(request, receipt)
    for name in sorted(traits.strip & body.keys()) if traits.strip else ():
        del body[name]
        receipt.dropped(name, "the provider refuses it")
    return Written(encode(body), receipt.notes)


def without(traits: Traits, member: str) -> Traits | None:
    """See `Codec.without`."""
    return None if member in _NEEDED else strip_one(traits, member)


def _write_conversation(body: dict[str, Any], request: ChatRequest, target: Target) -> None:
    messages, native = request.messages, target.receipt.native
    if not native:
        messages = _without_marks_on_messages(messages, target.receipt)
    lead = next((n for n, one in enumerate(messages) if one.role not in ("system", "developer")), len(messages))
    if lead == len(messages) and lead and not native:
        lead -= 1  # a conversation of system text alone: the last of it is what the model shall answer
    system: list[Block] = []
    for n, message in enumerate(messages[:lead]):
        _note_rest(message, f"messages[{n}]", target.receipt)
        system += write_blocks(message.parts, f"messages[{n}]", target)
    if not native:
        system = [block for block in system if _fits_system(block, target.receipt)]
    body["messages"] = (_write_as_is if native else _write_alternating)(messages, lead, target)
    if system:
        body["system"] = system


def _fits_system(block: Block, receipt: Receipt) -> bool:
    fits = isinstance(block, dict) and next(iter(block)) in ("text", "cachePoint")
    if not fits:
        receipt.dropped("messages[0].parts", "only text in a system message")
    return fits


def _without_marks_on_messages(messages: tuple[Message, ...], receipt: Receipt) -> tuple[Message, ...]:
    for n, message in enumerate(messages):
        if message.cache is not None:
            receipt.dropped(f"messages[{n}].cache", "only on a part")
    return messages


def _note_rest(message: Message, path: str, receipt: Receipt) -> Extra:
    if message.name is not None:
        receipt.dropped(f"{path}.name", "no equivalent")
    return receipt.riding(path, message.extra)


def _write_as_is(messages: tuple[Message, ...], lead: int, target: Target) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = []
    for n, message in enumerate(messages[lead:], lead):
        path = f"messages[{n}]"
        extra = _note_rest(message, path, target.receipt)
        written.append({"role": message.role, "content": write_blocks(message.parts, path, target), **extra})
    return written


def _write_alternating(messages: tuple[Message, ...], lead: int, target: Target) -> list[dict[str, Any]]:
    receipt = target.receipt
    turns: list[tuple[Role, list[Block], list[Block]]] = []  # role, results of tools, all else
    for n, message in enumerate(messages[lead:], lead):
        path = f"messages[{n}]"
        _note_rest(message, path, receipt)
        role: Role = "assistant" if message.role == "assistant" else "user"
        if role != message.role:
            receipt.changed(path, f"{message.role} became user")
        blocks = write_blocks(message.parts, path, target)
        if not blocks:  # no turn: those around it may be of one role
            receipt.dropped(path, "no content")
            continue
        if not turns or turns[-1][0] != role:
            turns.append((role, [], []))
        _, results, others = turns[-1]
        place = others
        for block in blocks:
            if not isinstance(block, dict) or "cachePoint" not in block:  # a mark stays behind what it marks
                place = results if isinstance(block, dict) and "toolResult" in block else others
            place.append(block)
    return [{"role": role, "content": results + others} for role, results, others in turns]


def _without_sampling(request: ChatRequest, additional: dict[str, Any], receipt: Receipt) -> ChatRequest:
    """The request without the settings that thinking excludes."""
    thinks = additional.get("thinking", {}).get("type") in ("enabled", "adaptive")
    if receipt.native or not thinks:
        return request
    gone = [name for name in ("temperature", "top_p", "top_k") if getattr(request, name) is not None]
    for name in gone:
        receipt.dropped(name, "thinking excludes it")
    return msgspec.structs.replace(request, **dict.fromkeys(gone)) if gone else request


def _write_inference(request: ChatRequest, traits: Traits, receipt: Receipt) -> dict[str, Any]:
    inference: dict[str, Any] = {}
    if request.max_tokens is not None:
        inference["maxTokens"] = fit_output(request.max_tokens, traits, receipt)
    temperature = request.temperature
    if temperature is not None and temperature > 1 and not receipt.native:
        receipt.changed("temperature", f"{temperature} became 1")
        temperature = 1.0
    if temperature is not None:
        inference["temperature"] = temperature
    if request.top_p is not None:
        if temperature is not None and not receipt.native and thinks_as_claude(traits):
            receipt.dropped("top_p", "temperature is given")
        else:
            inference["topP"] = request.top_p
    if request.stop is not None:
        stops = request.stop if receipt.native else tuple(stop for stop in request.stop if stop.strip())
        if len(stops) < len(request.stop):
            receipt.dropped("stop", "sequences of white space")
        if stops or receipt.native:
            inference["stopSequences"] = stops
    return inference


def _write_tooling(request: ChatRequest, receipt: Receipt) -> dict[str, Any]:
    tools = _write_tools(request.tools, receipt) if request.tools is not None else []
    choice = request.tool_choice
    if not receipt.native and choice is not None and choice.mode == "none":
        kept = bool(tools) and _has_tools_in_history(request.messages)
        receipt.changed(
            "tool_choice", "none: " + ("tools stay, since the conversation has calls" if kept else "no tools")
        )
        for n in range(len(tools) if not kept else 0):
            receipt.dropped(f"tools[{n}]", "tool_choice is none")
        return {"tools": tools} if kept else {}
    tooling: dict[str, Any] = {}
    if tools or (receipt.native and request.tools is not None):
        tooling["tools"] = tools
    if choice is not None:
        if not tools and not receipt.native:
            receipt.dropped("tool_choice", "there are no tools to choose from")
        elif choice.mode == "foreign":
            if choice.dialect == NAME and choice.raw is not None:
                tooling["toolChoice"] = choice.raw
            else:
                receipt.dropped("tool_choice", "of another dialect")
        else:
            tooling["toolChoice"] = {choice.mode: {"name": choice.name} if choice.mode == "tool" else {}}
    return tooling


def _has_tools_in_history(messages: tuple[Message, ...]) -> bool:
    return any(isinstance(part, ToolCallPart | ToolResultPart) for message in messages for part in message.parts)


def _write_tools(tools: tuple[Tool | ForeignTool, ...], receipt: Receipt) -> list[Block]:
    written: list[Block] = []
    for n, tool in enumerate(tools):
        path = f"tools[{n}]"
        if isinstance(tool, ForeignTool):
            if tool.dialect == NAME:
                written.append(tool.raw)
            else:
                receipt.dropped(path, f"{tool.kind} has no equivalent")
            continue
        written.append({"toolSpec": _write_spec(tool, path, receipt)})
        if tool.cache is not None:
            written.append({"cachePoint": write_mark(tool.cache, path, receipt)})
    return written


def _write_spec(tool: Tool, path: str, receipt: Receipt) -> dict[str, Any]:
    extra = receipt.riding(path, tool.extra)
    spec: dict[str, Any] = {"name": tool.name}
    if tool.description is not None and (tool.description or receipt.native):
        spec["description"] = tool.description
    elif tool.description is not None:
        receipt.dropped(f"{path}", "an empty description")
    parameters = tool.parameters
    if not receipt.native:
        parameters = NO_PARAMETERS if parameters is None else write_schema(parameters, f"{path}.parameters", receipt)
    more = decode_members(extra["inputSchema"]) if "inputSchema" in extra else {}
    schema = more if parameters is None else {"json": parameters, **more}
    if schema:
        spec["inputSchema"] = schema
    if tool.strict is not None:
        spec["strict"] = tool.strict
    return spec | {name: raw for name, raw in extra.items() if name != "inputSchema"}


def _write_format(form: ResponseFormat, receipt: Receipt) -> dict[str, Any]:
    if form.kind == "text":
        return {}
    if form.kind != "json_schema" or form.schema is None:
        receipt.dropped("response_format", f"{form.kind} has no equivalent")
        return {}
    if form.strict is False:
        receipt.changed("response_format.strict", "the schema is always enforced")
    receipt.riding("response_format", form.extra)
    schema = form.schema if receipt.native else close_schema(form.schema, receipt)
    if not bytes(schema).startswith(b"{"):  # `true`: anything fits
        receipt.changed("response_format.schema", "a schema is an object here")
        schema = Raw(b"{}")
    told: dict[str, Any] = {"schema": bytes(schema).decode()}
    for name in ("name", "description"):
        value = getattr(form, name)
        if value is not None:
            told[name] = value
    return {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": told}}}


def _write_top_k(additional: dict[str, Any], top_k: int, traits: Traits, receipt: Receipt) -> None:
    if receipt.native or thinks_as_claude(traits):
        additional["top_k"] = top_k
    else:
        receipt.dropped("top_k", "each model has its own word for it")


def _write_tier(body: dict[str, Any], request: ChatRequest, receipt: Receipt) -> None:
    tier = request.service_tier
    if tier is None:
        return
    word = tier if receipt.native else _TIERS.get(tier, "")
    if word:
        body["serviceTier"] = {"type": word}
        if word != tier:
            receipt.changed("service_tier", f"{tier} became {word}")
    else:
        receipt.dropped("service_tier", "no equivalent")


def _write_extra(body: dict[str, Any], request: ChatRequest, receipt: Receipt) -> None:
    """Unknown members; those of an object whose known ones are written go into it."""
    for name, raw in receipt.riding("", request.extra).items() if request.extra else ():
        own = body.get(name)
        if isinstance(own, dict):
            try:
                body[name] = {**decode_members(raw), **own}
            except DECODE_ERRORS:
                receipt.dropped(name, "not an object")
        elif own is None:
            body[name] = raw


def _note_unknown(request: ChatRequest, receipt: Receipt) -> None:
    for name in _UNKNOWN_HERE:
        value = getattr(request, name)
        if value is not None and value is not True:  # a penalty of 1 equals True
            receipt.dropped(name, "no equivalent")
    if request.choices is not None and request.choices > 1:
        receipt.dropped("choices", "one answer at a time")
    if request.logprobs:
        receipt.dropped("logprobs", "no equivalent")
