"""Messages of JSON-RPC: what is read of them, what is refused, and that all else stays as it came."""

from __future__ import annotations

import pytest
from msgspec import Raw

from asbru.mcp.protocol import Code, RpcError, read_message, read_reply, write_request, write_result
from asbru.mcp.protocol.messages import with_members, write_notification, write_response


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", Code.PARSE_ERROR),
        (b'{"jsonrpc":"2.0"', Code.PARSE_ERROR),
        (b"[]", Code.INVALID_REQUEST),
        (b"3", Code.INVALID_REQUEST),
        (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', Code.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1}', Code.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', Code.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', Code.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', Code.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":"%b","method":"ping"}' % (b"x" * 600), Code.INVALID_REQUEST),
        (b'{"jsonrpc":"2.0","id":1,"method":7}', Code.INVALID_REQUEST),
    ],
)
def test_what_is_no_message_is_refused(body: bytes, code: Code) -> None:
    """With the code of JSON-RPC, and 400."""
    with pytest.raises(RpcError) as refused:
        read_message(body)
    assert (refused.value.rpc, refused.value.status) == (code, 400)


def test_kinds_of_messages() -> None:
    """A request has an id and a method, a notification no id, a response no method."""
    request = read_message(b'{"jsonrpc":"2.0","id":"a","method":"ping","unknown":1}')
    assert request.is_request and request.request_id == b'"a"'
    assert not read_message(b'{"jsonrpc":"2.0","method":"notifications/x"}').is_request
    response = read_message(b'{"jsonrpc":"2.0","id":-3,"result":{}}')
    assert not response.is_request and response.request_id == b"-3"
    assert read_reply(b"garbage") is None and read_reply(b'{"jsonrpc":"2.0","id":1}') is None


@pytest.mark.parametrize("params", [b"[]", b"3", b'"x"', b"null"])
def test_params_are_an_object(params: bytes) -> None:
    """Anything else is refused by the code for parameters."""
    message = read_message(b'{"jsonrpc":"2.0","id":1,"method":"ping","params":%b}' % params)
    with pytest.raises(RpcError) as refused:
        message.read_params()
    assert refused.value.rpc == Code.INVALID_PARAMS


def test_values_pass_to_the_byte() -> None:
    """Numbers, spaces and unknown members of parameters and results are not written anew."""
    odd = b'{ "n" : 1.00e2 , "u":"\\u00e9", "deep":[ {"x":null} ] }'
    message = read_message(b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":%b}}' % odd)
    assert odd in write_request("r", "m", message.read_params())
    assert write_result(b"7", odd) == b'{"jsonrpc":"2.0","id":7,"result":%b}' % odd
    reply = read_reply(b'{"jsonrpc":"2.0","id":"ours","result":%b}' % odd)
    assert reply is not None and write_response(b"7", reply) == write_result(b"7", odd)
    failed = read_reply(b'{"jsonrpc":"2.0","id":"ours","error":{"code":-1,"message":"m","more":1}}')
    assert failed is not None
    assert write_response(b"7", failed) == b'{"jsonrpc":"2.0","id":7,"error":{"code":-1,"message":"m","more":1}}'


@pytest.mark.parametrize(
    ("result", "written"),
    [
        (b"{}", b'{"t":1}'),
        (b' { "a" : 2 } ', b'{"t":1,"a" : 2 }'),
        (b'{"t":9}', b'{"t":9}'),
        (b"[]", b"[]"),
    ],
)
def test_members_are_added_where_they_lack(result: bytes, written: bytes) -> None:
    """At the beginning of an object; one that is there stays, and what is no object is left alone."""
    assert with_members(Raw(result), {"t": b"1"}) == written


def test_notifications() -> None:
    """With and without parameters."""
    assert write_notification("a/b") == b'{"jsonrpc":"2.0","method":"a/b"}'
    assert write_notification("a", {"x": Raw(b"1")}) == b'{"jsonrpc":"2.0","method":"a","params":{"x":1}}'
