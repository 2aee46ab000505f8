"""A fake model for coding agents, in both dialects: asks once for a command to be run, then tells what it printed.

Calls without the agent's shell tool (titles, summaries) get plain text. Put into `FakeUpstream.otherwise`.
"""

from __future__ import annotations

from typing import Any

from tests.fakes.speech import anthropic_text, anthropic_tool_call, openai_text, openai_tool_call
from tests.fakes.upstream import Reply, Seen

TOOL = "Bash"
COMMAND = "echo bridge-$((40 + 2))"
ARGUMENTS = {"command": COMMAND, "description": "Print a word"}
PRINTED = "bridge-42"


def anthropic_model(seen: Seen) -> Reply:
    """The model behind an Anthropic-dialect upstream."""
    if seen.method == "HEAD":
        return Reply()
    asked = seen.json()
    if seen.path.endswith("/count_tokens"):
        return Reply.json({"input_tokens": 100})
    about: dict[str, Any] = {"model": asked["model"], "stream": bool(asked.get("stream"))}
    if not any(tool.get("name") == TOOL for tool in asked.get("tools") or ()):
        return anthropic_text("A title", **about)
    for message in reversed(asked["messages"]):
        for block in message["content"] if isinstance(message["content"], list) else ():
            if block["type"] == "tool_result":
                return anthropic_text(f"The command printed: {_text(block['content'])}", **about)
    return anthropic_tool_call(TOOL, ARGUMENTS, **about)


def openai_model(seen: Seen) -> Reply:
    """The model behind an OpenAI-dialect upstream."""
    asked = seen.json()
    about: dict[str, Any] = {"model": asked["model"], "stream": bool(asked.get("stream"))}
    if not any(tool.get("function", {}).get("name") == TOOL for tool in asked.get("tools") or ()):
        return openai_text("A title", **about)
    for message in reversed(asked["messages"]):
        if message["role"] == "tool":
            return openai_text(f"The command printed: {_text(message['content'])}", **about)
    return openai_tool_call(TOOL, ARGUMENTS, **about)


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content) if isinstance(content, list) else ""
