"""How much of what was written to a socket the other side has not acknowledged."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios

_UNKNOWN = -1


def unsent_bytes(sock: socket.socket | None) -> int:
    """The bytes that wait in the system's send buffer; a negative number where that cannot be told. What has no socket
    has no such buffer."""
    if sock is None:
        return 0
    try:
        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, struct.pack("i", 0))
    except OSError:
        return _UNKNOWN
    return int(struct.unpack("i", answer)[0])
