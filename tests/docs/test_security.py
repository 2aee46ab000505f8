"""Every sentence of SECURITY.md and of the guide on security has tests that verify it, and those tests exist."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
ROOT = TESTS.parent
PROMISES_FROM = {"SECURITY.md": "## Security properties", "docs/guides/security.md": "# Security"}
TABLE: dict[str, dict[str, list[str]]] = tomllib.loads((TESTS / "docs" / "security.toml").read_text(encoding="utf-8"))
ADVICE_MAX = 8
"""Sentences that no test can verify; the rest is promises."""


def sentences(page: str) -> list[str]:
    """What a page says, from where its promises begin: sentences, and rows of tables."""
    text = (ROOT / page).read_text(encoding="utf-8")
    text = text[text.index(PROMISES_FROM[page]) :]
    return [part for block in blocks(re.sub(r"```.*?```", "", text, flags=re.DOTALL)) for part in cut(block)]


def blocks(text: str) -> Iterator[str]:
    """Paragraphs, items of lists and rows of tables, each on one line."""
    words: list[str] = []
    for line in (*map(str.strip, text.splitlines()), ""):
        begins = line.startswith(("- ", "|", "#"))
        if (begins or not line) and words:
            yield " ".join(words)
            words = []
        if line and not line.startswith("#") and not re.fullmatch(r"[|-]+", line):
            words.append(line.removeprefix("- "))
    assert not words


def cut(block: str) -> list[str]:
    """Its sentences."""
    return [block] if block.startswith("|") else re.split(r"(?<=[.:])\s+(?=[A-Z*`])", block)


def names_in(path: Path) -> set[str]:
    """The names of the tests of a file, or of the attack that a file is."""
    found = ast.parse(path.read_text(encoding="utf-8")).body
    names = {one.name for one in found if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)}
    return {name for name in names if name.startswith("test_") or name == "attack"}


@pytest.mark.parametrize("page", PROMISES_FROM)
def test_every_sentence_has_its_tests(page: str) -> None:
    """What is written and what the table has are the same, word for word; few sentences promise nothing."""
    assert sentences(page) == list(TABLE[page])
    assert len([said for said, tests in TABLE[page].items() if not tests]) <= ADVICE_MAX


@pytest.mark.parametrize("page", PROMISES_FROM)
def test_the_tests_exist(page: str) -> None:
    """A test that is renamed or deleted leaves its sentence without proof."""
    missing = [
        test
        for tests in TABLE[page].values()
        for test in tests
        if not (TESTS / (file := test.partition("::")[0])).is_file()
        or test.partition("::")[2] not in names_in(TESTS / file)
    ]
    assert missing == []
