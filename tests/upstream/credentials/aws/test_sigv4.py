"""Signature Version 4, by the vectors that AWS published and by what botocore makes of the same requests."""

from __future__ import annotations

import calendar

import pytest

from asbru.upstream.credentials.aws import AwsKeys, Scope, sign
from asbru.upstream.credentials.aws.sigv4 import canonical_request, hash_of

KEYS = AwsKeys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SCOPE = Scope("us-east-1", "service")
THEN_S = calendar.timegm((2015, 8, 30, 12, 36, 0))


@pytest.mark.parametrize(
    ("method", "target", "signature"),
    [
        ("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ],
    ids=["get-vanilla", "post-vanilla", "get-vanilla-query-order-key-case"],
)
def test_published_vectors(method: str, target: str, signature: str) -> None:
    """Requests of AWS's test suite have the signatures that it gives for them."""
    lines = dict(sign(KEYS, SCOPE, method=method, host="example.amazonaws.com", target=target, unix_s=THEN_S))
    assert lines["x-amz-date"] == "20150830T123600Z"
    assert lines["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        f"SignedHeaders=host;x-amz-date, Signature={signature}"
    )


def test_what_botocore_signs() -> None:
    """A stream of Converse with a session token, a model whose name has a colon and a body in pieces: as botocore 1.43
    signed it."""
    lines = sign(
        AwsKeys(KEYS.access_key_id, KEYS.secret_access_key, "TOK/EN=="),
        Scope("us-east-1", "bedrock"),
        method="POST",
        host="bedrock-runtime.us-east-1.amazonaws.com",
        target="/model/us.anthropic.claude-sonnet-4-20250514-v1%3A0/converse-stream",
        headers={"content-type": "application/json"},
        body=(b'{"a"', memoryview(b":1}")),
        unix_s=THEN_S,
    )
    assert [name for name, _ in lines] == ["x-amz-date", "x-amz-security-token", "authorization"]
    _, signed, signature = lines[2][1].split(", ")
    assert signed == "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token"
    assert signature == "Signature=30295d0c4effaf7c626f53c775c932a38ff924c29f46940ecc89def7d05abcb3"


def test_paths_are_encoded_once_more() -> None:
    """What stands in a path as it is sent is encoded again, and white space in headers is one space."""
    text = canonical_request("POST", "/model/a%3A0/converse", {"host": "h", "x-amz-a": " b   c "}, hash_of(()))
    assert text.splitlines()[1] == "/model/a%253A0/converse"
    assert "x-amz-a:b c\n" in text


def test_keys_do_not_show_their_secret() -> None:
    """Neither in words for people nor in those for programmers."""
    assert KEYS.secret_access_key not in f"{KEYS} {KEYS!r}"
