"""What served the calls of a session, so that the next call goes to the same place: prompt caches are kept there.

    the session is new    the draw is made by a hash of its name: every worker, and a restarted one, draws the same
    a call succeeded      the session is bound to what served it, for `ttl_s` from then on
    a call fails there    nothing is removed; whatever serves the call in its place takes over the session

Each worker has its own bindings. The function `chance_of` makes workers agree as long as nothing fails.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta


class AffinitySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the calls of a session go to the same target and key."""

    enabled: Annotated[
        bool, Meta(description="Send the calls of a session to one target and key; `false`: each is drawn anew.")
    ] = True
    ttl_s: Annotated[
        float, Meta(gt=0, le=604_800, description="A session is forgotten this long after its last success, seconds.")
    ] = 3600.0
    sessions_max: Annotated[
        int, Meta(ge=1, le=1_000_000, description="Sessions that a worker remembers; the oldest are forgotten first.")
    ] = 10_000


class SessionName(NamedTuple):
    """A session of a caller, for one model as the caller names it."""

    caller: str
    session: str
    model: str


class Binding(NamedTuple):
    """What served the last call: names. `key` "": the provider takes calls without one."""

    provider: str
    model: str
    key: str


def chance_of(name: SessionName, of: str = "target") -> float:
    """The draw of a session, in [0, 1): always the same for the same caller and session. `of`: what is drawn, so that
    the draws of a provider and of its key do not depend on each other."""
    digest = hashlib.blake2b(f"{of}\0{name.caller}\0{name.session}".encode(), digest_size=6).digest()
    return int.from_bytes(digest) / (1 << 48)


class Sessions:
    """The bindings of a worker, the one that was bound last at the end."""

    def __init__(self) -> None:
        self.settings = AffinitySettings()
        self._bound: dict[SessionName, tuple[Binding, float]] = {}

    def __len__(self) -> int:
        return len(self._bound)

    def find(self, name: SessionName, now_s: float) -> Binding | None:
        """What served the session; None when nothing did lately."""
        found = self._bound.get(name)
        if found is None:
            return None
        binding, ends_s = found
        if ends_s <= now_s:
            del self._bound[name]
            return None
        return binding

    def bind(self, name: SessionName, binding: Binding, now_s: float) -> None:
        """Bind the session to what has just served it."""
        self._bound.pop(name, None)
        while len(self._bound) >= self.settings.sessions_max:
            del self._bound[next(iter(self._bound))]
        self._bound[name] = (binding, now_s + self.settings.ttl_s)

    def clear(self) -> None:
        """Forget all."""
        self._bound.clear()
