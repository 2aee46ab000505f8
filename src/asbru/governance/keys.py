"""Virtual keys: who is calling.

    missing, unknown, switched off, expired, or of an owner that is not known     refused, 401, each in words of its own
    of the store, while the file declares a key of its name                       likewise
    unknown, while what the store holds has not been told yet                     503: it may well be good

Raw header bytes, if they are short, are looked up in a bounded cache, filled on a miss through the keyed hash; so the
keys of recent callers stand in memory in clear, never on disk. Comparing hashes found in a dict leaks no more than the
hash itself. A key that expires is not cached: it is found by its hash, and judged, at each call.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from asbru.core.errors import AsbruError, GatewayError, Unauthenticated
from asbru.governance.caller import NOBODY, OPEN_CALLER, Caller
from asbru.governance.entries import KeyEntry, OwnerEntry
from asbru.governance.patterns import check_pattern

KEYS_CACHED_MAX = 10_000
CACHED_BYTES_MAX = 512
"""Of all credentials of a request; those that are longer are hashed at each call."""
KEY_BYTES_MAX = 1024
KEY_PREFIX = b"sk-asb-"
_SIGNED = b"AWS4-HMAC-SHA256"
"""The scheme of requests that are signed by Signature Version 4."""
_OWNERS_ABOVE_MAX = 8


class KeyRefused(Unauthenticated):
    """A key that is known and may not be used. `caller`: whose it is, for the record; it may use nothing."""

    def __init__(self, entry: KeyEntry, message: str, *, code: str, owners: tuple[str, ...] = ()) -> None:
        super().__init__(message, code=code)
        self.caller = Caller(KeyEntry(entry.name, (), tags=entry.tags), owners)


def caller_behind(error: AsbruError | None) -> Caller:
    """Who a call is recorded for that was refused before anyone was let in."""
    return error.caller if isinstance(error, KeyRefused) else NOBODY


def digest_of(value: bytes, pepper: bytes) -> str:
    """Keyed BLAKE2b-256 of a virtual key, in hex: the id of its entry."""
    import hashlib  # here: it loads OpenSSL, 3.7 MB in the bookkeeper, which hashes nothing

    return hashlib.blake2b(value, key=pepper, digest_size=32).hexdigest()


class Keys:
    """The virtual keys, as the feed tells them. Nobody is let in before `configure`. `owners` takes the feed's entries
    of customers and teams. `store_known`: whether the keys of the store have been told."""

    def __init__(self, unix_time: Callable[[], float] = time.time) -> None:
        self.owners = _Owners(self._forget_callers)
        self.store_known: Callable[[], bool] = lambda: True
        self._unix_time = unix_time
        self._payloads: dict[str, bytes] = {}
        self._callers: dict[str, Caller] = {}
        """Of the keys that were used: of thousands, most never are by one worker."""
        self._pepper = b""
        self._open_access = False
        self.optional = False
        """Calls without a virtual key are let in, whatever keys there are."""
        self.is_open = False
        """No key is needed now."""
        self._declared: dict[str, str] = {}
        """Names of keys that the file declares, by digest."""
        self._declared_names: Counter[str] = Counter()
        self._temporary: set[str] = set()
        """Digests of keys that do not end open access."""
        self._cache: dict[tuple[bytes, bytes, bytes], Caller] = {}
        self._cached: dict[str, list[tuple[bytes, bytes, bytes]]] = {}
        """What stands in the cache for a digest."""
        self._read = msgspec.msgpack.Decoder(KeyEntry).decode

    def configure(self, pepper: bytes, *, open_access: bool, optional: bool = False) -> None:
        """`pepper`: what digests were made under. `open_access`: let everyone in for as long as there is no
        key but temporary ones. `optional`: let calls without a virtual key in, whatever keys there are."""
        if pepper != self._pepper or optional != self.optional:
            self._forget_all()
        self._pepper = pepper
        self._open_access = open_access
        self.optional = optional
        self._look_whether_open()

    def put(self, entry_id: str, payload: bytes) -> None:
        """A key that is new or has changed, from the next call on. Raises `ValueError` for one that cannot be read, or
        whose expressions may not be used."""
        self.remove(entry_id)
        key = self._read(payload)
        for patterns in (
            key.models,
            key.blocked_models,
            *((*one.models, *one.blocked_models) for one in key.providers),
        ):
            for pattern in patterns:
                check_pattern(pattern)
        self._payloads[entry_id] = payload
        if key.temporary:
            self._temporary.add(entry_id)
        if key.declared:
            self._declared[entry_id] = key.name
            self._declared_names[key.name] += 1
            self._forget_callers()

    def remove(self, entry_id: str) -> None:
        """A key that is refused from the next call on."""
        self._forget(entry_id)
        self._payloads.pop(entry_id, None)
        self._temporary.discard(entry_id)
        name = self._declared.pop(entry_id, None)
        if name is not None:
            self._declared_names[name] -= 1

    def _look_whether_open(self) -> None:
        self.is_open = self.optional or (self._open_access and not self._payloads)

    def identify(self, credentials: tuple[bytes, bytes, bytes]) -> Caller:
        """The caller for (x-asbru-key, Authorization, x-api-key and its kin); raises `Unauthenticated`."""
        known = self._cache.get(credentials)
        return known if known is not None else self._look_up(credentials)

    def _look_up(self, credentials: tuple[bytes, bytes, bytes]) -> Caller:
        if self._open_access and not self._payloads:
            return OPEN_CALLER
        candidates = [_bearer(value) for value in credentials if value]
        # A client that also sends a provider's own key means the virtual one.
        candidates.sort(key=lambda value: not value.startswith(KEY_PREFIX))
        for value in candidates:
            if len(value) > KEY_BYTES_MAX:
                continue
            digest = digest_of(value, self._pepper)
            payload = self._payloads.get(digest)
            if payload is not None:
                found = self._caller(digest, payload)
                # Else one that is not known yet would win.
                if value is candidates[0] and not found.entry.expires_ms and _is_short(credentials):
                    self._keep(credentials, digest, found)
                return found
        if self._open_access and len(self._temporary) == len(self._payloads):
            return OPEN_CALLER
        if self.optional and not any(value.startswith(KEY_PREFIX) for value in candidates):
            return OPEN_CALLER
        if not candidates:
            raise Unauthenticated(
                "no API key was given; send a virtual key (sk-asb-...) as `Authorization: Bearer`, `x-api-key` or "
                "`x-asbru-key`",
                code="missing_api_key",
            )
        if candidates[0].startswith(KEY_PREFIX) and not self.store_known():
            raise GatewayError(
                "the keys in the store are not known yet; try again shortly",
                status=503,
                type="overloaded_error",
                code="keys_unavailable",
                retry_after_s=1,
            )
        raise Unauthenticated("the API key is unknown; expected a virtual key of this gateway (sk-asb-...)")

    def _caller(self, digest: str, payload: bytes) -> Caller:
        """The caller behind a key that is there; raises `Unauthenticated` where it may not be used now."""
        found = self._callers.get(digest)
        if found is None:
            entry = self._read(payload)
            above, missing = self.owners.above(entry)
            owners = (entry.owner_id, *above) if entry.owner_id else ()
            if not entry.active:
                raise KeyRefused(
                    entry,
                    f"the API key '{entry.name}' has been revoked; ask for a new one",
                    code="revoked_api_key",
                    owners=owners,
                )
            if self._declared_names[entry.name] and not entry.declared:
                raise KeyRefused(
                    entry,
                    f"the API key '{entry.name}' is valid no more: the configuration file declares another one of that "
                    "name",
                    code="revoked_api_key",
                    owners=owners,
                )
            if missing:
                kind, _, name = missing.partition("/")
                raise KeyRefused(
                    entry,
                    f"the API key '{entry.name}' belongs to the {kind} '{name}', which is unknown",
                    code="unknown_owner",
                    owners=owners,
                )
            found = self._callers[digest] = Caller(entry, owners, self.owners.tools(above))
        expires_ms = found.entry.expires_ms
        if expires_ms and expires_ms <= self._unix_time() * 1000:
            when = datetime.fromtimestamp(expires_ms // 1000, UTC)
            raise KeyRefused(
                found.entry,
                f"the API key '{found.name}' expired at {when:%Y-%m-%dT%H:%M:%SZ}; ask for a new one",
                code="expired_api_key",
                owners=found.owners,
            )
        return found

    def _keep(self, credentials: tuple[bytes, bytes, bytes], digest: str, found: Caller) -> None:
        if len(self._cache) >= KEYS_CACHED_MAX:
            self._forget_all()
        self._cache[credentials] = found
        self._cached.setdefault(digest, []).append(credentials)

    def _forget(self, digest: str) -> None:
        self._callers.pop(digest, None)
        for credentials in self._cached.pop(digest, ()):
            del self._cache[credentials]

    def _forget_all(self) -> None:
        self._cache.clear()
        self._cached.clear()

    def _forget_callers(self) -> None:
        self._callers.clear()
        self._forget_all()


class _Owners:
    """Customers and teams, and who is above whom. What else the feed calls an owner is no one's parent."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._parents: dict[str, str] = {}
        self._tools: dict[str, tuple[str, ...]] = {}
        self._read = msgspec.msgpack.Decoder(OwnerEntry).decode

    def put(self, entry_id: str, payload: bytes) -> None:
        """An owner that is new or has changed; its keys are looked at anew. Raises `ValueError`."""
        before = self._parents.pop(entry_id, None), self._tools.pop(entry_id, ())
        try:
            entry = self._read(payload)
            self._parents[entry_id] = entry.parent
            if entry.mcp:
                self._tools[entry_id] = entry.mcp
        finally:
            if before != (self._parents.get(entry_id), self._tools.get(entry_id, ())):
                self._changed()

    def remove(self, entry_id: str) -> None:
        """An owner that is gone: its keys are refused."""
        self._parents.pop(entry_id, None)
        self._tools.pop(entry_id, None)
        self._changed()

    def tools(self, owners: tuple[str, ...]) -> tuple[str, ...]:
        """The tools that the keys of all these owners may use."""
        return tuple(pattern for one in owners for pattern in self._tools.get(one, ()))

    def above(self, key: KeyEntry) -> tuple[tuple[str, ...], str]:
        """The ids of the owners above a key, nearest first, and the one where this ends because it is not known; ""
        where all are."""
        found: list[str] = []
        owner_id = key.parent
        while owner_id:
            parent = self._parents.get(owner_id)
            if parent is None or len(found) >= _OWNERS_ABOVE_MAX:
                break
            found.append(owner_id)
            owner_id = parent
        return tuple(found), owner_id


def _is_short(credentials: tuple[bytes, bytes, bytes]) -> bool:
    if credentials[1].startswith(_SIGNED):
        return False  # another signature comes with each request
    return sum(map(len, credentials)) <= CACHED_BYTES_MAX


def _bearer(value: bytes) -> bytes:
    scheme, _, rest = value.partition(b" ")
    if scheme == _SIGNED:
        return _access_key(rest)
    return rest.strip() if rest and scheme.lower() == b"bearer" else value.strip()


def _access_key(signed: bytes) -> bytes:
    """The access key id of a request that an AWS SDK has signed. It is the virtual key, in clear, so that the signature
    would prove nothing more and is not looked at."""
    credential = next((part for part in signed.split(b",") if part.strip().startswith(b"Credential=")), b"")
    return credential.partition(b"=")[2].partition(b"/")[0].strip()
