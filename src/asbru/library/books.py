"""The bookkeeper in a thread: what the process of that name does for workers, for one gateway in an application.

open -> a thread opens the stores and serves the socket -> close: what is held is written, and the thread ends
"""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from asbru.app.bookkeeper import build_host

if TYPE_CHECKING:
    from asbru.link.host import Host

OPEN_S_MAX = 30.0
CLOSE_S_MAX = 10.0


class Books:
    """See the module. `data_dir`: where the database is."""

    def __init__(self, socket_path: Path, data_dir: Path) -> None:
        self._host: Host = build_host(socket_path, data_dir)
        self._wake, self._waker = socket.socketpair()
        self._opened = threading.Event()
        self._failed: Exception | None = None
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="asbru-books", daemon=True)

    def open(self) -> None:
        """Wait until the stores are open. Raises what keeps them from it: OSError, NewerSchema, StorageError."""
        self._thread.start()
        if not self._opened.wait(OPEN_S_MAX):
            self._failed = TimeoutError(f"the database could not be opened within {OPEN_S_MAX:g} s")
        if self._failed is not None:
            self.close()
            raise self._failed

    def close(self) -> None:
        """Write what is held, and end."""
        self._closing = True
        self._waker.send(b"\n")
        self._thread.join(CLOSE_S_MAX)
        self._waker.close()

    def _run(self) -> None:
        host = self._host
        try:
            host.open()
        except Exception as error:  # noqa: BLE001 -- `open` raises it
            self._failed = error
            return
        finally:
            self._opened.set()
        host.watch(self._wake, lambda: None)
        while not self._closing:
            retry_at_s = host.retry_at_s
            host.turn(None if retry_at_s is None else max(0.0, retry_at_s - time.monotonic()))
        host.close()
        self._wake.close()
