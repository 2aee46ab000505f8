"""One question: may this caller use that tool? It is asked when tools are listed, offered and called.

A pattern is `*`, the name of a server or group, or `server/tool` with `*` for any text. Resources and prompts belong to
those who may use all tools of their server. Headers can only narrow what the lists allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from asbru.core.traits import fits_glob

ACCESSES_MAX: Final = 1000
"""Compiled lists that are kept; headers choose some of them."""
VERDICTS_MAX: Final = 4096
NARROWED_MAX: Final = 256
"""Patterns that a header may hold."""


class NeedsApproval(Exception):
    """The call is permitted, but a person has to approve it."""


class Access:
    """What a caller may use. `within`: what it may use besides, which narrows it."""

    __slots__ = ("_patterns", "_verdicts", "_within")

    def __init__(
        self, patterns: Iterable[str], groups: Mapping[str, Iterable[str]], within: Access | None = None
    ) -> None:
        self._patterns = tuple(dict.fromkeys(_written_out(patterns, groups)))
        self._within = within
        self._verdicts: dict[tuple[str, str], bool] = {}

    @property
    def empty(self) -> bool:
        """Whether it allows nothing at all, whatever servers there are."""
        return not self._patterns or (self._within is not None and self._within.empty)

    def allows(self, server: str, tool: str) -> bool:
        """Whether the tool of a server may be used."""
        verdict = self._verdicts.get((server, tool))
        if verdict is None:
            verdict = any(
                _fits(server_glob, server) and fits_glob(tool_glob, tool) for server_glob, tool_glob in self._patterns
            ) and (self._within is None or self._within.allows(server, tool))
            if len(self._verdicts) >= VERDICTS_MAX:  # callers choose names
                self._verdicts.clear()
            self._verdicts[server, tool] = verdict
        return verdict

    def allows_server(self, server: str) -> bool:
        """Whether every tool of a server may be used, and so its resources and prompts."""
        if self._within is not None and not self._within.allows_server(server):
            return False
        return any(tool_glob == "*" and _fits(server_glob, server) for server_glob, tool_glob in self._patterns)


class Accesses:
    """The accesses of callers by their lists, compiled once. `groups`: the patterns behind the names of groups."""

    def __init__(self, groups: Mapping[str, tuple[str, ...]]) -> None:
        self._groups = groups
        self._known: dict[tuple[tuple[str, ...], str | None, str], Access] = {}

    def of(self, patterns: tuple[str, ...], narrowed: str | None = None, group: str = "") -> Access:
        """The access of a caller. `narrowed`: the value of its header: patterns separated by commas; None: no header;
        an empty one allows nothing. `group`: whose address it came to."""
        key = (patterns, narrowed, group)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= ACCESSES_MAX:
                self._known.clear()
            found = Access(patterns, self._groups)
            if narrowed is not None:
                asked = [one.strip() for one in narrowed.split(",", NARROWED_MAX)[:NARROWED_MAX]]
                found = Access([one.replace("__", "/", 1) for one in asked if one], self._groups, found)
            if group:
                found = Access((group,), self._groups, found)
            self._known[key] = found
        return found


def _written_out(patterns: Iterable[str], groups: Mapping[str, Iterable[str]]) -> Iterable[tuple[str, str]]:
    for pattern in patterns:
        if pattern in groups:
            yield from (_split(one) for one in groups[pattern])
        else:
            yield _split(pattern)


def _split(pattern: str) -> tuple[str, str]:
    server, slash, tool = pattern.partition("/")
    return server, tool if slash else "*"


def _fits(glob: str, server: str) -> bool:
    return glob in (server, "*") or ("*" in glob and fits_glob(glob, server))
