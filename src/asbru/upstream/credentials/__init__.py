"""Credentials: the header lines by which a request shows a provider who sends it.

    FixedCredential   always the same lines: an API key
    SignedCredential  lines made of the request: a signature
    TokenCredential   lines of a token that expires: fetched, and fetched again before it does, once for all who wait

A provider's folder that needs one of the last two brings a `CredentialMaker`. They are given the time and what they
ask of the network; they refuse to know which provider they are for, to keep anything on disk, or to print a secret.
"""

from asbru.upstream.credentials.credential import (
    Credential,
    CredentialMaker,
    FixedCredential,
    KeyMaterial,
    OutgoingRequest,
    SignedCredential,
)
from asbru.upstream.credentials.token import Token, TokenCredential, TokenFlow, TokenPorts, TokenRequest
from asbru.upstream.credentials.token_sender import TokenSender

__all__ = [
    "Credential",
    "CredentialMaker",
    "FixedCredential",
    "KeyMaterial",
    "OutgoingRequest",
    "SignedCredential",
    "Token",
    "TokenCredential",
    "TokenFlow",
    "TokenPorts",
    "TokenRequest",
    "TokenSender",
]
