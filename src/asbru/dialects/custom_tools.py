"""Custom tools, whose input is free text: the function with one string that others are offered in their place.

Two dialects have them, each in its own spelling (`openai_chat`, `openai_responses`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from asbru.core.chat import Raw, StandIn, Tool
from asbru.dialects.fields import Fields

INPUT: Final = "input"
"""The member that holds the text of a custom tool's call."""
_INPUT_SCHEMA: Final = Raw(
    msgspec.json.encode(
        {
            "type": "object",
            "properties": {
                INPUT: {"type": "string", "description": "The complete input of the tool, as plain text."}
            },
            "required": [INPUT],
            "additionalProperties": False,
        }
    )
)


def stand_in_of(tool: Fields, grammar: Fields | None, namespace: str | None = None) -> StandIn:
    """The function that stands in for a custom tool; `tool` has its name and description, `grammar` what its input must
    match, with `syntax` and `definition`."""
    name = tool.need_text("name")
    words = [tool.text("description") or "", _in_words(grammar)]
    offered = Tool(
        name=name if namespace is None else f"{namespace}__{name}",
        description="\n\n".join(one for one in words if one) or None,
        parameters=_INPUT_SCHEMA,
    )
    return StandIn(tool=offered, name=name, namespace=namespace, custom=True)


def _in_words(grammar: Fields | None) -> str:
    """What the input must match: a function cannot be held to a grammar."""
    if grammar is None:
        return ""
    syntax, definition = grammar.text("syntax") or "", grammar.text("definition") or ""
    return f"The string `{INPUT}` must match this {syntax} grammar:\n{definition}"
