"""What others are offered in place of tools that only this API has: a function for a custom tool, and one for each tool
of a namespace.

    custom       a function with one string, `input`; its description says which grammar the string must match
    namespace    its functions and custom tools, each named `NAMESPACE__NAME`
"""

from __future__ import annotations

from asbru.core.chat import StandIn, Tool
from asbru.dialects.custom_tools import stand_in_of
from asbru.dialects.fields import Fields


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
    form = tool.child("format")
    return stand_in_of(tool, form if form is not None and form.text("type") == "grammar" else None, namespace)
