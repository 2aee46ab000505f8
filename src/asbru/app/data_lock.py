"""The lock on a data directory: one gateway at a time uses it.

Two would write the same database without knowing of each other: records with the same id, which count as one, and
limits that each counts for itself. The lock is the kernel's, so it ends with the process that holds it, however that
ends. Nothing else is asked of the file, and it is not removed. Imports little: the supervisor loads this.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from pathlib import Path

LOCK_NAME = "gateway.lock"
_HELD = (errno.EAGAIN, errno.EACCES)
_PID_BYTES_MAX = 20


class DataDirInUseError(OSError):
    """Another gateway uses the data directory; the message says which process, and what to do."""


class DataLock:
    """Held from the start on. `close` gives it up.

    Raises `DataDirInUseError`, and OSError where the file cannot be made. On a file system that knows no locks there is
    none.
    """

    def __init__(self, data_dir: Path) -> None:
        self._file = os.open(data_dir / LOCK_NAME, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            self._take(data_dir)
        except BaseException:
            os.close(self._file)
            raise

    def _take(self, data_dir: Path) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in _HELD:
                return
            holder = os.read(self._file, _PID_BYTES_MAX).decode(errors="replace").strip()
            process = f" (process {holder})" if holder.isdigit() else ""
            raise DataDirInUseError(
                f"the data directory {data_dir} is in use by another gateway{process}: stop that one, or choose another"
                " data directory"
            ) from None
        with contextlib.suppress(OSError):  # a full disk: the lock holds, without a name
            os.ftruncate(self._file, 0)
            os.write(self._file, f"{os.getpid()}\n".encode())

    def close(self) -> None:
        """Give the directory up."""
        os.close(self._file)


def unusable(data_dir: Path, error: OSError) -> str:
    """What to tell whose data directory cannot be made or written to."""
    where = f" ({error.filename})" if error.filename and Path(error.filename) != data_dir else ""
    return (
        f"the data directory {data_dir} cannot be used: {error.strerror or error}{where}; make it writable for this"
        " user, or choose another data directory"
    )
