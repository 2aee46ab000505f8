"""Wraps the prose of the pages at 120 characters: a paragraph or list item that has a longer line is filled anew.

    python tools/wrap_pages.py PAGE...

Tables, code, headings, HTML and paragraphs whose lines are short enough stay as they are, so that a change of one
sentence is a change of one paragraph. `make fmt` runs it over the README, the guides and the pages beside them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

WIDTH = 120
_FENCE = re.compile(r"\s*```")
_KEPT = re.compile(r"\s*(\||#|<|\[[^\]]+\]:|$)")
_BEGIN = re.compile(r"(\s*)((?:[-*]|\d+\.)\s+|> ?)?(.*)")
_MARKER = re.compile(r"([-+*>#|]|\d+[.)])(\s|$)")
_WORD = re.compile(r"(?:\[[^][]*\]\([^()\s]*\)|`[^`]*`|[^\s`])+|`")
"""A link stays whole, as does code."""


def wrapped(text: str) -> str:
    """The page with its long paragraphs filled anew."""
    return "\n".join(_lines(text.split("\n")))


def _lines(lines: list[str]) -> Iterator[str]:
    at, fenced = 0, False
    while at < len(lines):
        end = at + 1
        if _FENCE.match(lines[at]):
            fenced = not fenced
        elif not fenced and not _KEPT.match(lines[at]):
            while end < len(lines) and _goes_on(lines[end]):
                end += 1
            if any(len(line) > WIDTH for line in lines[at:end]):
                yield from _filled(lines[at:end])
                at = end
                continue
        yield from lines[at:end]
        at = end


def _goes_on(line: str) -> bool:
    """Whether a line belongs to the paragraph before it."""
    return not (_FENCE.match(line) or _KEPT.match(line) or re.match(r"\s*([-*] |\d+\. )", line))


def _filled(lines: list[str]) -> Iterator[str]:
    found = _BEGIN.match(lines[0])
    assert found is not None
    first, mark, rest = found[1], found[2] or "", found[3]
    quoted = mark.startswith(">")
    indent = first + (mark if quoted else " " * len(mark))
    tail = [re.sub(r"^\s*>? ?", "", line) if quoted else line for line in lines[1:]]
    line, empty = first + mark, True
    for word in _words(" ".join([rest, *tail])):
        if not empty and len(line) + 1 + len(word) > WIDTH:
            yield line
            line, empty = indent, True
        line += word if empty else f" {word}"
        empty = False
    yield line


def _words(text: str) -> list[str]:
    """What may begin a line; a marker stays behind the word before it, since a line that begins with one is a list."""
    found: list[str] = []
    for word in _WORD.findall(text):
        if found and _MARKER.match(word):
            found[-1] += f" {word}"
        else:
            found.append(word)
    return found


def main(pages: list[str]) -> int:
    """Rewrite the pages in place."""
    for page in map(Path, pages):
        before = page.read_text(encoding="utf-8")
        after = wrapped(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"wrapped {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
