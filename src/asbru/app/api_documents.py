"""Documents of HTTP APIs (OpenAPI, Postman) as tools: read from text, and chosen from.

The compile process reads those of the configuration; previews read one that is not in it. Workers never read a
document: the snapshot has the tools (`Snapshot.apis`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import msgspec

from asbru.app.config import ConfigRefusedError
from asbru.core.traits import fits_glob
from asbru.mcp.openapi import Api, ApiTool, DocumentError, read_openapi, read_postman
from asbru.mcp.servers.http_api import DOCUMENT_CHARS_MAX


def read_document(text: str) -> Api:
    """The tools of a document, JSON or YAML, whatever its format. Raises `DocumentError`."""
    if len(text) > DOCUMENT_CHARS_MAX:
        raise DocumentError(f"the document is larger than {DOCUMENT_CHARS_MAX} characters")
    try:
        document = _read(text)
        if "openapi" in document or "swagger" in document:
            return read_openapi(document)
        return read_postman(document)
    except RecursionError:
        raise DocumentError("the document is nested too deep") from None


def choose(api: Api, patterns: Iterable[str]) -> tuple[tuple[ApiTool, ...], list[str]]:
    """The tools that fit any of the patterns, and the patterns that no tool fits."""
    wanted = tuple(patterns)
    chosen = tuple(tool for tool in api.tools if any(fits_glob(one, tool.name) for one in wanted))
    idle = [one for one in wanted if not any(fits_glob(one, tool.name) for tool in api.tools)]
    return chosen, idle


def previewed(api: Api, tools: Iterable[ApiTool]) -> dict[str, Any]:
    """A document as it is shown before anything is made of it."""
    return {
        "title": api.title,
        "url": api.url,
        "skipped": list(api.skipped),
        "schemes": sorted({scheme.name for tool in api.tools for way in tool.security for scheme in way}),
        "tools": [
            {"name": tool.name, "method": tool.method, "path": tool.path, **_described(tool.definition)}
            for tool in tools
        ],
    }


def preview(text: str) -> dict[str, Any]:
    """A document of whatever format as it is shown. Raises `DocumentError`."""
    api = read_document(text)
    return previewed(api, api.tools)


def _described(definition: bytes) -> dict[str, Any]:
    read: dict[str, Any] = msgspec.json.decode(definition)
    return {"description": read["description"], "definition": read}


def _read(text: str) -> dict[str, object]:
    try:
        value: Any = msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeEncodeError):
        value = _read_yaml(text)
    if not isinstance(value, dict):
        raise DocumentError("expected an object")
    return cast("dict[str, object]", value)


def _read_yaml(text: str) -> Any:
    from asbru.app.config.yaml_document import read_yaml  # 1 MB, for those who import such a document

    try:
        data, _, problems = read_yaml(text)
    except ConfigRefusedError as refused:
        raise DocumentError(str(refused.problems[0])) from None
    if problems:
        raise DocumentError(str(problems[0]))
    return data
