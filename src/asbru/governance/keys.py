"""Virtual keys: who is calling, and which models the caller may use.

Raw header bytes are looked up in a bounded cache, filled on a miss through the keyed hash; so the keys of recent
callers stand in memory in clear, never on disk. Comparing hashes found in a dict leaks no more than the hash itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from asbru.core.errors import Forbidden, Unauthenticated

KEYS_CACHED_MAX = 10_000
KEY_BYTES_MAX = 1024
KEY_PREFIX = b"sk-asb-"

VIRTUAL_KEY = "virtual_key"
"""The kind of feed entry that `Keys` takes: its id is the digest of a key, in hex."""

_EVERY_MODEL = frozenset(("*",))


class Caller(msgspec.Struct, frozen=True, gc=False):
    """A grant: `models` names, "provider/*" or "*"."""

    name: str
    models: frozenset[str]
    every_model: bool

    def may_use(self, provider: str, model: str) -> bool:
        """Whether the caller may use `provider/model`."""
        if self.every_model:
            return True
        models = self.models
        return f"{provider}/{model}" in models or f"{provider}/*" in models or model in models


def caller(name: str, models: Iterable[str]) -> Caller:
    """A caller that may use `models`."""
    allowed = frozenset(models)
    return Caller(name, _EVERY_MODEL if allowed == _EVERY_MODEL else allowed, "*" in allowed)


OPEN_CALLER = caller("", ["*"])
"""Whoever calls while no keys are configured and only loopback is listened on."""


class _VirtualKey(msgspec.Struct, frozen=True):
    """The payload of an entry. Unknown members are passed over: a newer process may have written it."""

    name: str
    models: tuple[str, ...]


def write_virtual_key(name: str, models: Iterable[str]) -> bytes:
    """The payload of a feed entry."""
    return msgspec.msgpack.encode(_VirtualKey(name, tuple(models)))


def digest_of(value: bytes, pepper: bytes) -> str:
    """Keyed BLAKE2b-256 of a virtual key, in hex: the id of its entry."""
    return hashlib.blake2b(value, key=pepper, digest_size=32).hexdigest()


class Keys:
    """The virtual keys, as the feed tells them. Nobody is let in before `configure`."""

    def __init__(self) -> None:
        self._callers: dict[str, Caller] = {}
        self._pepper = b""
        self._open_access = False
        self._cache: dict[tuple[bytes, bytes, bytes], Caller] = {}
        self._cached: dict[str, list[tuple[bytes, bytes, bytes]]] = {}
        """What stands in the cache for a digest."""
        self._read = msgspec.msgpack.Decoder(_VirtualKey).decode

    def configure(self, pepper: bytes, *, open_access: bool) -> None:
        """`pepper`: what digests were made under. `open_access`: let everyone in for as long as there is no key."""
        if pepper != self._pepper:
            self._forget_all()
        self._pepper = pepper
        self._open_access = open_access

    def put(self, entry_id: str, payload: bytes) -> None:
        """A key that is new or has changed, from the next call on. Raises `msgspec.ValidationError`."""
        self._forget(entry_id)
        self._callers.pop(entry_id, None)
        key = self._read(payload)
        self._callers[entry_id] = caller(key.name, key.models)

    def remove(self, entry_id: str) -> None:
        """A key that is refused from the next call on."""
        self._forget(entry_id)
        self._callers.pop(entry_id, None)

    def identify(self, credentials: tuple[bytes, bytes, bytes]) -> Caller:
        """The caller for (x-asbru-key, Authorization, x-api-key and its kin); raises `Unauthenticated`."""
        known = self._cache.get(credentials)
        return known if known is not None else self._look_up(credentials)

    def _look_up(self, credentials: tuple[bytes, bytes, bytes]) -> Caller:
        if self._open_access and not self._callers:
            return OPEN_CALLER
        candidates = [_bearer(value) for value in credentials if value]
        if not candidates:
            raise Unauthenticated(
                "no API key was given; send a virtual key (sk-asb-...) as `Authorization: Bearer`, `x-api-key` or "
                "`x-asbru-key`",
                code="missing_api_key",
            )
        # A client that also sends a provider's own key means the virtual one.
        candidates.sort(key=lambda value: not value.startswith(KEY_PREFIX))
        for value in candidates:
            if len(value) > KEY_BYTES_MAX:
                continue
            digest = digest_of(value, self._pepper)
            found = self._callers.get(digest)
            if found is not None:
                if value is candidates[0]:  # else one that is not known yet would win
                    self._keep(credentials, digest, found)
                return found
        raise Unauthenticated("the API key is unknown; expected a virtual key of this gateway (sk-asb-...)")

    def _keep(self, credentials: tuple[bytes, bytes, bytes], digest: str, found: Caller) -> None:
        if len(self._cache) >= KEYS_CACHED_MAX:
            self._forget_all()
        self._cache[credentials] = found
        self._cached.setdefault(digest, []).append(credentials)

    def _forget(self, digest: str) -> None:
        for credentials in self._cached.pop(digest, ()):
            del self._cache[credentials]

    def _forget_all(self) -> None:
        self._cache.clear()
        self._cached.clear()


def _bearer(value: bytes) -> bytes:
    scheme, _, rest = value.partition(b" ")
    return rest.strip() if rest and scheme.lower() == b"bearer" else value.strip()


def refuse_model(provider: str, model: str) -> Forbidden:
    """The refusal for a caller that may not use a model."""
    return Forbidden(
        f"this key may not use the model '{provider}/{model}'; ask for it to be added to the key's models",
        code="model_not_allowed",
    )
