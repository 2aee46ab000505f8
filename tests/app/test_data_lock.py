"""The lock on a data directory."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from asbru.app.data_lock import LOCK_NAME, DataDirInUseError, DataLock, unusable


def test_one_at_a_time(tmp_path: Path) -> None:
    """Who comes second learns which process has it; after `close` the next one gets it. The file is private."""
    first = DataLock(tmp_path)
    with pytest.raises(DataDirInUseError, match=f"process {os.getpid()}"):
        DataLock(tmp_path)
    assert (tmp_path / LOCK_NAME).stat().st_mode & 0o777 == 0o600
    first.close()
    DataLock(tmp_path).close()


def test_a_file_system_without_locks_is_used_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems know none: that keeps nobody from serving."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    DataLock(tmp_path).close()


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    """The directory, the reason, the file where it is another, and what to do."""
    denied = OSError(errno.EACCES, "Permission denied", str(tmp_path / "asbru.sqlite"))
    assert unusable(tmp_path, denied) == (
        f"the data directory {tmp_path} cannot be used: Permission denied ({tmp_path}/asbru.sqlite); make it writable"
        " for this user, or choose another data directory"
    )
