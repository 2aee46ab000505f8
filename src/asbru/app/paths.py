"""Where things lie: configuration in the data directory, and a private run directory for sockets and snapshots.

The run directory lives in memory where the system has such a place (/dev/shm), since snapshots hold credentials. Its
name is short: the path of a Unix socket has at most 107 bytes. Imports little: the supervisor loads this.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from pathlib import Path

CONFIG_FILE_NAMES = ("config.yaml", "config.yml", "config.json")
"""Looked for in the data directory, in this order."""

_RUN_PREFIX = "asbru-"
_LOCK_NAME = "lock"
_STALE_AFTER_S = 60.0


def find_config_file(asked: Path | None, data_dir: Path) -> Path | None:
    """`asked`, else the first of CONFIG_FILE_NAMES in `data_dir`, else None (built-in defaults)."""
    if asked is not None:
        return asked
    return next((data_dir / name for name in CONFIG_FILE_NAMES if (data_dir / name).is_file()), None)


def declared_file(snapshot: Path) -> Path:
    """Where the feed's entries stand that were compiled together with a snapshot."""
    return snapshot.with_suffix(".feed")


def shown_file(snapshot: Path) -> Path:
    """Where it stands what the configuration declares, for the management API to show."""
    return snapshot.with_suffix(".shown")


def catalogue_file(snapshot: Path) -> Path:
    """Where the models of its providers stand, likewise."""
    return snapshot.with_suffix(".catalogue")


class RunDir:
    """A 0700 directory held by a lock for as long as its owner lives; a dead owner's is removed by the next start."""

    def __init__(self, base: Path | None = None) -> None:
        base = base or _run_base()
        _remove_stale(base)
        self.path = base / f"{_RUN_PREFIX}{os.urandom(5).hex()}"
        self.path.mkdir(mode=0o700)
        self._lock = os.open(self.path / _LOCK_NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def keep(self) -> None:
        """Make it anew if somebody has removed it (cleaners of temporary files do). Raises OSError."""
        self.path.mkdir(mode=0o700, exist_ok=True)

    def close(self) -> None:
        """Remove the directory and all in it."""
        _remove_tree(self.path)
        os.close(self._lock)


def _run_base() -> Path:
    candidates = ("/dev/shm", os.environ.get("XDG_RUNTIME_DIR"), os.environ.get("TMPDIR"), "/tmp")  # noqa: S108  # private directories are made inside
    for candidate in candidates:
        if candidate and len(candidate) <= 60 and os.access(candidate, os.W_OK | os.X_OK):
            return Path(candidate)
    return Path.cwd()


def _remove_stale(base: Path) -> None:
    """Remove our own run directories whose lock nobody holds."""
    for path in base.glob(f"{_RUN_PREFIX}*"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            if status.st_uid != os.getuid() or time.time() - status.st_mtime < _STALE_AFTER_S:
                continue
            lock = os.open(path / _LOCK_NAME, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove_tree(path)
            finally:
                os.close(lock)


def _remove_tree(path: Path) -> None:
    for entry in os.scandir(path):
        with contextlib.suppress(OSError):
            if entry.is_dir(follow_symlinks=False):
                _remove_tree(Path(entry.path))
            else:
                Path(entry.path).unlink()
    with contextlib.suppress(OSError):
        path.rmdir()
