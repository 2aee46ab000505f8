"""Who may use which tool: nothing without a list, and no list or header gives more than it says."""

from __future__ import annotations

import pytest

from asbru.mcp.access import Accesses
from asbru.mcp.access.access import VERDICTS_MAX

GROUPS = {"research": ("search/*", "wiki/get_*"), "all-of-wiki": ("wiki",)}
TOOLS = [("search", "find"), ("wiki", "get_page"), ("wiki", "edit"), ("files", "read"), ("files", "write")]


def _allowed(*patterns: str, narrowed: str | None = None, group: str = "") -> list[str]:
    access = Accesses(GROUPS).of(patterns, narrowed, group)
    return [f"{server}/{tool}" for server, tool in TOOLS if access.allows(server, tool)]


EVERYTHING = [f"{server}/{tool}" for server, tool in TOOLS]


@pytest.mark.parametrize(
    ("patterns", "allowed"),
    [
        ((), []),
        (("*",), EVERYTHING),
        (("files",), ["files/read", "files/write"]),
        (("files/*",), ["files/read", "files/write"]),
        (("files/re*",), ["files/read"]),
        (("*/read",), ["files/read"]),
        (("research",), ["search/find", "wiki/get_page"]),
        (("all-of-wiki", "files/write"), ["wiki/get_page", "wiki/edit", "files/write"]),
        (("file", "files/rea", "nothing", "files/"), []),
        (("FILES", "files/READ"), []),
    ],
)
def test_lists_allow_what_they_name(patterns: tuple[str, ...], allowed: list[str]) -> None:
    """Servers, globs and groups; names word for word."""
    assert _allowed(*patterns) == allowed


@pytest.mark.parametrize(
    ("narrowed", "allowed"),
    [
        ("", []),
        ("*", ["files/read", "files/write"]),
        ("files__read", ["files/read"]),
        ("files/read, wiki__edit", ["files/read"]),
        ("research", []),
        (",,", []),
    ],
)
def test_a_header_only_narrows(narrowed: str, allowed: list[str]) -> None:
    """What the key's list does not allow, no header does."""
    assert _allowed("files", narrowed=narrowed) == allowed


def test_the_address_of_a_group_narrows_too() -> None:
    """By what the group holds and the list allows, both."""
    assert _allowed("*", group="research") == ["search/find", "wiki/get_page"]
    assert _allowed("wiki", group="research") == ["wiki/get_page"]
    assert _allowed("wiki", group="research", narrowed="wiki__edit") == []


def test_resources_belong_to_who_may_use_all_of_a_server() -> None:
    """Part of the tools is not enough, neither by the list, nor by a header, nor at a group's address."""
    accesses = Accesses(GROUPS)
    assert accesses.of(("files",)).allows_server("files")
    assert accesses.of(("*",)).allows_server("files")
    assert not accesses.of(("files/re*",)).allows_server("files")
    assert not accesses.of(("*",), "files__read").allows_server("files")
    assert not accesses.of(("*",), None, "research").allows_server("wiki")


def test_names_that_callers_invent_fill_no_memory() -> None:
    """Verdicts are bounded, and stay right."""
    access = Accesses(GROUPS).of(("files/*",))
    for number in range(VERDICTS_MAX + 10):
        assert access.allows("files", f"t{number}") and not access.allows("other", f"t{number}")
    assert len(access._verdicts) <= VERDICTS_MAX
