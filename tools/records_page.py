"""Writes the table of columns in docs/guides/records.md from asbru.records; a test fails when the two differ.

python tools/records_page.py
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from asbru.records import COLUMNS

PAGE = Path(__file__).resolve().parent.parent / "docs/guides/records.md"
HEAD = "| column | type | unit | what it holds |\n|--|--|--|--|\n"


def page(text: str) -> str:
    """The page's text with its table as it should be."""
    kinds = [column.kind + (", or NULL" if column.nullable else "") for column in COLUMNS]
    rows = "".join(
        f"| `{column.name}` | {kind} | {column.unit} | {column.sentence} |\n"
        for column, kind in zip(COLUMNS, kinds, strict=True)
    )
    return re.sub(re.escape(HEAD) + r"(?:[|<].*\n)*", lambda _: HEAD + rows, text)


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
