"""Keys of Bedrock: API keys, AWS keys, and the region that they sign for."""

from __future__ import annotations

import pytest

from asbru.core.secret_text import SecretText
from asbru.providers.bedrock.credential import make
from asbru.upstream.credentials import KeyMaterial, OutgoingRequest, TokenPorts

HOST = "https://bedrock-runtime.eu-central-1.amazonaws.com"
AWS = '{"access_key_id": "AKIA", "secret_access_key": "s"}'


def shown(value: str, base_url: str = HOST) -> str:
    """What a key shows for a request."""
    credential = make(KeyMaterial(SecretText(value), base_url), TokenPorts.of_nobody())
    work = credential.lines(OutgoingRequest(b"POST", b"h", b"/p", b"", 7.0))
    with pytest.raises(StopIteration) as end:
        work.send(None)
    return end.value.value.decode()


def test_an_api_key_is_a_bearer_token() -> None:
    """As AWS's SDKs send it."""
    assert shown("bedrock-api-key-1") == "authorization: Bearer bedrock-api-key-1\r\n"


@pytest.mark.parametrize(
    ("base_url", "value", "region"),
    [
        (HOST, AWS, "eu-central-1"),
        ("https://bedrock-runtime-fips.us-east-1.amazonaws.com", AWS, "us-east-1"),
        ("https://vpce-1-x.bedrock-runtime.ap-south-1.vpce.amazonaws.com", AWS, "ap-south-1"),
        ("http://127.0.0.1:9", AWS[:-1] + ', "region": "us-west-2"}', "us-west-2"),
    ],
)
def test_the_region_is_that_of_the_address(base_url: str, value: str, region: str) -> None:
    """Or that of the key, where the address names none."""
    assert f"/{region}/bedrock/aws4_request" in shown(value, base_url)


def test_a_key_without_a_region_is_refused() -> None:
    """Before any call."""
    with pytest.raises(ValueError, match="region"):
        shown(AWS, "http://127.0.0.1:9")


def test_a_key_of_odd_letters_is_refused() -> None:
    """It cannot stand in a header; the words hold nothing of it."""
    with pytest.raises(ValueError, match="visible ASCII") as caught:
        shown("two words")
    assert "two" not in str(caught.value)
