"""Days that are copied are as good as days that were written."""

from __future__ import annotations

from pathlib import Path

from bench.records_seed import END_MS, count_rows, questions, seed, session_questions, write

from asbru.records.sessions import search
from asbru.storage import Database, open_database, sqlite_url

_SUMS = """
    SELECT r.tier, r.at, s.view, s.provider, s.model, s.caller, s.team, s.customer, s.surface, s.error,
        s.key_name, r.calls, r.failed,
        r.unpriced, r.input_tokens, r.cached_tokens, r.output_tokens, r.cost_nanousd, r.latency, r.first_token
    FROM rollups AS r JOIN rollup_series AS s ON s.id = r.series ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
"""
_SESSIONS = "SELECT * FROM agent_sessions ORDER BY id"


def test_copied_days_have_the_sums_of_written_ones(tmp_path: Path) -> None:
    """The records of a seeded database, written as the bookkeeper writes them, give the same sums, spend and
    sessions."""
    databases: list[Database] = []
    for name in ("seeded", "written"):
        url = sqlite_url(tmp_path / name)
        if databases:
            write(url, iter(databases[0].run("SELECT * FROM requests ORDER BY id")))
        else:
            seed(url, 900, 3, 20)
        databases.append(open_database(url))
    seeded, written = databases
    records = seeded.run("SELECT COUNT(*), COUNT(DISTINCT started_ms / 86400000), MAX(started_ms) FROM requests")
    assert records[0][:2] == (900, 3) and END_MS - 86_400_000 < int(str(records[0][2])) < END_MS
    for statement in (_SUMS, "SELECT * FROM spend ORDER BY 1, 2, 3, 4, 5, 6, 7", _SESSIONS):
        assert seeded.run(statement) == written.run(statement) != []
    days = seeded.run("SELECT last_ms / 86400000, COUNT(*) FROM agent_sessions GROUP BY 1")
    assert len(days) == 3 and len({count for _, count in days}) == 1
    for one in databases:
        one.close()


def test_visited_rows_are_counted(tmp_path: Path) -> None:
    """Each question visits some rows of the sums."""
    url = sqlite_url(tmp_path / "seeded")
    seed(url, 2_000, 2, 50)
    assert all(count_rows(url, asked) > 0 for asked in questions().values())


def test_sessions_are_found(tmp_path: Path) -> None:
    """Each question of the page of sessions finds some."""
    url = sqlite_url(tmp_path / "seeded")
    seed(url, 4_000, 2, 50)
    for words, ask in session_questions(url).items():
        page = ask()
        assert isinstance(page, search.Page) and page.items, words
