"""What a credential is, and the two kinds that need nobody's help: fixed lines, and lines signed for each request.

A line ends with CRLF. Not here: how a signature is made, which is the business of the provider's folder.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias

import msgspec

from asbru.core.secret_text import SecretText
from asbru.upstream.spliced import Body, pieces_of

if TYPE_CHECKING:
    from asbru.upstream.credentials.token import TokenPorts


class OutgoingRequest(msgspec.Struct, frozen=True):
    """What may be signed of a request. `authority` is what Host says; `target` the path, with its query, exactly as it
    is sent; `unix_s` the time of the signature; `headers` the lines of the head as they are sent, with their CRLF."""

    method: bytes
    authority: bytes
    target: bytes
    body: Body
    unix_s: float
    headers: bytes = b""

    def body_pieces(self) -> Sequence[bytes | memoryview]:
        """The body in order, for a hash to go over: a large one is not copied."""
        return pieces_of(self.body)


class Credential(Protocol):
    """See the room. The path asks for `lines` only where `fixed` is None."""

    @property
    def fixed(self) -> bytes | None:
        """The lines, where they are always the same."""
        ...

    async def lines(self, request: OutgoingRequest) -> bytes:
        """The lines for this request. Raises `UpstreamError` (kind "network": it could not be had now; "exhausted":
        it is no good) when there are none."""
        ...

    def refused(self) -> bool:
        """The provider did not accept what it was shown (401). True: the next lines are made of something else, so that
        it is worth another try at once."""
        ...

    def shown(self) -> bytes:
        """The lines as far as they are known now, so that a provider's words can be searched for what is in them."""
        ...


class KeyMaterial(msgspec.Struct, frozen=True):
    """What the configuration knows of a key. `base_url` is the provider's, without a trailing slash."""

    value: SecretText
    base_url: str


CredentialMaker: TypeAlias = "Callable[[KeyMaterial, TokenPorts], Credential]"
"""Makes a key's credential, without asking anybody yet. Raises ValueError, whose words are shown, if the value makes no
sense."""


class FixedCredential:
    """The same lines for every request; b"" for a provider that wants none."""

    __slots__ = ("fixed",)

    def __init__(self, fixed: bytes) -> None:
        self.fixed = fixed

    @classmethod
    def of_header(cls, name: str, value: str) -> FixedCredential:
        """One header. Raises ValueError for a value that cannot stand in one."""
        if not value.isprintable():
            raise ValueError("cannot stand in a header")
        return cls(f"{name}: {value}\r\n".encode("latin-1"))

    async def lines(self, request: OutgoingRequest) -> bytes:
        """See `Credential`."""
        del request
        return self.fixed

    def refused(self) -> bool:
        """See `Credential`: there is no other."""
        return False

    def shown(self) -> bytes:
        """See `Credential`."""
        return self.fixed


class SignedCredential:
    """Lines that depend on the request. `sign` holds the secret, and must not wait for anything."""

    __slots__ = ("_sign",)

    fixed = None

    def __init__(self, sign: Callable[[OutgoingRequest], bytes]) -> None:
        self._sign = sign

    async def lines(self, request: OutgoingRequest) -> bytes:
        """See `Credential`."""
        return self._sign(request)

    def refused(self) -> bool:
        """See `Credential`: the next signature is another, but of the same secret."""
        return False

    def shown(self) -> bytes:
        """See `Credential`: what is shown is good for one request."""
        return b""
