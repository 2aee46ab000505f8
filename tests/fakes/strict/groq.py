"""Groq's chat completions, as strict as it is reported to be: unknown members are refused at every level.

Wordings: github.com/karthink/gptel/issues/774 and janhq/jan/issues/8136 (members of messages), fanenr/chatbot/issues/21
(of requests), HunorLaczko/ha-groq-cloud-api/issues/25 (tools), Alishahryar1/free-claude-code/issues/955 (limits),
earendil-works/pi/issues/1745 and iamsrikanthnani/pluely/issues/242 (effort); console.groq.com/docs/openai for what is
not supported at all.
"""

from __future__ import annotations

from typing import Any

from tests.fakes.strict.conversation import ROLES, Orphan, calls_of, faults, parts, tools_of
from tests.fakes.strict.facts import Model, fields
from tests.fakes.strict.openai import NAME, NAME_CHARS_MAX
from tests.fakes.strict.refusal import Refusal

PATH = "/openai/v1/chat/completions"
TOOLS_MAX = 128
STOPS_MAX = 4
UNSUPPORTED = ("logprobs", "top_logprobs")


def check(asked: dict[str, Any], model: Model) -> None:
    """Raises `Refusal` for the first thing that is wrong."""
    for name in asked:
        if name not in fields("groq", "request"):
            raise Refusal(f"property '{name}' is unsupported")
    for name in UNSUPPORTED:
        if asked.get(name):
            raise Refusal(f"`{name}` is not supported with this model", param=name)
    if asked.get("n") not in (None, 1):
        raise Refusal("'n' : number must be at most 1")
    _messages(asked, model)
    _pairing(asked["messages"])
    _tools(asked)
    _limits(asked, model)
    _reasoning(asked, model)


def not_found(name: str) -> Refusal:
    """The model is not one of Groq's."""
    message = f"The model `{name}` does not exist or you do not have access to it."
    return Refusal(message, status=404, code="model_not_found")


def _messages(asked: dict[str, Any], model: Model) -> None:
    if not asked.get("messages"):
        raise Refusal("'messages' : minimum number of items is 1")
    for at, message in enumerate(asked["messages"]):
        role = message.get("role")
        if role not in ROLES:
            raise Refusal(f"'messages.{at}' : discriminator property 'role' has invalid value")
        for name in message:
            if name not in fields("groq", role):
                raise _unsatisfied(at, role, f"'messages.{at}' : property '{name}' is unsupported")
        for number, part in enumerate(parts(message)):
            if part.get("type") != "text" and not model.images:
                raise Refusal(f"messages[{at}].content must be a string", param=f"messages[{at}].content")
            if part.get("type") == "text" and (extra := part.keys() - fields("groq", "text")):
                where = f"'messages.{at}.content.{number}'"
                raise _unsatisfied(at, role, f"{where} : property '{min(extra)}' is unsupported")


def _unsatisfied(at: int, role: str, why: str) -> Refusal:
    return Refusal(f"'messages.{at}' : for 'role:{role}' the following must be satisfied[({why})]")


def _pairing(messages: list[dict[str, Any]]) -> None:
    for fault in faults(messages):
        if isinstance(fault, Orphan):
            raise Refusal("`tool_call_id` does not match any tool call in the preceding assistant message")
        text = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. The following tool_call_ids did not have response messages: " + ", ".join(fault.ids)
        )
        raise Refusal(text)


def _tools(asked: dict[str, Any]) -> None:
    tools = asked.get("tools") or ()
    if len(tools) > TOOLS_MAX:
        raise Refusal(f"'tools' : maximum number of items is {TOOLS_MAX}")
    for at, tool in enumerate(tools_of(asked)):
        name = tool.get("name") or ""
        if NAME.fullmatch(name) is None or len(name) > NAME_CHARS_MAX:
            raise Refusal(f"'tools.{at}.function.name' : must match pattern ^[a-zA-Z0-9_-]{{1,{NAME_CHARS_MAX}}}$")
        schema = tool.get("parameters")
        if schema is not None and schema.get("type") != "object":
            raise Refusal(
                f"invalid JSON schema for tool {name}, tools[{at}].function.parameters: `type` must be object"
            )
    for at, number, call in calls_of(asked):
        if not isinstance(call["function"].get("arguments"), str):
            where = f"messages.{at}.tool_calls.{number}.function.arguments"
            raise _unsatisfied(at, "assistant", f"'{where}' : value must be a string")


def _limits(asked: dict[str, Any], model: Model) -> None:
    for name in ("max_completion_tokens", "max_tokens"):
        if (asked.get(name) or 0) > model.max_output_tokens:
            text = (
                f"`{name}` must be less than or equal to `{model.max_output_tokens}`, the maximum value for "
                f"`{name}` is less than the `context_window` for this model"
            )
            raise Refusal(text, param=name)
    stops = asked.get("stop")
    if isinstance(stops, list) and len(stops) > STOPS_MAX:
        raise Refusal(f"'stop' : maximum number of items is {STOPS_MAX}")


def _reasoning(asked: dict[str, Any], model: Model) -> None:
    effort = asked.get("reasoning_effort")
    if effort is None:
        return
    if not model.efforts:
        raise Refusal("`reasoning_effort` is not supported with this model", param="reasoning_effort")
    if effort not in model.efforts:
        *first, last = (f"`{word}`" for word in model.efforts)
        known = f"{', '.join(first)}{',' if len(first) > 1 else ''} or {last}"
        raise Refusal(f"`reasoning_effort` must be one of {known}", param="reasoning_effort")
