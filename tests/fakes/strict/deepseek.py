"""DeepSeek's chat completions in thinking mode: reasoning is returned beside tool calls, and required back with them.

Wordings: github.com/mnfst/modelparams.dev/issues/29 (reasoning_content), deepseek-ai/DeepSeek-V3/issues/1376
(tool_choice), smallmain/vscode-unify-chat-provider/issues/248 (tool results), and
api-docs.deepseek.com/guides/thinking_mode.
It ignores what it does not know, sampling included, so no rule is about that.
"""

from __future__ import annotations

from typing import Any

from tests.fakes.strict.conversation import Orphan, faults, parts, tools_of
from tests.fakes.strict.facts import Model
from tests.fakes.strict.openai import NAME, NAME_CHARS_MAX
from tests.fakes.strict.refusal import Refusal

PATH = "/v1/chat/completions"
ROLES = ("system", "user", "assistant", "tool", "latest_reminder")
TOOLS_MAX = 128


def check(asked: dict[str, Any], model: Model) -> None:
    """Raises `Refusal` for the first thing that is wrong."""
    _messages(asked)
    _tools(asked)
    limit = asked.get("max_tokens")
    if limit is not None and not 1 <= limit <= model.max_output_tokens:
        raise _refusal(f"Invalid max_tokens value, the valid range of max_tokens is [1, {model.max_output_tokens}]")
    effort = asked.get("reasoning_effort")
    if effort is not None and effort not in model.efforts:
        known = ", ".join(f"`{word}`" for word in model.efforts)
        raise _refusal(_undeserialized(f"reasoning_effort: unknown variant `{effort}`, expected one of {known}"))
    if (asked.get("response_format") or {}).get("type") == "json_schema":
        raise _refusal("This response_format type is unavailable now")


def not_found(name: str) -> Refusal:
    """The model is not one of DeepSeek's."""
    return _refusal(f"Model Not Exist: {name}")


def thinks(asked: dict[str, Any]) -> bool:
    """Whether the thinking mode, which is the default, is on."""
    return (asked.get("thinking") or {}).get("type") != "disabled"


def _messages(asked: dict[str, Any]) -> None:
    if not asked.get("messages"):
        raise _refusal("Empty input messages")
    for at, message in enumerate(asked["messages"]):
        if message.get("role") not in ROLES:
            known = ", ".join(f"`{role}`" for role in ROLES)
            why = f"messages[{at}].role: unknown variant `{message.get('role')}`, expected one of {known}"
            raise _refusal(_undeserialized(why))
        for part in parts(message):
            if part.get("type") != "text":
                why = f"messages[{at}]: unknown variant `{part.get('type')}`, expected `text`"
                raise _refusal(_undeserialized(why))
    for fault in faults(asked["messages"]):
        if isinstance(fault, Orphan):
            raise _refusal("Messages with role 'tool' must be a response to a preceding message with 'tool_calls'")
        raise _refusal(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. (insufficient tool messages following tool_calls message)"
        )
    for message in asked["messages"]:
        if thinks(asked) and message.get("tool_calls") and not message.get("reasoning_content"):
            raise _refusal("The `reasoning_content` in the thinking mode must be passed back to the API.")


def _tools(asked: dict[str, Any]) -> None:
    tools = tools_of(asked)
    if len(tools) > TOOLS_MAX:
        raise _refusal(f"Invalid 'tools': array too long. Expected an array with maximum length {TOOLS_MAX}")
    for at, tool in enumerate(tools):
        name = tool.get("name") or ""
        if NAME.fullmatch(name) is None or len(name) > NAME_CHARS_MAX:
            raise _refusal(
                f"Invalid 'tools[{at}].function.name': string does not match pattern. Expected a string that matches "
                "the pattern '^[a-zA-Z0-9_-]+$'."
            )
    if thinks(asked) and asked.get("tool_choice") not in (None, "auto", "none"):
        raise _refusal("Thinking mode does not support this tool_choice")


def _undeserialized(why: str) -> str:
    return f"Failed to deserialize the JSON body into the target type: {why} at line 1 column 1"


def _refusal(message: str) -> Refusal:
    return Refusal(message, code="invalid_request_error")
