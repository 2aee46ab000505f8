"""The HTTP request for a call of a tool: path, query, headers and body from its arguments. No I/O.

Values are escaped where they stand, so that an argument cannot leave its place: no `/` in a path segment, no line break
in a header. Objects and lists are written in the style that the document names.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

import msgspec

from asbru.core.errors import BadRequest
from asbru.mcp.loose import as_list, as_object
from asbru.mcp.openapi.api import ApiTool, Body, Parameter, Security

_SEPARATORS: Final = {"spaceDelimited": "%20", "pipeDelimited": "|", "form": ","}
_HEADER_UNSAFE: Final = frozenset(map(chr, (*range(9), *range(10, 32), 127)))
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_PATH_SAFE: Final = "/%?=&:@!$'()*+,;~"
"""What a path may hold besides letters, digits and `-._`."""


class ApiRequest(msgspec.Struct, frozen=True):
    """What is sent. `target`: path and query, below the API's URL; `headers`: names in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def build_request(tool: ApiTool, arguments: Mapping[str, object], credentials: Mapping[str, str] = {}) -> ApiRequest:
    """The request. `credentials`: values by the name of their scheme; sent are those of the first way that has all of
    its own. Raises BadRequest for arguments that are missing, not known, or cannot be written."""
    known = {one.argument for one in tool.parameters} | ({tool.body.argument} if tool.body else set[str]())
    unknown = sorted(set(arguments) - known)
    if unknown:
        raise BadRequest(
            f"{tool.name} takes no {', '.join(unknown)}; it takes {', '.join(sorted(known)) or 'nothing'}"
        )
    needed = [one.argument for one in (*tool.parameters, *((tool.body,) if tool.body else ())) if one.required]
    missing = [one for one in needed if arguments.get(one) is None]
    if missing:
        raise BadRequest(f"{tool.name} needs {', '.join(missing)}")
    building = _Building(tool.path)
    for one in tool.parameters:
        if arguments.get(one.argument) is not None:
            building.put(one, arguments[one.argument])
    known_by = next((way for way in tool.security if all(one.name in credentials for one in way)), ())
    for scheme in known_by:
        building.sign(scheme, credentials[scheme.name])
    body = b""
    if tool.body is not None and arguments.get(tool.body.argument) is not None:
        building.headers["content-type"], body = _body(tool.body, arguments[tool.body.argument])
    return building.done(tool.method, body)


class _Building:
    """A request that grows."""

    def __init__(self, path: str) -> None:
        self.headers = {"accept": "application/json, */*;q=0.5"}
        self._path = path
        self._query: list[str] = []
        self._cookies: list[str] = []

    def put(self, one: Parameter, value: object) -> None:
        """A parameter."""
        if one.where == "path":
            self._path = self._path.replace(f"{{{one.name}}}", _segment(one, value))
        elif one.where == "query":
            self._query += _pairs(one, value)
        elif one.where == "header":
            self.headers[one.name.lower()] = _plain(one, value)
        else:
            self._cookies.append(f"{quote(one.name, safe='')}={quote(_plain(one, value), safe='')}")

    def sign(self, scheme: Security, value: str) -> None:
        """A credential."""
        if scheme.where == "query":
            self._query.append(f"{quote(scheme.key, safe='')}={quote(value, safe='')}")
        elif scheme.where == "cookie":
            self._cookies.append(f"{scheme.key}={value}")
        else:
            self.headers[scheme.key.lower()] = scheme.prefix + value

    def done(self, method: str, body: bytes) -> ApiRequest:
        """The request."""
        if self._cookies:
            self.headers["cookie"] = "; ".join(self._cookies)
        for name, value in self.headers.items():
            if not _TOKEN.fullmatch(name) or not _HEADER_UNSAFE.isdisjoint(value) or not _is_latin(value):
                raise BadRequest(
                    f"the header {name} cannot hold line breaks and other control characters, or any beyond Latin-1"
                )
        path = quote(self._path, safe=_PATH_SAFE)
        if any(part in (".", "..") for part in path.partition("?")[0].split("/")):
            raise BadRequest("the arguments make a path that leads elsewhere")
        query = ("&" if "?" in path else "?") + "&".join(self._query) if self._query else ""
        return ApiRequest(method, path + query, self.headers, body)


def _is_latin(value: str) -> bool:
    try:
        value.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    return msgspec.json.encode(value, enc_hook=str).decode()


def _plain(one: Parameter, value: object) -> str:
    """In a header or cookie: `simple`, without escapes."""
    items, members = _parts(one, value)
    if members is not None:
        sign = "=" if one.explode else ","
        return ",".join(f"{key}{sign}{_text(inner)}" for key, inner in members.items())
    return _text(value) if items is None else ",".join(map(_text, items))


def _segment(one: Parameter, value: object) -> str:
    """In a path. A segment of dots alone would lead elsewhere."""
    items, members = _parts(one, value)
    inner = [_quoted(value)] if items is None else list(map(_quoted, items))
    if members is not None:
        sign = "=" if one.explode else ","
        inner = [f"{_quoted(key)}{sign}{_quoted(part)}" for key, part in members.items()]
    text = ("." if one.style == "label" and one.explode else ",").join(inner)
    if one.style == "label":
        return f".{text}"
    if one.style == "matrix":
        return f";{_quoted(one.name)}={text}"
    if not text.strip("."):
        raise BadRequest(f"{one.argument} cannot be {text!r} in a path")
    return text


def _pairs(one: Parameter, value: object) -> Iterator[str]:
    """In a query."""
    name = _quoted(one.name)
    items, members = _parts(one, value)
    if items is not None:
        quoted = list(map(_quoted, items))
        if one.explode:
            yield from (f"{name}={item}" for item in quoted)
        elif quoted:
            yield f"{name}={_SEPARATORS.get(one.style, ',').join(quoted)}"
    elif members is None:
        yield f"{name}={_quoted(value)}"
    elif one.style == "deepObject":
        yield from (f"{name}%5B{_quoted(key)}%5D={_quoted(part)}" for key, part in members.items())
    elif one.explode:
        yield from (f"{_quoted(key)}={_quoted(part)}" for key, part in members.items())
    else:
        yield f"{name}={','.join(f'{_quoted(key)},{_quoted(part)}' for key, part in members.items())}"


def _quoted(value: object) -> str:
    return quote(_text(value), safe="")


def _parts(one: Parameter, value: object) -> tuple[list[object] | None, dict[str, object] | None]:
    """The items of a list, the members of an object; neither of what is written as one value."""
    if one.style == "json":
        return None, None
    kind = type(value)
    return (as_list(value) if kind is list else None), (as_object(value) if kind is dict else None)


def _body(body: Body, value: object) -> tuple[str, bytes]:
    """Its content type and bytes."""
    if body.media_type == "text/plain":
        return "text/plain; charset=utf-8", _text(value).encode()
    if body.media_type == "application/x-www-form-urlencoded":
        pairs = (f"{quote(key, safe='')}={quote(_text(part), safe='')}" for key, part in as_object(value).items())
        return body.media_type, "&".join(pairs).encode()
    if body.media_type == "multipart/form-data":
        boundary = secrets.token_hex(16)
        pieces = [
            f'--{boundary}\r\ncontent-disposition: form-data; name="{quote(key)}"\r\n\r\n{_text(part)}\r\n'
            for key, part in as_object(value).items()
        ]
        return f"multipart/form-data; boundary={boundary}", "".join([*pieces, f"--{boundary}--\r\n"]).encode()
    try:
        return body.media_type, msgspec.json.encode(value, enc_hook=str)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadRequest(f"{body.argument} cannot be written as JSON: {error}") from None
