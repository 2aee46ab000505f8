"""Fixed and signed credentials: what they show, what a signature may see, and that no secret prints."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from tests.fakes.paths import run_path

from asbru.core.secret_text import SecretText
from asbru.upstream import LARGE_BYTES_MIN, Spliced
from asbru.upstream.credentials import FixedCredential, KeyMaterial, OutgoingRequest, SignedCredential

REQUEST = OutgoingRequest(b"POST", b"h:81", b"/v1/x?a=b", b"body", 7.0)


def test_a_fixed_credential_needs_not_be_asked() -> None:
    """Its lines are at hand, and the same for whoever asks all the same."""
    credential = FixedCredential.of_header("x-api-key", "k1")
    assert credential.fixed == b"x-api-key: k1\r\n" == run_path(credential.lines(REQUEST))
    credential.refused()
    assert credential.fixed == b"x-api-key: k1\r\n"


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nb", "a\0", "snow\u2603man"])
def test_what_cannot_stand_in_a_header_is_refused(value: str) -> None:
    """Line breaks, control characters, and what is not Latin-1."""
    with pytest.raises(ValueError, match=r"header|latin"):
        FixedCredential.of_header("x", value)


def test_a_signature_sees_the_request_and_copies_no_body() -> None:
    """Method, authority, target, time, and the body in the very pieces that are sent."""
    large = bytes(LARGE_BYTES_MIN)
    pieces = [b"{", memoryview(large), b"}"]
    seen: list[OutgoingRequest] = []

    def sign(request: OutgoingRequest) -> bytes:
        seen.append(request)
        mac = hmac.new(b"secret", b"%b %b" % (request.method, request.target), hashlib.sha256)
        for piece in request.body_pieces():
            mac.update(piece)
        return b"x-signature: %b\r\n" % mac.hexdigest().encode()

    credential = SignedCredential(sign)
    assert credential.fixed is None
    request = OutgoingRequest(b"POST", b"h", b"/p", Spliced(pieces), 8.5)
    expected = hmac.new(b"secret", b"POST /p{" + large + b"}", hashlib.sha256).hexdigest()
    assert run_path(credential.lines(request)) == b"x-signature: %b\r\n" % expected.encode()
    assert seen == [request] and request.body_pieces() is pieces
    assert list(REQUEST.body_pieces()) == [b"body"]
    credential.refused()
    assert run_path(credential.lines(request)) == b"x-signature: %b\r\n" % expected.encode()


def test_no_secret_prints() -> None:
    """Whatever of a credential ends up in a message or a log."""
    secret = "s3cr3t-value"
    held = [
        FixedCredential.of_header("authorization", secret),
        SignedCredential(lambda request, key=secret: key.encode()),
        KeyMaterial(SecretText(secret), "https://h/v1"),
    ]
    assert secret not in repr(held) + str(held) + "".join(f"{one}" for one in held)
