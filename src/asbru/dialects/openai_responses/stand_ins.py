"""What others are offered in place of tools that only this API has: a function for a custom tool, and one for each tool
of a namespace.

    custom       a function with one string, `input`; its description says which grammar the string must match
    namespace    its functions and custom tools, each named `NAMESPACE__NAME`
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


def stand_ins_of(tool: Fields, kind: str) -> tuple[StandIn, ...]:
    """The functions that stand in for a tool of this kind; none for a tool that works at its provider alone."""
    if kind == "custom":
        return (_custom(tool, None),)
    if kind != "namespace":
        return ()
    namespace = tool.need_text("name")
    inner = tool.items("tools") or []
    read = (_inner(tool.as_object(one, f"tools[{at}]"), namespace) for at, one in enumerate(inner))
    return tuple(one for one in read if one is not None)


def _inner(tool: Fields, namespace: str) -> StandIn | None:
    kind = tool.need_text("type")
    if kind == "custom":
        return _custom(tool, namespace)
    if kind != "function":
        return None
    name = tool.need_text("name")
    offered = Tool(
        name=f"{namespace}__{name}",
        description=tool.text("description"),
        parameters=tool.raw("parameters"),
        strict=tool.boolean("strict"),
    )
    return StandIn(tool=offered, name=name, namespace=namespace)


def _custom(tool: Fields, namespace: str | None) -> StandIn:
    name = tool.need_text("name")
    words = [tool.text("description") or "", _grammar(tool.child("format"))]
    offered = Tool(
        name=name if namespace is None else f"{namespace}__{name}",
        description="\n\n".join(one for one in words if one) or None,
        parameters=_INPUT_SCHEMA,
    )
    return StandIn(tool=offered, name=name, namespace=namespace, custom=True)


def _grammar(form: Fields | None) -> str:
    """What the input must match, in words: a function cannot be held to a grammar."""
    if form is None or form.text("type") != "grammar":
        return ""
    syntax, definition = form.text("syntax") or "", form.text("definition") or ""
    return f"The string `{INPUT}` must match this {syntax} grammar:\n{definition}"
