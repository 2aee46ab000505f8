"""Values between scripts and tools: arguments as JSON, results as what a script can work with.

structuredContent          the value itself
one text that is JSON      the value in it
texts                      the text, of several a list
other content              the object as the server gave it
isError                    `ToolFailed`, which the script sees as an exception
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from asbru.mcp.code.stubs import ToolStub
from asbru.mcp.loose import as_list, as_object


class ToolFailed(Exception):
    """The tool answered with an error; the text is its own."""


def arguments_of(stub: ToolStub, positional: tuple[Any, ...], named: Mapping[str, Any]) -> bytes:
    """The arguments of a call as JSON, under the tool's own names. Raises TypeError for what cannot be passed."""
    given: dict[str, Any] = {}
    if len(positional) == 1 and isinstance(positional[0], dict):
        given.update(as_object(cast("object", positional[0])))
    elif positional:
        raise TypeError(f"{stub.name}() takes named arguments: {', '.join(stub.arguments) or 'none'}")
    given.update({stub.arguments.get(name, name): value for name, value in named.items()})
    try:
        return msgspec.json.encode(given, enc_hook=str)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(f"the arguments of {stub.name}() cannot be written as JSON: {error}") from None


def result_of(result: bytes) -> object:
    """What a script gets for the result of a call (a CallToolResult). Raises ToolFailed, and ValueError for what is no
    result."""
    try:
        answer = as_object(msgspec.json.decode(result))
    except (msgspec.DecodeError, RecursionError):
        raise ValueError("the tool's result is no JSON") from None
    if "content" not in answer and "structuredContent" not in answer:
        raise ValueError("the tool's result has no content")
    parts = [_content(one) for one in as_list(answer.get("content"))]
    if answer.get("isError"):
        raise ToolFailed("\n".join(map(str, parts)) or "the tool failed")
    if "structuredContent" in answer:
        return answer["structuredContent"]
    if len(parts) != 1:
        return parts or None
    return _value_in(parts[0]) if isinstance(parts[0], str) else parts[0]


def _content(one: object) -> object:
    members = as_object(one)
    text = members.get("text")
    return text if members.get("type") == "text" and isinstance(text, str) else one


def _value_in(text: str) -> object:
    if text[:1] not in ("{", "["):
        return text
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
