"""AWS Signature Version 4: the header lines that prove to a service of AWS who sends a request. Pure.

    canonical request   method, path, query, signed headers, hash of the body
    string to sign      algorithm, time, scope (date/region/service), hash of the canonical request
    signature           HMAC of it by a key derived from the secret, the date, the region and the service

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. Paths are encoded
once more than they are sent, as all services but S3 want it. Not here: where keys come from (`sources.py`).
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final
from urllib.parse import quote, unquote

import msgspec

ALGORITHM: Final = "AWS4-HMAC-SHA256"
_SAFE: Final = "-_.~"
_NOTHING: Final = sha256().hexdigest()
_DERIVED_MAX: Final = 64
"""Derived keys kept: one a day for each key, region and service."""


class AwsKeys(msgspec.Struct, frozen=True):
    """An access key. `session_token` goes with temporary ones."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""

    def __repr__(self) -> str:
        return f"AwsKeys({self.access_key_id!r})"


class Scope(msgspec.Struct, frozen=True):
    """What a signature is good for."""

    region: str
    service: str


def sign(
    keys: AwsKeys,
    scope: Scope,
    *,
    method: str,
    host: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    body: Iterable[bytes | memoryview] = (),
    unix_s: float,
) -> list[tuple[str, str]]:
    """The header lines to add to a request, as (name, value), names in lower case. `target` is path and query as they
    are sent, `host` what the Host header says; `headers`: others that are signed, names in lower case."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(unix_s))
    added = [("x-amz-date", stamp)]
    if keys.session_token:
        added.append(("x-amz-security-token", keys.session_token))
    signed = dict(sorted({**(headers or {}), "host": host, **dict(added)}.items()))
    names = ";".join(signed)
    request = canonical_request(method, target, signed, hash_of(body))
    within = f"{stamp[:8]}/{scope.region}/{scope.service}/aws4_request"
    text = "\n".join((ALGORITHM, stamp, within, sha256(request.encode()).hexdigest()))
    key = _derive(keys.secret_access_key, stamp[:8], scope.region, scope.service)
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    shown = f"{ALGORITHM} Credential={keys.access_key_id}/{within}, SignedHeaders={names}, Signature={signature}"
    return [*added, ("authorization", shown)]


def hash_of(body: Iterable[bytes | memoryview]) -> str:
    """The hash of a body that may stand in pieces, in hex."""
    hashed = None
    for piece in body:
        if hashed is None:
            hashed = sha256(piece)
        else:
            hashed.update(piece)
    return _NOTHING if hashed is None else hashed.hexdigest()


def canonical_request(method: str, target: str, signed: Mapping[str, str], body_hash: str) -> str:
    """The text that stands for a request; `signed` are its headers by name, in order."""
    path, _, query = target.partition("?")
    lines = "".join(f"{name}:{' '.join(value.split())}\n" for name, value in signed.items())
    return "\n".join(
        (method, quote(path or "/", safe=f"/{_SAFE}"), _canonical_query(query), lines, ";".join(signed), body_hash)
    )


def _canonical_query(query: str) -> str:
    pairs = (part.partition("=") for part in query.split("&") if part)
    coded = sorted((quote(unquote(name), safe=_SAFE), quote(unquote(value), safe=_SAFE)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in coded)


@lru_cache(_DERIVED_MAX)
def _derive(secret: str, date: str, region: str, service: str) -> bytes:
    """The key that signs on one day: the same for all requests of that day, and a quarter of the work of one."""
    key = f"AWS4{secret}".encode()
    for word in (date, region, service, "aws4_request"):
        key = hmac.digest(key, word.encode(), "sha256")
    return key
