"""Owners and their limits, as the feed tells them, and the counters of this worker for them.

    virtual key -> team -> customer      a call counts against all of them: a `Chain`
    provider, model, provider's key,     against those of the target, whoever calls
    tool

Counters are found by a limit's id, so an amount that changes finds what was taken before. Chains are worked out when
they are first asked for, and anew when anything changes. A limit of a run has a counter for each run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

import msgspec

from asbru.governance.entries import KeyEntry, LimitEntry, OwnerEntry
from asbru.governance.limits.counters import Counter
from asbru.governance.limits.portions import Portion
from asbru.governance.windows import RUN

K = TypeVar("K")
V = TypeVar("V")

CHAINS_MAX = 10_000
"""Chains and targets kept; callers choose runs and models."""
RUN_CHARS_MAX = 128
OWNERS_ABOVE_MAX = 8
"""Owners above a key; more is a circle."""

_TARGETS = frozenset(("provider", "model", "provider_key", "tool"))
"""Kinds of owners that are targets of calls."""
TOOLS = "mcp:"
"""What the provider of a target begins with that is a tool: the rest is its server."""
_AT_ONCE = frozenset(("requests", "concurrency"))


class Chain:
    """The counters of a key and of the owners above it, the key's own first. Those that calls hold the same of are one
    `Portion`. `admitted`: those for requests and calls at once; `nested`: of those the ones for requests, for a call
    that is made within another one, which has a place; `held`: for money and tokens; `expects`: whether one of those is
    to hold what calls usually cost."""

    __slots__ = ("admitted", "counters", "expects", "held", "nested", "portions")

    def __init__(self, counters: tuple[Counter, ...]) -> None:
        self.counters = counters
        alike: dict[tuple[str, bool], list[Counter]] = {}
        for one in counters:
            alike.setdefault((one.metric, one.strict), []).append(one)
        self.portions: tuple[Portion, ...] = ()
        sources: list[Counter | Portion] = []
        for same in alike.values():
            if len(same) == 1 or same[0].metric == "concurrency":  # few places are not to be set aside
                sources += same
            else:
                portion = Portion(tuple(same))
                self.portions += (portion,)
                sources.append(portion)
        self.admitted = tuple((one, 1) for one in sources if one.metric in _AT_ONCE)
        self.nested = tuple((one, 1) for one in sources if one.metric == "requests")
        self.held = tuple(one for one in sources if one.metric not in _AT_ONCE)
        self.expects = any(one.metric == "cost" and not one.strict for one in self.held)


NO_CHAIN = Chain(())


class Owners:
    """See the module. `on_report` is that of counters; `on_limited` is told when the first limit comes (True) and when
    the last one goes."""

    def __init__(self, on_report: Callable[[Counter], None]) -> None:
        self.counters: dict[str, Counter] = {}
        self.on_limited: Callable[[bool], None] = lambda limited: None
        self._on_report = on_report
        self._keys: dict[str, KeyEntry] = {}
        self._entries_of: dict[str, list[str]] = {}
        """The entries of a key's name. The last stands for it: one that the file declares, else the newest."""
        self._owners: dict[str, OwnerEntry] = {}
        self._chains: dict[tuple[str, str], Chain] = {}
        self._targets: dict[tuple[str, str, str, str, str, str], tuple[Counter, ...]] = {}
        self._limited: set[str] = set()
        """Entries with a limit."""
        self._expecting: set[str] = set()
        """Entries with a budget that is to hold what calls usually cost."""
        self.expects = False
        """Whether there is any."""
        self._limiting_targets: set[str] = set()
        """Entries with a limit of a provider, a model, a provider's key or a tool."""
        self.limits_targets = False
        """Whether there is any: a target has a limit, for everyone or for one key."""
        self._with_runs: set[str] = set()
        """Names of keys with limits of a run."""
        self._owners_with_runs = False
        self.keys = _Subscriber(self._put_key, self._remove_key)
        """Takes entries of the kind VIRTUAL_KEY."""
        self.owners = _Subscriber(self._put_owner, self._remove_owner)
        """Takes entries of the kind OWNER."""

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return bool(self._limited)

    def chain(self, caller: str, run: str = "") -> Chain:
        """What calls of a virtual key count against."""
        key = (caller, run if run and self._counts_runs(caller) else "")
        found = self._chains.get(key)
        return found if found is not None else self._make_chain(key, run)

    def target(self, caller: str, run: str, where: tuple[str, str, str, str]) -> tuple[Counter, ...]:
        """What an attempt at (provider, model, model behind its alias, key) counts against, besides the chain."""
        key = (caller, run if run and self._counts_runs(caller) else "", *where)
        found = self._targets.get(key)
        if found is not None:
            return found
        counters = tuple(
            self._counter(owner, limit, run)
            for owner, limits in self._target_limits(caller, where)
            for limit in limits
        )
        _keep(self._targets, key, counters)
        return counters

    @property
    def crowded(self) -> bool:
        """Whether there are so many counters that idle ones are dropped, though calls may need them again."""
        return len(self.counters) > CHAINS_MAX

    def forget_idle(self) -> None:
        """Drop counters that nobody needs and nothing is held of."""
        if self.crowded:
            self._chains.clear()
            self._targets.clear()
        needed = {id(one) for chain in self._chains.values() for one in chain.counters}
        needed.update(id(one) for counters in self._targets.values() for one in counters)
        for key in [key for key, one in self.counters.items() if one.idle and id(one) not in needed]:
            del self.counters[key]

    # Working out

    def _make_chain(self, key: tuple[str, str], run: str) -> Chain:
        entry = self._entry(key[0])
        if entry is None:
            return NO_CHAIN
        owner, limits, above = entry.owner_id or f"key/{entry.name}", entry.limits, entry.parent
        counters = [self._counter(owner, limit, run) for limit in limits]
        for _ in range(OWNERS_ABOVE_MAX):
            found = self._owners.get(above)
            if found is None:  # none, or not known here: such a key is refused by `Keys`
                break
            counters += [self._counter(above, limit, run) for limit in found.limits]
            above = found.parent
        chain = Chain(tuple(counters))
        _keep(self._chains, key, chain)
        return chain

    def _target_limits(
        self, caller: str, where: tuple[str, str, str, str]
    ) -> Iterable[tuple[str, tuple[LimitEntry, ...]]]:
        provider, model, served, provider_key = where
        models = {f"{provider}/{model.lower()}", f"{provider}/{served.lower()}"}
        is_tool = provider.startswith(TOOLS)
        entry = self._entry(caller)
        if entry is not None:
            owner = entry.owner_id or f"key/{entry.name}"
            yield from (
                (f"{owner}/provider/{one.provider}", one.limits)
                for one in entry.providers
                if one.limits and one.provider in ("*", provider) and not is_tool
            )
        for owner, found in self._owners.items():
            kind, _, name = owner.partition("/")
            if found.limits and (
                (kind == "provider" and name == provider)
                or (kind == "model" and _fits_any(name, models))
                or (kind == "provider_key" and name == f"{provider}/{provider_key}")
                or (kind == "tool" and is_tool and _fits_any(f"{TOOLS}{name}", models))
            ):
                yield owner, found.limits

    def _counter(self, owner: str, limit: LimitEntry, run: str) -> Counter:
        key = f"{limit.id}#{run[:RUN_CHARS_MAX]}" if limit.window == RUN else limit.id
        counter = self.counters.get(key)
        if counter is None:
            counter = self.counters[key] = Counter(owner, limit, key, self._on_report)
        if counter.limit != limit:
            counter.let_go()  # taken by another amount
            counter.limit = limit
        return counter

    # The feed

    def _put_key(self, entry_id: str, payload: bytes) -> None:
        self._drop_key(entry_id)
        entry = _read_key(payload)
        self._keys[entry_id] = entry
        same = self._entries_of.setdefault(entry.name, [])
        same.append(entry_id)  # a key that was rotated has several
        same.sort(key=lambda one: self._keys[one].declared)
        limits = [*entry.limits, *(limit for one in entry.providers for limit in one.limits)]
        if any(limit.window == RUN for limit in limits):
            self._with_runs.add(entry.name)
        self._changed(entry_id, limits, of_targets=any(one.limits for one in entry.providers))

    def _remove_key(self, entry_id: str) -> None:
        self._drop_key(entry_id)
        self._changed(entry_id, ())

    def _drop_key(self, entry_id: str) -> None:
        entry = self._keys.pop(entry_id, None)
        if entry is None:
            return
        same = self._entries_of[entry.name]
        same.remove(entry_id)
        if not same:
            del self._entries_of[entry.name]
            self._with_runs.discard(entry.name)

    def _entry(self, name: str) -> KeyEntry | None:
        """What stands for a key's name."""
        same = self._entries_of.get(name)
        return self._keys[same[-1]] if same else None

    def _put_owner(self, entry_id: str, payload: bytes) -> None:
        self._owners.pop(entry_id, None)
        entry = self._owners[entry_id] = _read_owner(payload)
        self._look_for_runs()
        of_targets = bool(entry.limits) and entry_id.partition("/")[0] in _TARGETS
        self._changed(entry_id, entry.limits, of_targets=of_targets)

    def _remove_owner(self, entry_id: str) -> None:
        self._owners.pop(entry_id, None)
        self._look_for_runs()
        self._changed(entry_id, ())

    def _look_for_runs(self) -> None:
        self._owners_with_runs = any(limit.window == RUN for owner in self._owners.values() for limit in owner.limits)

    def _changed(self, entry_id: str, limits: Sequence[LimitEntry], *, of_targets: bool = False) -> None:
        self._chains.clear()
        self._targets.clear()
        before = self.limited
        expects = any(limit.metric == "cost" and not limit.strict for limit in limits)
        for entries, among in (
            (self._limited, bool(limits)),
            (self._expecting, expects),
            (self._limiting_targets, of_targets),
        ):
            if among:
                entries.add(entry_id)
            else:
                entries.discard(entry_id)
        self.expects, self.limits_targets = bool(self._expecting), bool(self._limiting_targets)
        if self.limited != before:
            self.on_limited(self.limited)

    def _counts_runs(self, caller: str) -> bool:
        """Whether any limit that a key may meet is for each run."""
        return self._owners_with_runs or caller in self._with_runs


class _Subscriber:
    """See `cluster.feed.Subscriber`."""

    def __init__(self, put: Callable[[str, bytes], None], remove: Callable[[str], None]) -> None:
        self._put = put
        self._remove = remove

    def put(self, entry_id: str, payload: bytes) -> None:
        self._put(entry_id, payload)

    def remove(self, entry_id: str) -> None:
        self._remove(entry_id)


_read_key = msgspec.msgpack.Decoder(KeyEntry).decode
_read_owner = msgspec.msgpack.Decoder(OwnerEntry).decode


def _fits_any(pattern: str, models: Iterable[str]) -> bool:
    """Whether a limit's `provider/model` fits one of these, whose model is in lower case: some providers do not tell it
    from upper case, so callers could choose another spelling."""
    provider, _, model = pattern.partition("/")
    pattern = f"{provider}/{model.lower()}"
    return any(fnmatchcase(one, pattern) for one in models)


def _keep(kept: dict[K, V], key: K, value: V) -> None:
    if len(kept) >= CHAINS_MAX:
        kept.clear()
    kept[key] = value
