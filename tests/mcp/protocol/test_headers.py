"""Headers of the stateless era: they say what the body says, whatever the name, and arguments as schemas mark them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from asbru.mcp.protocol import Code, RpcError, read_message
from asbru.mcp.protocol.headers import (
    META_CAPABILITIES,
    META_VERSION,
    argument_headers,
    check_stateless,
    decode_value,
    demanded_scope,
    encode_value,
)

VERSION = "2026-07-28"


@pytest.mark.parametrize(
    "text", ["plain", "with space", "ünïcode", " edge", "line\nbreak", "=?base64?YQ==?=", "日本"]
)
def test_any_name_travels_in_a_header(text: str) -> None:
    """In base64 where a header could not hold it; what looks encoded is encoded as well."""
    value = encode_value(text)
    assert decode_value(value) == text
    assert (value == text.encode()) == (text in ("plain", "with space"))
    assert all(0x20 <= byte < 0x7F for byte in value)


def test_what_is_encoded_wrongly_is_no_name() -> None:
    """It fits no body by chance."""
    assert decode_value(b"=?base64?*?=") is None
    assert decode_value(b"=?base64?/w==?=") is None


def _check(params: dict[str, Any], method: str = "tools/call", **headers: str) -> None:
    body = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    message = read_message(body)
    told = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    check_stateless(message, message.read_params(), told)


GOOD: dict[str, Any] = {"name": "add", "_meta": {META_VERSION: VERSION, META_CAPABILITIES: {}}}
HEADERS = {"mcp_protocol_version": VERSION, "mcp_method": "tools/call", "mcp_name": "add"}


def test_a_request_that_agrees_with_itself() -> None:
    """All three headers fit the body; methods without names need no third one."""
    _check(GOOD, **HEADERS)
    _check({"_meta": GOOD["_meta"]}, "tools/list", mcp_protocol_version=VERSION, mcp_method="tools/list")


@pytest.mark.parametrize("lacks", list(HEADERS))
@pytest.mark.parametrize("value", ["", "other"])
def test_a_header_that_disagrees_is_refused(lacks: str, value: str) -> None:
    """Also one that is absent."""
    headers = {**HEADERS, lacks: value} if value else {name: one for name, one in HEADERS.items() if name != lacks}
    with pytest.raises(RpcError) as refused:
        _check(GOOD, **headers)
    assert refused.value.rpc == Code.HEADER_MISMATCH


@pytest.mark.parametrize(
    "meta", [None, [], {}, {META_VERSION: VERSION}, {META_CAPABILITIES: {}}, {META_VERSION: 3, META_CAPABILITIES: {}}]
)
def test_what_each_request_must_say(meta: Any) -> None:
    """The version and the capabilities, or it is refused as parameters are."""
    with pytest.raises(RpcError) as refused:
        _check({"name": "add", "_meta": meta}, **HEADERS)
    assert refused.value.rpc == Code.INVALID_PARAMS


def test_a_version_that_is_unknown() -> None:
    """The refusal lists those that there are."""
    meta = {META_VERSION: "2031-01-01", META_CAPABILITIES: {}}
    with pytest.raises(RpcError) as refused:
        _check({"name": "add", "_meta": meta}, **{**HEADERS, "mcp_protocol_version": "2031-01-01"})
    assert refused.value.rpc == Code.UNSUPPORTED_VERSION
    assert refused.value.data["requested"] == "2031-01-01" and VERSION in refused.value.data["supported"]


def test_marked_arguments_are_told_in_headers() -> None:
    """Text, whole numbers and booleans below any `properties`; nothing that is absent, null or of another kind."""
    schema = {
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "flag": {"type": "boolean", "x-mcp-header": "Flag"},
            "deep": {"properties": {"n": {"type": "integer", "x-mcp-header": "N"}}},
            "list": {"type": "array", "x-mcp-header": "List"},
            "none": {"type": "string", "x-mcp-header": "None"},
            "bad": {"type": "string", "x-mcp-header": "no token"},
            "free": {"type": "string"},
        }
    }
    given = {"region": "zürich", "flag": True, "deep": {"n": 7}, "list": [1], "none": None, "bad": "x", "free": "x"}
    told = dict(argument_headers(schema, given))
    assert told == {"Mcp-Param-Region": encode_value("zürich"), "Mcp-Param-Flag": b"true", "Mcp-Param-N": b"7"}
    assert not dict(argument_headers([], given)) and not dict(argument_headers(schema, None))


@pytest.mark.parametrize(
    ("challenge", "scope"),
    [
        ('Bearer scope="a b", error="insufficient_scope"', "a b"),
        ('bearer error=insufficient_scope, scope="a"', "a"),
        ('Bearer error="invalid_token", scope="a"', ""),
        ('Basic error="insufficient_scope", scope="a"', ""),
        ("", ""),
    ],
)
def test_scopes_that_a_challenge_demands(challenge: str, scope: str) -> None:
    """Only where the token is good and has too little; a challenge for want of a token demands nothing."""
    assert demanded_scope(challenge) == scope
