"""Pages are wrapped at 120 characters, and nothing else in them changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.wrap_pages import WIDTH, main, wrapped

LONG = "word " * 30
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize(
    "text",
    [
        "short\nlines\nstay\n",
        f"| {LONG} | x |\n",
        f"```sh\n{LONG}\n```\n",
        f"# {LONG}\n",
        f"<img alt='{LONG}'>\n",
    ],
)
def test_what_stays(text: str) -> None:
    """Paragraphs that are short enough, tables, code, headings and HTML."""
    assert wrapped(text) == text


@pytest.mark.parametrize(("first", "next_"), [("", ""), ("- ", "  "), ("  12. ", "      "), ("> ", "> ")])
def test_long_paragraphs_are_filled(first: str, next_: str) -> None:
    """Items are indented, quotes stay quotes, code in backticks is kept whole, and no line begins a list."""
    text = f"{first}{LONG}`code with spaces that is kept in one piece` {LONG}- {LONG}1. end\n\nnext\n"
    lines = wrapped(text).split("\n")
    paragraph = lines[: lines.index("")]
    assert len(paragraph) > 3
    assert all(len(line) <= WIDTH for line in paragraph)
    assert all(line.startswith(next_) and not line.lstrip().startswith(("- ", "1. ")) for line in paragraph[1:])
    assert any("`code with spaces that is kept in one piece`" in line for line in paragraph)
    assert wrapped(text).replace(">", "").split() == text.replace(">", "").split()
    assert wrapped(wrapped(text)) == wrapped(text)


def test_pages_lose_no_word(tmp_path: Path) -> None:
    """Whatever a guide has, it has afterwards; the page is rewritten in place."""
    for page in (ROOT / "docs" / "guides").glob("*.md"):
        text = page.read_text(encoding="utf-8")
        assert wrapped(text).split() == text.split(), page.name
    page = tmp_path / "page.md"
    page.write_text(LONG)
    assert main([str(page)]) == 0
    assert page.read_text().count("\n") == 1
