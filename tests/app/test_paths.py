"""The run directory: private, removed, and swept after a crash."""

from __future__ import annotations

import os
from pathlib import Path

from asbru.app.paths import CONFIG_FILE_NAMES, RunDir, find_config_file


def test_run_directory_is_private_and_goes(tmp_path: Path) -> None:
    """It is 0700 with a short path, and close removes it with all in it."""
    run = RunDir(tmp_path)
    assert run.path.stat().st_mode & 0o777 == 0o700
    (run.path / "sub").mkdir()
    (run.path / "sub" / "file").touch()
    run.close()
    assert list(tmp_path.iterdir()) == []
    default = RunDir()
    assert len(str(default.path)) < 80
    default.close()


def test_dead_owners_directory_is_swept(tmp_path: Path) -> None:
    """A directory whose lock nobody holds is removed by the next start; a live one, a fresh one, others stay."""
    dead, fresh, other = (tmp_path / name for name in ("asbru-dead", "asbru-fresh", "other"))
    for path in (dead, fresh, other):
        path.mkdir()
        (path / "lock").touch()
        (path / "snapshot-1.msgpack").write_text("secret")
    live = RunDir(tmp_path)
    for path in (dead, live.path, other):
        os.utime(path, (1, 1))
    again = RunDir(tmp_path)
    assert not dead.exists()
    assert fresh.exists()
    assert live.path.exists()
    assert other.exists()
    again.close()
    live.close()


def test_configuration_file_is_looked_for_in_order(tmp_path: Path) -> None:
    """What was asked for wins; else the data directory's files in their order; else none."""
    assert find_config_file(None, tmp_path) is None
    assert find_config_file(Path("x"), tmp_path) == Path("x")
    for name in reversed(CONFIG_FILE_NAMES):
        (tmp_path / name).touch()
        assert find_config_file(None, tmp_path) == tmp_path / name
