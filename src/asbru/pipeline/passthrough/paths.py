"""The path of a passthrough call: what is refused, and what is known of what it asks.

The path goes to the provider as it came, below the base URL. Servers and proxies differ in how often they decode a path
and what they make of dots, backslashes and parameters of segments, so whatever any of them could read as a step
upwards, another host or the end of the path is refused (RFC 3986, 3.3; RFC 9110, 4.2.3).
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

from asbru.core.errors import BadRequest
from asbru.dialects import Dialect, Operation, PathParameters, RequestHead

ROUTE: Final = "/passthrough/{provider}/{path}"
PREFIX: Final = b"/passthrough/"
SURFACE: Final = "passthrough"
"""What a key must be allowed as a surface."""
METHODS: Final = (b"GET", b"POST", b"PUT", b"PATCH", b"DELETE")

_ALLOWED = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})+")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f\\]")
_BEYOND = re.compile(rb"[;?#].*", re.DOTALL)
"""What some reader may not count to the name of a segment, once it is decoded."""
_DECODED_MAX = 4
"""How often a path may be encoded over; one more is refused."""
_PARAMETER = re.compile(r"\\\{(\w+)\\\}")


def _read_no_head(body: bytes, parameters: PathParameters, query: bytes) -> RequestHead:
    del body, parameters, query
    return RequestHead(model="", stream=False, wants_usage=True, max_tokens=None)


UNKNOWN: Final = Operation(name="passthrough", surface="passthrough", path="", read_head=_read_no_head)
"""What is asked where the path is that of no known operation: which model it names, if any, is not known."""


class Known(NamedTuple):
    """The operation of a path, and what stood in its parameters."""

    operation: Operation
    parameters: PathParameters


def check_path(path: str) -> str:
    """The path for comparisons: decoded, without parameters of segments. Raises `BadRequest` for one that could lead
    anywhere but below the base URL. `path`: as it came, without the slash at its beginning."""
    if _ALLOWED.fullmatch(path) is None:
        raise _refused("it contains a character that a path may not contain")
    decoded = path.encode()
    for _ in range(_DECODED_MAX):
        before, decoded = decoded, unquote_to_bytes(decoded)
        if decoded == before:
            break
    else:
        raise _refused("it is encoded too many times")
    if _CONTROL.search(decoded):
        raise _refused("it contains an encoded backslash or control character")
    segments = [_BEYOND.sub(b"", segment).strip() for segment in decoded.split(b"/")]
    if any(segment in (b".", b"..") for segment in segments):
        raise _refused("it contains a segment of dots")
    if b"" in segments[:-1]:
        raise _refused("it contains an empty segment")
    return b"/".join(segments).decode("latin-1")


def known_operation(dialect: Dialect, method: bytes, path: str) -> Known | None:
    """The operation that is asked for by this method on this path (as it came), where its body is known to be JSON."""
    asked = [one for one in dialect.operations if one.takes == "json" and method in one.methods]
    for templates in ([one.path for one in asked], [one.stream_path for one in asked]):
        for operation, template in zip(asked, templates, strict=True):
            match = _expression(template.partition("?")[0]).fullmatch(f"/{path}") if template else None
            if match is not None:
                values = {
                    name: unquote_to_bytes(raw).decode("utf-8", "replace") for name, raw in match.groupdict().items()
                }
                return Known(operation, values)
    return None


def _expression(template: str) -> re.Pattern[str]:
    return re.compile(_PARAMETER.sub(r"(?P<\1>[^/]+)", re.escape(template)))


def _refused(why: str) -> BadRequest:
    return BadRequest(f"the path cannot be passed through: {why}", code="path_not_allowed")
