"""An HTTP API as tools: what is read from a document, whatever its format.

document (OpenAPI 3.0, 3.1, Postman 2.1)  -->  Api: ApiTool, ApiTool, ...
ApiTool + arguments                       -->  the request (`requests`)
response                                  -->  the result of the call (`responses`)
"""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

import msgspec

OPERATIONS_MAX: Final = 2_000
"""In a document."""
DEFINITION_BYTES_MAX: Final = 256 * 1024
"""Of one tool: a schema that is larger is no use to a model."""
DEFINITIONS_BYTES_MAX: Final = 16 * 1024 * 1024
"""Of all tools of a document: each has a copy of the schemas that they share."""
CALLED: Final = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "PATCH")
"""Methods of operations that can be tools."""
NOT_CALLED: Final = "a response without content tells a model nothing, and TRACE would show it the credential"

Where: TypeAlias = Literal["path", "query", "header", "cookie"]
Style: TypeAlias = Literal[
    "simple", "form", "spaceDelimited", "pipeDelimited", "deepObject", "label", "matrix", "json"
]
"""How a value that is a list or an object is written; `json`: as JSON."""


class DocumentError(ValueError):
    """The document cannot be used; the message says where and why."""


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter outside the body. `argument`: its name among the tool's arguments; `name`: in the request."""

    argument: str
    name: str
    where: Where
    required: bool = False
    style: Style = "form"
    explode: bool = True


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """The body, of which the argument `argument` is the value. `media_type`: what it is written as."""

    argument: str
    media_type: str
    required: bool = False


class Security(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which callers are known. `name`: of the scheme; `where` and `key`: where its value goes; `prefix`:
    what stands before the value."""

    name: str
    where: Literal["header", "query", "cookie"]
    key: str
    prefix: str = ""


class ApiTool(msgspec.Struct, frozen=True, kw_only=True):
    """One operation. `definition`: of the tool, in JSON, as MCP has it; `security`: the ways in which callers are
    known, of which one is enough, with all of its schemes; empty where none is needed."""

    name: str
    method: str
    path: str
    definition: bytes
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    security: tuple[tuple[Security, ...], ...] = ()


def write_tools(tools: tuple[ApiTool, ...]) -> bytes:
    """Tools for a snapshot, which a worker reads when one of them is called."""
    return msgspec.msgpack.encode(tools)


def read_tools(data: bytes) -> dict[str, ApiTool]:
    """The same, by name."""
    return {tool.name: tool for tool in msgspec.msgpack.decode(data, type=tuple[ApiTool, ...])}


class Api(msgspec.Struct, frozen=True, kw_only=True):
    """A document as it is previewed and chosen from. `url`: where the API is, "" where the document does not say;
    `skipped`: operations that cannot be tools, and why."""

    title: str
    url: str
    tools: tuple[ApiTool, ...]
    skipped: tuple[str, ...] = ()


def definition_of(
    name: str, *, title: str, description: str, inputs: dict[str, Any], output: dict[str, Any] | None, method: str
) -> bytes:
    """A tool as MCP has it. Raises DocumentError where it is larger than a model should read."""
    is_read = method in ("GET", "HEAD")
    definition: dict[str, Any] = {
        "name": name,
        "description": description or title or name,
        "inputSchema": inputs,
        "annotations": {"readOnlyHint": is_read, "destructiveHint": method == "DELETE", "openWorldHint": True},
    }
    if title:
        definition["title"] = title
    if output is not None:
        definition["outputSchema"] = output
    text = msgspec.json.encode(definition)
    if len(text) > DEFINITION_BYTES_MAX:
        raise DocumentError(f"its schema has {len(text)} bytes, more than {DEFINITION_BYTES_MAX}")
    return text
