"""Records as a file: CSV or lines of JSON, page by page, so that any number of them takes the memory of one page.

A text that a spreadsheet would take for a formula gets an apostrophe in front of it, which spreadsheets hide:
https://owasp.org/www-community/attacks/CSV_Injection. Some take it for one behind spaces, or in full width too.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Final, Literal, TypeAlias

import msgspec

from asbru.records.query import Page, Record

Format: TypeAlias = Literal["csv", "jsonl"]
MEDIA_TYPES: Final[dict[Format, str]] = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}
PAGE_RECORDS: Final = 500
_FORMULA: Final = re.compile(r"[\t\r\n]|[\s\u200b-\u200f\u2060\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]")


async def write_export(
    form: Format, columns: Sequence[str], read_page: Callable[[str], Awaitable[Page]]
) -> AsyncIterator[bytes]:
    """The pieces of the file; `read_page` is given the `next` of the page before, "" at first."""
    if form == "csv":
        yield _lines([columns])
    before: str | None = ""
    while before is not None:
        page = await read_page(before)
        if page.items:
            yield _lines(map(_cells, page.items)) if form == "csv" else _json_lines(page.items)
        before = page.next


def _cells(record: Record) -> list[object]:
    return [defused(value) if isinstance(value, str) else value for value in record.values()]


def defused(text: str) -> str:
    """A text that no spreadsheet calculates."""
    return f"'{text}" if _FORMULA.match(text) else text


def _lines(rows: Iterable[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _json_lines(records: Sequence[Record]) -> bytes:
    return b"".join(msgspec.json.encode(record) + b"\n" for record in records)
