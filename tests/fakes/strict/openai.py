"""OpenAI's chat completions, as strict as it is reported to be: what it refuses, in its words.

Each rule is a function; `check` runs them in turn. Wordings: github.com/griptape-ai/ComfyUI-Griptape/issues/312
(max_tokens), tailcallhq/forgecode/issues/1185 (limits), vercel/ai/issues/5171 (ids), davidmigloz/langchain_dart/
issues/712 (effort), charmbracelet/crush/issues/2913 (effort beside tools), zed-industries/zed/issues/32946 (tools),
cline/cline and openai/openai-python threads for the rest. What is not reported is not refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.fakes.strict.conversation import ROLES, Orphan, calls_of, faults, parts, tools_of
from tests.fakes.strict.facts import Model, fields
from tests.fakes.strict.refusal import Refusal

PATH = "/v1/chat/completions"
NAME = re.compile(r"[a-zA-Z0-9_-]+")
NAME_CHARS_MAX = 64
ID_CHARS_MAX = 40
LABEL_CHARS_MAX = 64
TOOLS_MAX = 128
STOPS_MAX = 4
PARTS = ("text", "image_url", "file", "refusal")
DEFAULTS: Mapping[str, Any] = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
UNSAMPLED = ("top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "logit_bias")
OUTER_COMBINATORS = ("oneOf", "anyOf", "allOf", "enum", "not")


def check(asked: dict[str, Any], model: Model) -> None:
    """Raises `Refusal` for the first thing that is wrong."""
    _known_fields(asked)
    _messages(asked)
    _pairing(asked["messages"])
    _tools(asked)
    _limits(asked, model)
    _response_format(asked)
    _reasoning(asked, model)
    _sampling(asked, model)


def not_found(name: str) -> Refusal:
    """The model is not one of OpenAI's."""
    message = f"The model `{name}` does not exist or you do not have access to it."
    return Refusal(message, status=404, code="model_not_found")


def _known_fields(asked: dict[str, Any]) -> None:
    for name in asked:
        if name not in fields("openai", "request"):
            raise _unknown(name)
    if asked.get("stream_options") and not asked.get("stream"):
        message = "The 'stream_options' parameter is only allowed when 'stream' is enabled."
        raise Refusal(message, param="stream_options")
    for name in ("tool_choice", "parallel_tool_calls"):
        if asked.get(name) is not None and not asked.get("tools"):
            message = f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
            raise Refusal(message, param=name)


def _messages(asked: dict[str, Any]) -> None:
    if not asked.get("messages"):
        raise Refusal("Invalid 'messages': empty array. Expected an array with minimum length 1.", param="messages")
    for at, message in enumerate(asked["messages"]):
        where = f"messages[{at}]"
        role = message.get("role")
        if role not in ROLES:
            text = (
                f"Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', "
                "and 'developer'."
            )
            raise Refusal(text, param=f"{where}.role", code="invalid_value")
        for name in message:
            if name not in fields("openai", role):
                raise _unknown(f"{where}.{name}")
        if message.get("content") is None and not message.get("tool_calls"):
            text = "Invalid value for 'content': expected a string, got null."
            raise Refusal(text, param=f"{where}.content")
        for number, part in enumerate(parts(message)):
            _part(part, f"{where}.content[{number}]", where)


def _part(part: dict[str, Any], where: str, message: str) -> None:
    kind = part.get("type")
    if kind not in PARTS:
        text = f"Invalid '{message}'. Content blocks are expected to be either text or image_url type."
        raise Refusal(text, param=message, code="invalid_value")
    for name in part:
        if name not in fields("openai", kind):
            raise _unknown(f"{where}.{name}")


def _pairing(messages: list[dict[str, Any]]) -> None:
    for fault in faults(messages):
        if isinstance(fault, Orphan):
            text = (
                "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                "'tool_calls'."
            )
            raise Refusal(text, param=f"messages.[{fault.at}].role")
        text = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. The following tool_call_ids did not have response messages: " + ", ".join(fault.ids)
        )
        raise Refusal(text, param=f"messages.[{fault.at + 1}].role")


def _tools(asked: dict[str, Any]) -> None:
    tools = asked.get("tools")
    if tools is not None and not tools:
        raise Refusal(
            "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            param="tools",
            code="empty_array",
        )
    if tools and len(tools) > TOOLS_MAX:
        raise Refusal(
            _too_long("tools", TOOLS_MAX, len(tools), "array"), param="tools", code="array_above_max_length"
        )
    for at, tool in enumerate(tools_of(asked)):
        _name(tool.get("name") or "", f"tools[{at}].function.name")
        _schema(tool, at)
    for at, number, call in calls_of(asked):
        where = f"messages[{at}].tool_calls[{number}]"
        _string(call["id"], f"{where}.id", ID_CHARS_MAX)
        _name(call["function"]["name"], f"{where}.function.name")
        if not isinstance(call["function"].get("arguments"), str):
            text = f"Invalid type for '{where}.function.arguments': expected a string, but got an object instead."
            raise Refusal(text, param=f"{where}.function.arguments", code="invalid_type")


def _schema(tool: dict[str, Any], at: int) -> None:
    schema = tool.get("parameters")
    if schema is None:
        return
    fault = None
    if schema.get("type") != "object":
        kind = schema.get("type")
        fault = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
    elif any(name in schema for name in OUTER_COMBINATORS):
        fault = "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."
    elif "properties" not in schema:
        fault = "In context=(), object schema missing properties."
    elif tool.get("strict") and schema.get("additionalProperties") is not False:
        fault = "In context=(), 'additionalProperties' is required to be supplied and to be false."
    if fault is not None:
        text = f"Invalid schema for function '{tool['name']}': {fault}"
        raise Refusal(text, param=f"tools[{at}].function.parameters", code="invalid_function_parameters")


def _limits(asked: dict[str, Any], model: Model) -> None:
    if asked.get("max_tokens") is not None and not model.max_tokens_known:
        text = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' "
            "instead."
        )
        raise Refusal(text, param="max_tokens", code="unsupported_parameter")
    for name in ("max_tokens", "max_completion_tokens"):
        value = asked.get(name)
        if value is not None and value > model.max_output_tokens:
            text = (
                f"{name} is too large: {value}. This model supports at most {model.max_output_tokens} completion "
                f"tokens, whereas you provided {value}."
            )
            raise Refusal(text, param=name, code="invalid_value")
    for name in ("user", "prompt_cache_key", "safety_identifier"):
        if asked.get(name) is not None:
            _string(asked[name], name, LABEL_CHARS_MAX)
    stops = asked.get("stop")
    if isinstance(stops, list) and len(stops) > STOPS_MAX:
        raise Refusal(_too_long("stop", STOPS_MAX, len(stops), "array"), param="stop", code="array_above_max_length")


def _response_format(asked: dict[str, Any]) -> None:
    form = asked.get("response_format") or {}
    wanted = form.get("json_schema") or {}
    if wanted.get("strict") and wanted["schema"].get("additionalProperties") is not False:
        text = (
            f"Invalid schema for response_format '{wanted.get('name')}': In context=(), 'additionalProperties' is "
            "required to be supplied and to be false."
        )
        raise Refusal(text, param="response_format")


def _reasoning(asked: dict[str, Any], model: Model) -> None:
    effort = asked.get("reasoning_effort")
    if effort is None:
        return
    if not model.efforts:
        raise Refusal("Unrecognized request argument supplied: reasoning_effort")
    if effort not in model.efforts:
        *first, last = (f"'{word}'" for word in model.efforts)
        text = (
            f"Unsupported value: 'reasoning_effort' does not support '{effort}' with this model. "
            f"Supported values are: {', '.join(first)}, and {last}."
        )
        raise Refusal(text, param="reasoning_effort", code="unsupported_value")
    if asked.get("tools") and model.effort_beside_tools is not None and effort not in model.effort_beside_tools:
        text = (
            f"Function tools with reasoning_effort are not supported for {model.name} in /v1/chat/completions. "
            "Please use /v1/responses instead."
        )
        raise Refusal(text, param="reasoning_effort")


def _sampling(asked: dict[str, Any], model: Model) -> None:
    if model.sampling == "any" or (model.sampling == "without reasoning" and asked.get("reasoning_effort") == "none"):
        return
    warmth = asked.get("temperature")
    if warmth is not None and warmth != 1:
        text = (
            f"Unsupported value: 'temperature' does not support {warmth} with this model. "
            "Only the default (1) value is supported."
        )
        raise Refusal(text, param="temperature", code="unsupported_value")
    for name in UNSAMPLED:
        if asked.get(name) and asked[name] != DEFAULTS.get(name):
            text = f"Unsupported parameter: '{name}' is not supported with this model."
            raise Refusal(text, param=name, code="unsupported_parameter")


def _name(name: str, where: str) -> None:
    _string(name, where, NAME_CHARS_MAX)
    if NAME.fullmatch(name) is None:
        text = (
            f"Invalid '{where}': string does not match pattern. Expected a string that matches the pattern "
            "'^[a-zA-Z0-9_-]+$'."
        )
        raise Refusal(text, param=where, code="invalid_value")


def _string(value: str, where: str, chars_max: int) -> None:
    if len(value) > chars_max:
        raise Refusal(_too_long(where, chars_max, len(value), "string"), param=where, code="string_above_max_length")


def _too_long(where: str, most: int, got: int, kind: str) -> str:
    article = "an" if kind == "array" else "a"
    return (
        f"Invalid '{where}': {kind} too long. Expected {article} {kind} with maximum length {most}, "
        f"but got {article} {kind} with length {got} instead."
    )


def _unknown(where: str) -> Refusal:
    return Refusal(f"Unknown parameter: '{where}'.", param=where, code="unknown_parameter")
