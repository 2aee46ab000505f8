"""Owners as declared: what is wrong with them, the entries that are made of them, and the ids of their limits."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from asbru.core.errors import Unauthenticated
from asbru.governance import Keys, digest_of
from asbru.governance.declare import (
    customer_entry,
    expiry_ms,
    flaws,
    limits_of,
    scope_entry,
    team_entry,
    virtual_key_entry,
)
from asbru.governance.declared import Access, Budget, Customer, ProviderAccess, RateLimit, ScopeLimits, Team
from asbru.governance.entries import KeyEntry, LimitEntry, OwnerEntry, ProviderEntry


def owner(payload: bytes) -> OwnerEntry:
    """An owner's payload, read."""
    return msgspec.msgpack.decode(payload, type=OwnerEntry)


def ids(**limits: Any) -> list[str]:
    """The ids of a team's limits."""
    return [limit.id for limit in limits_of("team/blue", Team(name="blue", **limits))]


def test_a_key_says_all_that_was_declared() -> None:
    """Nothing of a key is lost on the way to the workers; money is in nano-dollars, times in milliseconds."""
    declared = Access(
        name="svc",
        team="blue",
        models=("openai/*",),
        blocked_models=("o1*",),
        providers=(ProviderAccess(provider="openai", keys=("main",), weight=2, budgets=(Budget(amount_usd=0.5),)),),
        surfaces=("openai",),
        mcp=("fs/*",),
        expires_at="1970-01-01T01:00:01+01:00",
        active=False,
        tags={"env": "prod"},
        budgets=(Budget(amount_usd=1.5, window="1d", aligned=True, timezone="Europe/Berlin", policy="expected"),),
        rate_limits=(RateLimit(metric="concurrency", amount=3),),
    )
    digest, payload = virtual_key_entry(declared, "ab")
    assert (digest, msgspec.msgpack.decode(payload, type=KeyEntry)) == (
        "ab",
        KeyEntry(
            name="svc",
            models=("openai/*",),
            owner_id="key/svc",
            parent="team/blue",
            limits=(
                LimitEntry("key/svc/cost/1d", "cost", 1_500_000_000, "1d", True, "Europe/Berlin", False),
                LimitEntry("key/svc/concurrency", "concurrency", 3),
            ),
            providers=(
                ProviderEntry(
                    provider="openai",
                    keys=("main",),
                    weight=2,
                    limits=(LimitEntry("key/svc/provider/openai/cost/1M", "cost", 500_000_000, "1M"),),
                ),
            ),
            blocked_models=("o1*",),
            surfaces=("openai",),
            mcp=("fs/*",),
            expires_ms=1000,
            active=False,
            tags={"env": "prod"},
        ),
    )


def test_a_key_of_the_file_is_another_one_with_another_value() -> None:
    """Its identity follows from its value, which is not in it whole; the management API gives its own."""

    def identity(digest: str, **told: Any) -> str:
        return msgspec.msgpack.decode(virtual_key_entry(Access(name="k"), digest, **told)[1], type=KeyEntry).identity

    first, second = (digest_of(value, b"p" * 32) for value in (b"one", b"two"))
    assert identity(first, declared=True) == identity(first, declared=True) != identity(second, declared=True)
    assert first not in identity(first, declared=True)
    assert (identity(first, identity="api:1"), identity(first)) == ("api:1", "")


def test_owners_stand_under_their_kind_and_name() -> None:
    """The ids by which keys and limits name their owners, and who is above whom."""
    assert customer_entry(Customer(name="acme"))[0] == "customer/acme"
    team_id, payload = team_entry(Team(name="blue", customer="acme"))
    assert (team_id, owner(payload).name, owner(payload).parent) == ("team/blue", "blue", "customer/acme")
    assert owner(team_entry(Team(name="blue"))[1]).parent == ""
    assert scope_entry(ScopeLimits(scope="model", name="openai/org/m"))[0] == "model/openai/org/m"
    by_customer = msgspec.msgpack.decode(virtual_key_entry(Access(name="k", customer="acme"), "")[1], type=KeyEntry)
    assert by_customer.parent == "customer/acme"


def test_ids_of_limits_do_not_depend_on_amounts() -> None:
    """Nor on the order: what is spent stays spent when an amount is edited, or another limit comes or goes."""
    several = (Budget(amount_usd=1), Budget(amount_usd=2, window="1d"))
    assert ids(budgets=several) == ["team/blue/cost/1M", "team/blue/cost/1d"]
    assert ids(budgets=(several[1], Budget(amount_usd=9, aligned=True))) == ["team/blue/cost/1d", "team/blue/cost/1M"]
    rates = (RateLimit(metric="tokens", amount=1), RateLimit(metric="concurrency", amount=1))
    assert ids(rate_limits=rates) == ["team/blue/tokens/1m", "team/blue/concurrency"]


def test_limits_that_would_count_as_one_are_refused() -> None:
    """What is spent of a limit is found by its metric and window: two alike would be told apart by their place alone.
    The words say which, and what to do."""
    budgets = (Budget(amount_usd=1), Budget(amount_usd=2, window="1d"), Budget(amount_usd=3, policy="expected"))
    rates = tuple(RateLimit(metric=metric, amount=1) for metric in ("requests", "tokens", "requests", "concurrency"))
    found = flaws(Team(name="t", budgets=budgets, rate_limits=(*rates, rates[-1])))
    assert [(flaw.path, flaw.message) for flaw in found] == [
        (("budgets", 2), "there is another budget per `1M`; keep one of them, or choose another window"),
        (
            ("rate_limits", 2),
            "there is another limit of `requests` per `1m`; keep one of them, or choose another window",
        ),
        (("rate_limits", 4), "there is another limit of `concurrency`; keep one of them, or choose another window"),
    ]
    inner = flaws(Access(name="k", providers=(ProviderAccess(provider="openai", budgets=(budgets[0], budgets[2])),)))
    assert [flaw.path for flaw in inner] == [("providers", 0, "budgets", 1)]


@pytest.mark.parametrize(
    ("declared", "path"),
    [
        (Team(name="t", budgets=(Budget(amount_usd=1, window="30s", aligned=True),)), "budgets.0.window"),
        (Team(name="t", budgets=(Budget(amount_usd=1, window="run", aligned=True),)), "budgets.0.window"),
        (Team(name="t", budgets=(Budget(amount_usd=1, timezone="Europe/Berlin"),)), "budgets.0.timezone"),
        (Team(name="t", budgets=(Budget(amount_usd=1, aligned=True, timezone="Mars"),)), "budgets.0.timezone"),
        (Team(name="t", budgets=(Budget(amount_usd=1, aligned=True, timezone="../x"),)), "budgets.0.timezone"),
        (Team(name="t", budgets=(Budget(amount_usd=1e-10),)), "budgets.0.amount_usd"),
        (
            Team(name="t", rate_limits=(RateLimit(metric="concurrency", amount=1, window="1h"),)),
            "rate_limits.0.window",
        ),
        (Access(name="k", team="t", customer="c"), "customer"),
        (Access(name="k", expires_at="2027-01-31"), "expires_at"),
        (Access(name="k", expires_at="soon"), "expires_at"),
        (Access(name="k", models=("*", "regex:(a+)+")), "models.1"),
        (Access(name="k", blocked_models=("regex:(",)), "blocked_models.0"),
        (Access(name="k", providers=(ProviderAccess(models=("regex:\\1",)),)), "providers.0.models.0"),
        (
            Access(name="k", providers=(ProviderAccess(budgets=(Budget(amount_usd=1, timezone="Asia/Tokyo"),)),)),
            "providers.0.budgets.0.timezone",
        ),
        (ScopeLimits(scope="model", name="gpt-4o"), "name"),
        (ScopeLimits(scope="provider", name="openai/x"), "name"),
        (ScopeLimits(scope="provider_key", name="openai/"), "name"),
    ],
)
def test_flaws_are_told_by_their_path(declared: Any, path: str) -> None:
    """Whatever could not work is found when it is written, and where it stands is said."""
    assert [".".join(map(str, flaw.path)) for flaw in flaws(declared)] == [path]


def test_a_provider_stands_in_a_key_once() -> None:
    """Two grants for one provider would leave open which counts: both are told."""
    twice = Access(name="k", providers=(ProviderAccess(provider="openai"), ProviderAccess(provider="openai")))
    assert [flaw.path for flaw in flaws(twice)] == [("providers", 0, "provider"), ("providers", 1, "provider")]


def test_what_is_right_has_no_flaws() -> None:
    """Everything that a window, a time zone and an expression may be."""
    budgets = tuple(Budget(amount_usd=1, window=window) for window in ("30s", "1m", "1h", "1d", "run"))
    aligned = Budget(amount_usd=1, window="1Q", aligned=True, timezone="America/New_York")
    key = Access(
        name="k",
        budgets=(*budgets, aligned),
        rate_limits=(RateLimit(metric="requests", amount=1, window="run"), RateLimit(metric="concurrency", amount=1)),
        models=("regex:gpt-(4o|5).*", "llama*"),
        expires_at="2027-01-31T00:00:00Z",
    )
    assert flaws(key) == ()
    assert expiry_ms("1970-01-01T00:00:00.5Z") == 500


@pytest.mark.parametrize("when", ["1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"])
def test_what_expired_long_ago_has_expired(when: str) -> None:
    """The beginning of time is not "never", and what lies before it is no time that cannot be written."""
    keys = Keys()
    keys.configure(b"pepper", open_access=False)
    keys.put(*virtual_key_entry(Access(name="k", expires_at=when), digest_of(b"sk-asb-k", b"pepper")))
    with pytest.raises(Unauthenticated, match="expired at 1970-01-01"):
        keys.identify((b"sk-asb-k", b"", b""))
