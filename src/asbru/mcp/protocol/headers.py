"""Headers of the stateless era: what a request says of itself must be what its body says.

A name that a header cannot hold is written in base64, between `=?base64?` and `?=`. Arguments that a tool's schema
marks with `x-mcp-header` are told in headers too, as `Mcp-Param-NAME`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

from msgspec import Raw

from asbru.mcp.protocol.errors import Code, RpcError
from asbru.mcp.protocol.messages import Message, Params, read_object, read_text
from asbru.mcp.protocol.versions import STATELESS_VERSIONS, VERSIONS

VERSION: Final = b"mcp-protocol-version"
SESSION: Final = b"mcp-session-id"
METHOD: Final = b"mcp-method"
NAME: Final = b"mcp-name"

META: Final = "_meta"
META_VERSION: Final = "io.modelcontextprotocol/protocolVersion"
META_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"
META_INFO: Final = "io.modelcontextprotocol/clientInfo"

NAMED_BY: Final = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""The member of `params` that Mcp-Name repeats, by method."""

MARK: Final = b"x-mcp-header"
"""What a schema holds whose arguments are told in headers."""
_DEPTH_MAX: Final = 32
_ENCODED = re.compile(r"=\?base64\?(.*)\?=")
_PLAIN = re.compile(r"[\x20-\x7e]*")
_PARAMETER = re.compile(r'([a-zA-Z_]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}")


def encode_value(text: str) -> bytes:
    """Text as a header's value."""
    if _PLAIN.fullmatch(text) and text == text.strip() and not _ENCODED.fullmatch(text):
        return text.encode()
    return b"=?base64?%b?=" % base64.b64encode(text.encode("utf-8", "surrogatepass"))


def decode_value(value: bytes) -> str | None:
    """The text in a header's value; None where it is encoded wrongly."""
    text = value.decode("latin-1")
    found = _ENCODED.fullmatch(text)
    if found is None:
        return text
    try:
        return base64.b64decode(found[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def check_stateless(message: Message, params: Params, headers: Mapping[bytes, bytes]) -> None:
    """Check a request of the stateless era; raises `RpcError`. `headers`: by name in lower case."""
    meta = read_object(params.get(META))
    absent = [name for name in (META_VERSION, META_CAPABILITIES) if meta is None or name not in meta]
    if meta is None or absent:
        raise RpcError(Code.INVALID_PARAMS, f"expected params._meta with {' and '.join(absent)}")
    version = read_text(meta[META_VERSION])
    if version is None:
        raise RpcError(Code.INVALID_PARAMS, f"expected {META_VERSION} to be text")
    if headers.get(VERSION, b"").decode("latin-1") != version:
        raise _mismatch("MCP-Protocol-Version", META_VERSION)
    method = message.method
    assert isinstance(method, str), "only requests are checked"
    if headers.get(METHOD, b"").decode("latin-1") != method:
        raise _mismatch("Mcp-Method", "method")
    member = NAMED_BY.get(method)
    name = None if member is None else read_text(params.get(member))
    if name is not None and (NAME not in headers or decode_value(headers[NAME]) != name):
        raise _mismatch("Mcp-Name", f"params.{member}")
    if version not in STATELESS_VERSIONS:
        raise unsupported_version(version)


def unsupported_version(asked: str) -> RpcError:
    """The refusal of a version."""
    return RpcError(
        Code.UNSUPPORTED_VERSION,
        f"the version {asked[:50]!r} of the protocol is not supported",
        data={"supported": list(VERSIONS), "requested": asked[:50]},
    )


def _mismatch(header: str, member: str) -> RpcError:
    return RpcError(Code.HEADER_MISMATCH, f"the header {header} does not match the body's `{member}`")


def argument_headers(schema: Any, arguments: Any) -> Iterator[tuple[str, bytes]]:
    """The headers by which arguments are told: of text, whole numbers and true or false that the schema marks."""
    yield from _marked(schema, arguments, _DEPTH_MAX)


def _marked(schema: Any, value: Any, depth: int) -> Iterator[tuple[str, bytes]]:
    if not isinstance(schema, dict) or not isinstance(value, dict) or depth == 0:
        return
    properties = cast("dict[str, Any]", schema).get("properties")
    if not isinstance(properties, dict):
        return
    given = cast("dict[str, Any]", value)
    for name, inner in cast("dict[str, Any]", properties).items():
        if name not in given or not isinstance(inner, dict):
            continue
        told, mark = given[name], cast("dict[str, Any]", inner).get(MARK.decode())
        if isinstance(mark, str) and _TOKEN.fullmatch(mark):
            text = _text_of(told)
            if text is not None:
                yield f"Mcp-Param-{mark}", encode_value(text)
        yield from _marked(cast("Any", inner), told, depth - 1)


def _text_of(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None


def challenge_parameters(challenge: str) -> dict[str, str]:
    """The parameters of a WWW-Authenticate of the scheme Bearer, {} for another."""
    scheme, _, rest = challenge.strip().partition(" ")
    if scheme.lower() != "bearer":
        return {}
    return {
        name.lower(): (quoted.replace("\\", "") if quoted else plain)
        for name, quoted, plain in _PARAMETER.findall(rest)
    }


def demanded_scope(challenge: str) -> str:
    """The scopes that a server demands of the token that it was shown (403); "" where it demands none."""
    found = challenge_parameters(challenge)
    return found.get("scope", "") if found.get("error") == "insufficient_scope" else ""


def without_envelope(meta: Params) -> Params:
    """`_meta` without what only the stateless era has."""
    return {name: raw for name, raw in meta.items() if name not in (META_VERSION, META_CAPABILITIES, META_INFO)}


def with_envelope(meta: Params, version: str, capabilities: bytes, info: bytes) -> Params:
    """`_meta` as the stateless era wants it."""
    told = {META_VERSION: Raw(b'"%b"' % version.encode()), META_CAPABILITIES: Raw(capabilities), META_INFO: Raw(info)}
    return {**meta, **told}
