"""The row and the table are the same columns in the same order."""

from __future__ import annotations

from pathlib import Path

from asbru.core.usage import Usage
from asbru.records import COLUMNS, ROW_WIDTH, usage_columns
from asbru.records.row import NO_UNITS, NO_USAGE, unit_columns
from asbru.storage import open_database, sqlite_url
from tools import records_page


def test_columns_are_the_tables(tmp_path: Path) -> None:
    """COLUMNS and the migrated table agree on names, order, type and NULL."""
    database = open_database(sqlite_url(tmp_path / "x.sqlite"))
    found = [
        (str(name), str(kind), not not_null)
        for _, name, kind, not_null, *_ in database.run("PRAGMA table_info(requests)")
    ]
    database.close()
    assert found == [
        (column.name, "TEXT" if column.kind == "text" else "INTEGER", column.nullable) for column in COLUMNS
    ]


def test_usage_stands_in_its_columns() -> None:
    """Each bucket of usage lands in the column of its name."""
    buckets = [
        "input",
        "cache_read",
        "cache_write_5m",
        "cache_write_1h",
        "audio_input",
        "output",
        "reasoning",
        "audio_output",
    ]
    usage = Usage(**{name: number for number, name in enumerate(buckets, 1)}, reasoning_known=False)
    first = next(at for at, column in enumerate(COLUMNS) if column.name == "input_tokens")
    for column, value in zip(COLUMNS[first:], usage_columns(usage), strict=False):
        assert value == getattr(usage, column.name.removesuffix("_tokens"))


def test_what_is_charged_by_the_piece_stands_together() -> None:
    """Image tokens and units are three columns in this order, units as a JSON object; a plain call has none of them."""
    at = next(at for at, column in enumerate(COLUMNS) if column.name == "image_input_tokens")
    assert [column.name for column in COLUMNS[at : at + 3]] == ["image_input_tokens", "image_output_tokens", "units"]
    usage = Usage(image_input=1, image_output=2, units=(("page", 3), ("image", 4)))
    assert unit_columns(usage) == (1, 2, '{"page":3,"image":4}')
    assert unit_columns(Usage(input=5)) == NO_UNITS
    assert unit_columns(None) == (None, None, "")


def test_unknown_usage_is_null() -> None:
    """No usage: eight NULLs and no claim about reasoning."""
    assert usage_columns(None) == NO_USAGE == (None,) * 8 + (False,)
    assert ROW_WIDTH == len(COLUMNS) == 48


def test_the_page_is_up_to_date() -> None:
    """The table in docs/guides/records.md is what tools/records_page.py writes."""
    text = records_page.PAGE.read_text()
    assert "| `id` | text |" in text
    assert text == records_page.page(text), "run: python tools/records_page.py"
