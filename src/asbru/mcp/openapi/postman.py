"""Reads Postman collections (2.1) as tools: one for each request.

Types are inferred from the examples in it. A collection may hold requests to several addresses; tools are made of those
to the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from asbru.mcp.loose import as_list, as_object, as_text
from asbru.mcp.openapi.api import CALLED, OPERATIONS_MAX, Api, ApiTool, Body, DocumentError, Parameter, definition_of
from asbru.mcp.openapi.tool_names import ToolNames

DEPTH_MAX: Final = 20
_KINDS: Final[dict[type[object], str]] = {bool: "boolean", int: "integer", float: "number", str: "string"}
_MODES: Final = {"urlencoded": "application/x-www-form-urlencoded", "formdata": "multipart/form-data"}


def read_postman(document: dict[str, object]) -> Api:
    """The tools of a collection. Raises DocumentError for what is none."""
    info = as_object(document.get("info"))
    if "/v2.1" not in as_text(info.get("schema")):
        raise DocumentError("collections of the format 2.1 can be read: export it as such")
    names, tools, skipped, urls = ToolNames(), list[ApiTool](), list[str](), list[str]()
    for title, request in _requests(as_list(document.get("item")), 0):
        if len(tools) >= OPERATIONS_MAX:
            raise DocumentError(f"the collection has more than {OPERATIONS_MAX} requests")
        try:
            url, tool = _tool(names.take(title), title, request)
        except DocumentError as error:
            skipped.append(f"{title}: {error}")
            continue
        urls.append(url)
        tools.append(tool)
    url = urls[0] if urls else ""
    others = [
        f"{tool.name}: it is at {one}, not at {url}" for one, tool in zip(urls, tools, strict=True) if one != url
    ]
    kept = tuple(tool for one, tool in zip(urls, tools, strict=True) if one == url)
    return Api(title=as_text(info.get("name")), url=url, tools=kept, skipped=(*skipped, *others))


def _requests(items: list[object], depth: int) -> Iterator[tuple[str, dict[str, object]]]:
    if depth > DEPTH_MAX:
        raise DocumentError(f"folders are nested more than {DEPTH_MAX} deep")
    for one in map(as_object, items):
        if "item" in one:
            yield from _requests(as_list(one["item"]), depth + 1)
        elif as_object(one.get("request")):
            yield as_text(one.get("name")) or "request", as_object(one["request"])


def _tool(name: str, title: str, request: dict[str, object]) -> tuple[str, ApiTool]:
    """Where the API is, and the tool."""
    method = as_text(request.get("method")).upper() or "GET"
    if method not in CALLED:
        raise DocumentError(f"{method[:20]!r} is not among {', '.join(CALLED)}")
    given = request.get("url")
    url = as_object(given)
    raw = as_text(url.get("raw")) or as_text(given)
    parts = urlsplit(raw.partition("?")[0])
    if not parts.scheme and not raw.startswith("{{"):
        raise DocumentError("it has no URL")
    origin = f"{parts.scheme}://{parts.netloc}" if parts.scheme else raw.partition("/")[0]
    path = "/".join(
        f"{{{part[1:]}}}" if part.startswith(":") else part
        for part in (parts.path if parts.scheme else raw.partition("?")[0].removeprefix(origin)).split("/")
    )
    properties: dict[str, Any] = {}
    parameters: list[Parameter] = []
    for one in map(as_object, as_list(url.get("variable"))):
        parameters.append(_parameter(one, "path", properties))
    for one in map(as_object, as_list(url.get("query"))):
        if not one.get("disabled"):
            parameters.append(_parameter(one, "query", properties))
    body = _body(as_object(request.get("body")), properties)
    required = [one.argument for one in parameters if one.required]
    inputs: dict[str, Any] = {
        "type": "object",
        "properties": properties,
        **({"required": required} if required else {}),
    }
    described = request.get("description")
    description = as_text(described) or as_text(as_object(described).get("content"))
    definition = definition_of(name, title=title, description=description, inputs=inputs, output=None, method=method)
    return origin, ApiTool(
        name=name, method=method, path=path or "/", definition=definition, parameters=tuple(parameters), body=body
    )


def _parameter(one: dict[str, object], where: Any, properties: dict[str, Any]) -> Parameter:
    name = as_text(one.get("key"))
    argument = name if name not in properties else f"{name}_{where}"
    described = one.get("description")
    text = as_text(described) or as_text(as_object(described).get("content"))
    properties[argument] = {"type": "string", **({"description": text} if text else {})}
    return Parameter(
        argument=argument,
        name=name,
        where=where,
        required=where == "path",
        style="simple" if where == "path" else "form",
    )


def _body(body: dict[str, object], properties: dict[str, Any]) -> Body | None:
    mode = as_text(body.get("mode"))
    if mode in _MODES:
        fields = {as_text(one.get("key")): {"type": "string"} for one in map(as_object, as_list(body.get(mode)))}
        properties["body"] = {"type": "object", "properties": fields}
        return Body(argument="body", media_type=_MODES[mode])
    if mode != "raw":
        return None
    raw = as_text(body.get("raw"))
    try:
        example = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        properties["body"] = {"type": "string"}
        return Body(argument="body", media_type="text/plain")
    properties["body"] = _schema_of(example, 0)
    return Body(argument="body", media_type="application/json")


def _schema_of(example: object, depth: int) -> dict[str, Any]:
    """A schema that an example fits."""
    if depth > DEPTH_MAX:
        return {}
    kind = type(example)
    if kind is dict:
        members = as_object(example)
        return {"type": "object", "properties": {key: _schema_of(one, depth + 1) for key, one in members.items()}}
    if kind is list:
        first = next(iter(as_list(example)), None)
        return {"type": "array", **({"items": _schema_of(first, depth + 1)} if first is not None else {})}
    return {"type": _KINDS[kind]} if kind in _KINDS else {}
