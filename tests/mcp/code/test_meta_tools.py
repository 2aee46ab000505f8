"""What models are told by the four tools."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import msgspec
import pytest

from asbru.mcp.catalogue import Definition, digest_of
from asbru.mcp.code import META_TOOLS, Done, Library, Script, ScriptError, Suspended, answer, shown
from asbru.mcp.code.meta_tools import DOCS, EXECUTE, LIST, READ
from asbru.mcp.code.script import PendingCall

TEXT = msgspec.json.encode({"name": "one", "description": "Counts.", "inputSchema": {"type": "object"}})
LIBRARY = Library({"small": [Definition("one", TEXT, digest_of(TEXT))]})


class Ran:
    """A script that ends in a way of our choice."""

    def __init__(self, outcome: Done | Suspended | ScriptError) -> None:
        self._outcome = outcome

    async def run(self, code: str) -> Done | Suspended:
        """As a script."""
        assert code == "x"
        if isinstance(self._outcome, ScriptError):
            raise self._outcome
        return self._outcome


def ask(name: str, outcome: Done | Suspended | ScriptError | None = None, **arguments: Any) -> tuple[str, bool]:
    """The text, and whether it is an error."""
    script = cast("Script", Ran(outcome or Done("", None, 0)))
    found = asyncio.run(answer(name, arguments, LIBRARY, script))
    return found.text, found.is_error


def test_there_are_four() -> None:
    """With schemas that name their arguments."""
    assert [one.name for one in META_TOOLS] == [LIST, READ, DOCS, EXECUTE]
    assert all(set(one.schema["required"]) <= set(one.schema["properties"]) for one in META_TOOLS)


def test_files_are_listed_and_read() -> None:
    """Lines are bounded and numbered."""
    assert "small.pyi  (1 tools)" in ask(LIST)[0]
    assert ask(READ, fileName="small", startLine=3, endLine=99) == (
        "# Lines 3 to 3 of 3\ndef one() -> Any: ...  # Counts",
        False,
    )


@pytest.mark.parametrize(
    ("name", "arguments"),
    [(READ, {"fileName": "none"}), (READ, {}), (DOCS, {"server": "small", "tool": "two"}), (DOCS, {}), (EXECUTE, {})],
)
def test_what_is_not_there_says_what_is(name: str, arguments: dict[str, Any]) -> None:
    """An error that leads on."""
    text, is_error = ask(name, **arguments)
    assert is_error
    assert "small.pyi" in text or name == EXECUTE


def test_a_document_is_found_by_either_name() -> None:
    """Of the server and of its identifier."""
    assert "Counts." in ask(DOCS, server="small", tool="one")[0]


def test_outcomes_in_words() -> None:
    """What was printed, then the result; what waits; which line failed and why."""
    assert shown(Done("a\n", b'{"x":1}', 2)).text == 'Printed:\na\n\nResult:\n{"x":1}'
    assert "without a result" in shown(Done("", None, 1)).text
    waiting = shown(Suspended(PendingCall("s", "t", b"{}"), b"", "", 1))
    assert waiting.text == "The script waits: s/t({}) needs approval." and waiting.suspended is not None
    text, is_error = ask(EXECUTE, ScriptError("memory", "it needs more than 1 MiB", 4), code="x")
    assert (text, is_error) == (
        "The script failed in line 4 (memory): it needs more than 1 MiB\nServers: small",
        True,
    )
