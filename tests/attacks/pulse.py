"""Asks `/livez` again and again on one connection, in a process of its own, so that the attack beside it does not delay
what is measured.

    python -m tests.attacks.pulse PORT        # ends with its stdin; prints the slowest answer, in milliseconds

An answer that does not come within WAIT_S counts as that.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import time

EVERY_S = 0.01
WAIT_S = 30.0
_ASK = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


def main(port: int) -> None:
    """See the module."""
    with contextlib.suppress(OSError):
        os.nice(-5)  # where it may: its own waiting for a core is not the gateway's
    slowest_s = 0.0
    connection = _connect(port)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not select.select([sys.stdin], [], [], EVERY_S)[0]:
        began_s = time.monotonic()
        try:
            connection.sendall(_ASK)
            answered = b"200 OK" in connection.recv(4096)
        except OSError:
            answered = False
        took_s = time.monotonic() - began_s
        slowest_s = max(slowest_s, took_s if answered else WAIT_S)
        if not answered:
            connection.close()
            connection = _connect(port)
    sys.stdout.write(f"{slowest_s * 1000:.1f}\n")


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), WAIT_S)


if __name__ == "__main__":
    main(int(sys.argv[1]))
