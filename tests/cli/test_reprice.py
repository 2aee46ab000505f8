"""`asbru reprice`: by the configuration's prices, on the data directory's records."""

from __future__ import annotations

from pathlib import Path

import msgspec
from tests.cli.test_cli import run, run_here
from tests.fakes.books import row

from asbru.records import query
from asbru.records.store import RecordStore
from asbru.storage import DATABASE_NAME, sqlite_url

CONFIG = """
providers: {local: {dialect: openai, base_url: 'https://x.example', prices: {"*": {input: 1, output: 2}}}}
"""


def test_records_are_priced_by_the_configuration(tmp_path: Path) -> None:
    """What changed is told; the record has the new cost."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "config.yaml").write_text(CONFIG)
    url = sqlite_url(data / DATABASE_NAME)
    store = RecordStore(url)
    store.open()
    used = {"provider": "local", "attempts": 1, "tags": "", "cost_nanousd": None, "output_tokens": 1_000_000}
    store.keep(msgspec.msgpack.encode([row(1, **used)]))
    assert store.commit(0)
    store.close()
    ran = run("reprice", "--since", "2020-01-01", "--data-dir", "data", cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "1 records, 1 changed, 0 left as they are; cost changed by +2.0000" in ran.stdout
    assert query.latest(url)[0]["cost_nanousd"] == 2_000_009_000


def test_mistakes_are_told_in_a_line(tmp_path: Path) -> None:
    """A time that is none, a directory that is not there, a configuration that cannot be used: no traceback."""
    (tmp_path / "data").mkdir()
    (tmp_path / "bad.yaml").write_text("providers: {x: {}}")
    for arguments in (
        ("--since", "soon"),
        ("--since", "2026-01-01", "--data-dir", "nowhere"),
        ("--since", "2026-01-01", "--data-dir", "data", "--config", "bad.yaml"),
    ):
        ran = run_here("reprice", *arguments, cwd=tmp_path)
        assert ran.returncode in (1, 2)
        assert ran.stderr and "Traceback" not in ran.stderr
