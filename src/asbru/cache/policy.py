"""What one call wants of the cache: from the configuration, narrowed by headers of the caller.

    x-asbru-cache            off | read | refresh | only     x-bf-cache-no-store: true is `read`
    x-asbru-cache-ttl        seconds, or 30s 5m 2h 1d         x-bf-cache-ttl
    x-asbru-cache-scope      key | team | customer | global   never wider than the configuration
    x-asbru-cache-tag        words to clear entries by        x-bf-cache-key, which also keeps entries apart
    x-asbru-cache-threshold  0 to 1                           x-bf-cache-threshold

The Asbru header wins over its alias. Pure: headers in, wishes out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, cast, get_args

import msgspec

from asbru.cache.settings import TTL_S_MAX, CacheSettings, Scope
from asbru.core.errors import BadRequest

Mode: TypeAlias = Literal["on", "off", "read", "refresh", "only"]
"""on: look, then keep; read: look, keep nothing; refresh: keep without looking; only: look, and ask nobody."""

HEADER: Final = "x-asbru-cache"
HEADERS: Final = frozenset(
    {
        *(HEADER, f"{HEADER}-ttl", f"{HEADER}-scope", f"{HEADER}-tag", f"{HEADER}-threshold"),
        *("x-bf-cache-key", "x-bf-cache-ttl", "x-bf-cache-threshold", "x-bf-cache-no-store", "x-bf-cache-type"),
    }
)
"""Headers that the server must keep, in lower case."""

Owners: TypeAlias = tuple[str, str, str]
"""Who calls: the names of the virtual key, its team and its customer, "" for none."""

TAGS_MAX: Final = 8
_SCOPES: Final[tuple[Scope, ...]] = ("key", "team", "customer", "global")
"""From the narrowest to the widest."""
_TTL: Final = re.compile(r"([0-9]{1,9})([smhd]?)")
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_TAG: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_TRUE: Final = ("true", "1")


class Wishes(msgspec.Struct, frozen=True):
    """`scope`: whose entries they are, as the beginning of a key: "key:alice", "team:blue", "global". `tags`: by which
    they can be cleared. `apart`: keeps entries of the same scope apart. `threshold`: None for the configured one;
    `exact_only`: not by meaning."""

    mode: Mode
    ttl_s: int
    scope: str
    tags: tuple[str, ...] = ()
    apart: str = ""
    threshold: float | None = None
    exact_only: bool = False


def read_wishes(headers: Mapping[str, str], settings: CacheSettings, owners: Owners) -> Wishes:
    """The wishes of one call; raises `BadRequest` for a header that makes no sense or widens the scope."""
    if not headers:
        return Wishes("on", settings.ttl_s, write_scope(settings.scope, owners))
    apart = headers.get("x-bf-cache-key", "").strip()
    return Wishes(
        _mode(headers),
        _ttl_s(headers, settings),
        write_scope(_scope(headers, settings), owners),
        _tags(headers.get(f"{HEADER}-tag", apart)),
        apart,
        _threshold(headers),
        headers.get("x-bf-cache-type", "").strip() == "direct",
    )


def write_scope(scope: Scope, owners: Owners) -> str:
    """The beginning of a key. A caller without a team or customer shares with nobody but its key."""
    key, team, customer = owners
    if scope == "global":
        return "global"
    if scope == "customer" and customer:
        return f"customer:{customer}"
    if scope in ("team", "customer") and team:
        return f"team:{team}"
    return f"key:{key}"


def _mode(headers: Mapping[str, str]) -> Mode:
    word = headers.get(HEADER, "").strip().lower()
    if not word:
        return "read" if headers.get("x-bf-cache-no-store", "").strip().lower() in _TRUE else "on"
    if word not in get_args(Mode):
        raise BadRequest(f"{HEADER}: expected on, off, read, refresh or only, got '{word[:64]}'", code="cache_header")
    return cast("Mode", word)


def _ttl_s(headers: Mapping[str, str], settings: CacheSettings) -> int:
    name = f"{HEADER}-ttl" if f"{HEADER}-ttl" in headers else "x-bf-cache-ttl"
    text = headers.get(name, "").strip()
    if not text:
        return settings.ttl_s
    found = _TTL.fullmatch(text)
    seconds = 0 if found is None else int(found[1]) * _SECONDS[found[2]]
    if not 0 < seconds <= TTL_S_MAX:
        raise BadRequest(
            f"{name}: expected 1 to {TTL_S_MAX} seconds, such as 300 or 5m, got '{text[:64]}'", code="cache_header"
        )
    return seconds


def _scope(headers: Mapping[str, str], settings: CacheSettings) -> Scope:
    word = headers.get(f"{HEADER}-scope", "").strip().lower()
    if not word:
        return settings.scope
    if word not in _SCOPES:
        raise BadRequest(f"{HEADER}-scope: expected {', '.join(_SCOPES)}, got '{word[:64]}'", code="cache_header")
    scope: Scope = word
    if _SCOPES.index(scope) > _SCOPES.index(settings.scope):
        raise BadRequest(
            f"{HEADER}-scope: '{scope}' is wider than '{settings.scope}', which cache.scope allows",
            code="cache_header",
        )
    return scope


def _tags(text: str) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(tag for one in text.split(",") if (tag := one.strip())))
    if len(tags) > TAGS_MAX or not all(_TAG.fullmatch(tag) for tag in tags):
        raise BadRequest(
            f"{HEADER}-tag: expected at most {TAGS_MAX} words of letters, digits and `._:-`, separated by commas",
            code="cache_header",
        )
    return tags


def _threshold(headers: Mapping[str, str]) -> float | None:
    name = f"{HEADER}-threshold" if f"{HEADER}-threshold" in headers else "x-bf-cache-threshold"
    text = headers.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise BadRequest(f"{name}: expected a number from 0 to 1, got '{text[:64]}'", code="cache_header")
    return value
