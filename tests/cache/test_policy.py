"""What headers may change, and what they may not."""

from __future__ import annotations

import pytest

from asbru.cache import CacheSettings, read_wishes
from asbru.cache.policy import write_scope
from asbru.core.errors import BadRequest

OWNERS = ("alice", "blue", "acme")
SETTINGS = CacheSettings(enabled=True, scope="customer", ttl_s=100)


def test_without_headers_the_configuration_holds() -> None:
    """Mode, time and scope are the section's."""
    wishes = read_wishes({}, SETTINGS, OWNERS)
    assert (wishes.mode, wishes.ttl_s, wishes.scope, wishes.tags) == ("on", 100, "customer:acme", ())


def test_a_scope_falls_to_the_narrower_where_there_is_no_owner() -> None:
    """A key without a customer shares with its team, and one without either with nobody."""
    assert write_scope("customer", ("a", "t", "")) == "team:t"
    assert write_scope("customer", ("a", "", "")) == write_scope("team", ("a", "", "c")) == "key:a"
    assert write_scope("global", ("a", "", "")) == "global"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-asbru-cache": "Refresh"}, ("refresh", 100, "customer:acme")),
        ({"x-asbru-cache-ttl": "5m"}, ("on", 300, "customer:acme")),
        ({"x-bf-cache-ttl": "30s"}, ("on", 30, "customer:acme")),
        ({"x-asbru-cache-ttl": "7", "x-bf-cache-ttl": "30s"}, ("on", 7, "customer:acme")),
        ({"x-asbru-cache-scope": "team"}, ("on", 100, "team:blue")),
        ({"x-bf-cache-no-store": "true"}, ("read", 100, "customer:acme")),
        ({"x-asbru-cache": "on", "x-bf-cache-no-store": "true"}, ("on", 100, "customer:acme")),
    ],
)
def test_headers_and_their_aliases(headers: dict[str, str], expected: tuple[str, int, str]) -> None:
    """Asbru's own header wins over its alias."""
    wishes = read_wishes(headers, SETTINGS, OWNERS)
    assert (wishes.mode, wishes.ttl_s, wishes.scope) == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-asbru-cache", "yes"),
        ("x-asbru-cache-ttl", "0"),
        ("x-asbru-cache-ttl", "-5"),
        ("x-asbru-cache-ttl", "1.5"),
        ("x-asbru-cache-ttl", "99999d"),
        ("x-asbru-cache-scope", "everyone"),
        ("x-asbru-cache-scope", "global"),
        ("x-asbru-cache-threshold", "1.1"),
        ("x-asbru-cache-threshold", "nan"),
        ("x-bf-cache-threshold", "much"),
        ("x-asbru-cache-tag", "a b"),
        ("x-asbru-cache-tag", ",".join(map(str, range(9)))),
        ("x-bf-cache-key", "*"),
    ],
)
def test_a_header_that_makes_no_sense_is_refused_by_name(name: str, value: str) -> None:
    """The refusal names what was expected; nothing is guessed."""
    with pytest.raises(BadRequest) as refused:
        read_wishes({name: value}, SETTINGS, OWNERS)
    assert refused.value.code == "cache_header"


def test_tags_and_bifrosts_key() -> None:
    """Tags are words; `x-bf-cache-key` is one, and keeps entries apart besides."""
    assert read_wishes({"x-asbru-cache-tag": " a, b ,a"}, SETTINGS, OWNERS).tags == ("a", "b")
    wishes = read_wishes({"x-bf-cache-key": "k", "x-bf-cache-type": "direct"}, SETTINGS, OWNERS)
    assert (wishes.tags, wishes.apart, wishes.exact_only) == (("k",), "k", True)
