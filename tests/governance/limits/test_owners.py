"""Owners as the feed tells them: what a call counts against, and what follows when that changes."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from asbru.governance.entries import KeyEntry, LimitEntry, OwnerEntry, ProviderEntry
from asbru.governance.ledger import Slice
from asbru.governance.limits import Owners

BUDGET = LimitEntry("team/blue/cost/1d", "cost", 1000, "1d")
RATE = LimitEntry("key/a/requests/1m", "requests", 60, "1m")
TOP = LimitEntry("customer/acme/tokens/1d", "tokens", 10**6, "1d")
ANY_RUN = LimitEntry("customer/acme/cost/run", "cost", 10**6, "run")


def put(owners: Owners, owner: str, *limits: LimitEntry, parent: str = "") -> None:
    """An owner above keys, or a target."""
    owners.owners.put(owner, msgspec.msgpack.encode(OwnerEntry(owner, parent, limits)))


def put_key(owners: Owners, entry_id: str = "1", name: str = "a", **changed: Any) -> None:
    """A key."""
    owners.keys.put(entry_id, msgspec.msgpack.encode(KeyEntry(name, ("*",), f"key/{name}", **changed)))


def family() -> Owners:
    """A key with a limit, its team, the team's customer."""
    owners = Owners(lambda counter: None)
    put_key(owners, parent="team/blue", limits=(RATE,))
    put(owners, "team/blue", BUDGET, parent="customer/acme")
    put(owners, "customer/acme", TOP)
    return owners


def ids(owners: Owners, name: str = "a", run: str = "") -> list[str]:
    """What a key counts against."""
    return [one.key for one in owners.chain(name, run).counters]


def test_a_chain_has_all_owners() -> None:
    """The key's own limits first, then those above; requests apart from money and tokens."""
    owners = family()
    assert ids(owners) == [RATE.id, BUDGET.id, TOP.id]
    chain = owners.chain("a")
    assert [one.key for one, _ in chain.admitted] == [RATE.id]
    assert [one.owner for one in chain.held] == ["team/blue", "customer/acme"]
    assert owners.chain("a") is chain and not owners.chain("nobody").counters


def test_changes_hold_at_once() -> None:
    """An owner that comes late, changes or goes; the counter stays while its limit does, its slice does not."""
    owners = family()
    counter = owners.chain("a").counters[1]
    counter.take_in(Slice(BUDGET.id, 1, 10, 1000, 10, 0), 0.0)
    put(owners, "customer/acme", ANY_RUN)
    assert ids(owners, run="r") == [RATE.id, BUDGET.id, f"{ANY_RUN.id}#r"] and counter.left == 10
    put(owners, "team/blue", msgspec.structs.replace(BUDGET, amount=5))
    assert ids(owners) == [RATE.id, BUDGET.id], "its owner is no more"
    assert owners.chain("a").counters[1] is counter and counter.left == 0 and counter.limit.amount == 5
    owners.owners.remove("team/blue")
    assert ids(owners) == [RATE.id]
    owners.keys.remove("1")
    assert ids(owners) == []


def test_a_circle_of_owners_ends() -> None:
    """It cannot be declared; should it be told all the same, nothing hangs."""
    owners = family()
    put(owners, "customer/acme", TOP, parent="team/blue")
    assert set(ids(owners)) == {RATE.id, BUDGET.id, TOP.id}


def test_two_entries_of_one_key() -> None:
    """While a key is rotated its old value and its new one count together; the entry that is left stands for both."""
    owners = family()
    put_key(owners, "2", limits=(RATE, BUDGET))
    assert ids(owners) == [RATE.id, BUDGET.id]
    owners.keys.remove("2")
    assert ids(owners) == [RATE.id, BUDGET.id, TOP.id]


def test_runs_count_apart() -> None:
    """Only where a limit is for each run, and a name that is too long is cut."""
    owners = family()
    assert owners.chain("a", "one") is owners.chain("a", "two")
    put(owners, "customer/acme", ANY_RUN)
    assert ids(owners, run="one") != ids(owners, run="two")
    assert ids(owners, run="x" * 500)[-1] == f"{ANY_RUN.id}#{'x' * 128}"


@pytest.mark.parametrize(
    ("owner", "where", "fits"),
    [
        ("provider/p", ("p", "m", "m", "k"), True),
        ("provider/p", ("q", "m", "m", "k"), False),
        ("model/p/m-*", ("p", "m-1", "m-1", "k"), True),
        ("model/p/m-*", ("p", "n", "n", "k"), False),
        ("model/p/m-*", ("p", "alias", "m-1", "k"), True),
        ("model/p/alias", ("p", "alias", "m-1", "k"), True),
        ("model/p/m-*", ("p", "M-1", "M-1", "k"), True),
        ("model/p/M-1", ("p", "m-1", "m-1", "k"), True),
        ("model/P/m-*", ("p", "m-1", "m-1", "k"), False),
        ("model/p/a/b", ("p", "a/b", "a/b", "k"), True),
        ("provider_key/p/k", ("p", "m", "m", "k"), True),
        ("provider_key/p/k", ("p", "m", "m", "l"), False),
        ("team/p", ("p", "m", "m", "k"), False),
    ],
)
def test_targets(owner: str, where: tuple[str, str, str, str], fits: bool) -> None:
    """What attempts at a target count against: limits of its provider, its model by a glob, its key."""
    owners = Owners(lambda counter: None)
    put(owners, owner, BUDGET)
    assert bool(owners.target("", "", where)) is fits


def test_what_a_key_may_use_of_a_provider() -> None:
    """Its limits count attempts at that provider, or at any."""
    owners = Owners(lambda counter: None)
    put_key(owners, providers=(ProviderEntry("p", limits=(RATE,)), ProviderEntry(limits=(BUDGET,))))
    found = {name: owners.target("a", "", (name, "m", "m", "k")) for name in ("p", "q")}
    assert [one.owner for one in found["p"]] == ["key/a/provider/p", "key/a/provider/*"]
    assert [one.key for one in found["q"]] == [BUDGET.id]


def test_whether_there_is_any_limit_is_told() -> None:
    """When the first comes and when the last goes; an entry that cannot be read is none."""
    owners = Owners(lambda counter: None)
    told: list[bool] = []
    owners.on_limited = told.append
    put_key(owners)
    put(owners, "team/blue", BUDGET)
    put_key(owners, limits=(RATE,))
    put(owners, "team/blue")
    assert told == [True] and owners.limited
    with pytest.raises(ValueError, match="Expected"):
        owners.keys.put("1", msgspec.msgpack.encode([1]))
    owners.keys.remove("1")
    assert told == [True, False]


def test_counters_nobody_needs_are_dropped() -> None:
    """Those of runs that are over, once nothing is held of them."""
    owners = family()
    put(owners, "customer/acme", ANY_RUN)
    for run in ("one", "two"):
        owners.chain("a", run)
    held = owners.counters[f"{ANY_RUN.id}#one"]
    held.take_in(Slice(held.key, 1, 10, 1000, 10, 0), 0.0)
    put(owners, "customer/acme")
    owners.forget_idle()
    assert set(owners.counters) == {held.key}
    owners.chain("a")
    owners.forget_idle()
    assert set(owners.counters) == {held.key, RATE.id, BUDGET.id}


@pytest.mark.parametrize("declared_first", [True, False])
def test_the_limits_of_a_declared_key_hold(*, declared_first: bool) -> None:
    """Whichever of two keys of one name is told last, the file's counts; without it the other one does."""
    owners = Owners(lambda counter: None)
    for declared in (declared_first, not declared_first):
        put_key(owners, str(declared), declared=declared, limits=(RATE,) if declared else (BUDGET,))
    assert ids(owners) == [RATE.id]
    owners.keys.remove("True")
    assert ids(owners) == [BUDGET.id]
    owners.keys.remove("False")
    assert not ids(owners)


def test_a_tool_is_limited_by_the_name_of_its_server() -> None:
    """A limit of tools holds for tools only, whatever providers and models are called, and one of models for none."""
    owners = Owners(lambda counter: None)
    limit = LimitEntry("tool/files/read_*/requests/1h", "requests", 5, "1h")
    put(owners, "tool/files/read_*", limit)
    put(owners, "model/files/*", LimitEntry("model/files/*/requests/1h", "requests", 5, "1h"))
    assert owners.limits_targets

    def counted(provider: str, model: str) -> list[str]:
        return [one.key for one in owners.target("a", "", (provider, model, model, ""))]

    assert counted("mcp:files", "read_file") == [limit.id]
    assert counted("mcp:files", "write_file") == counted("mcp:other", "read_file") == []
    assert counted("files", "read_file") == ["model/files/*/requests/1h"]
