"""Databases by their URL."""

from __future__ import annotations

from pathlib import Path

import pytest

from asbru.storage import open_database, open_reader, sqlite_url


def test_a_path_and_its_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absolute path has four slashes, a relative one three; odd characters are part of the path."""
    path = tmp_path / "a b%20c?d#e.sqlite"
    assert sqlite_url(path) == f"sqlite:///{path}"
    assert sqlite_url(path).startswith("sqlite:////")
    open_database(sqlite_url(path)).close()
    assert path.exists()
    monkeypatch.chdir(tmp_path)
    open_database("sqlite:///here.sqlite").close()
    assert (tmp_path / "here.sqlite").exists()


@pytest.mark.parametrize(
    "url", ["postgresql://me:secret@host/asbru", "/data/asbru.sqlite", "sqlite:///", "sqlite:x", ""]
)
def test_another_engine_is_refused_with_words(url: str) -> None:
    """What is no URL of a known engine is refused, without showing what may be a password."""
    for opened in open_database, open_reader:
        with pytest.raises(ValueError, match=r"expected a database URL such as sqlite:////data") as refused:
            opened(url)
        assert "secret" not in str(refused.value)
