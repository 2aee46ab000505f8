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


class Caller(msgspec.Struct, frozen=True):
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
    return Caller(name, allowed, "*" in allowed)


OPEN_CALLER = caller("", ["*"])
"""Whoever calls while no keys are configured and only loopback is listened on."""


class Keys:
    """The virtual keys of one snapshot. `digests` maps keyed BLAKE2b-256 digests to callers."""

    def __init__(self, digests: dict[bytes, Caller], pepper: bytes, *, open_access: bool) -> None:
        self._digests = digests
        self._pepper = pepper
        self._open_access = open_access
        self._cache: dict[tuple[bytes, bytes, bytes], Caller] = {}

    def identify(self, credentials: tuple[bytes, bytes, bytes]) -> Caller:
        """The caller for (x-asbru-key, Authorization, x-api-key and its kin); raises `Unauthenticated`."""
        known = self._cache.get(credentials)
        return known if known is not None else self._look_up(credentials)

    def _look_up(self, credentials: tuple[bytes, bytes, bytes]) -> Caller:
        if self._open_access:
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
            found = self._digests.get(self._digest(value)) if len(value) <= KEY_BYTES_MAX else None
            if found is not None:
                if len(self._cache) >= KEYS_CACHED_MAX:
                    self._cache.clear()
                self._cache[credentials] = found
                return found
        raise Unauthenticated("the API key is not known here; expected a virtual key of this gateway (sk-asb-...)")

    def _digest(self, value: bytes) -> bytes:
        return hashlib.blake2b(value, key=self._pepper, digest_size=32).digest()


def _bearer(value: bytes) -> bytes:
    scheme, _, rest = value.partition(b" ")
    return rest.strip() if rest and scheme.lower() == b"bearer" else value.strip()


def refuse_model(provider: str, model: str) -> Forbidden:
    """The refusal for a caller that may not use a model."""
    return Forbidden(
        f"this key may not use the model '{provider}/{model}'; ask for it to be added to the key's models",
        code="model_not_allowed",
    )
