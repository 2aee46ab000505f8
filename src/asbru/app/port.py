"""The port: free or not, and held for the workers, which each listen on it with SO_REUSEPORT."""

from __future__ import annotations

import os
import socket


class PortTakenError(Exception):
    """The address cannot be listened on; the message says which and why."""


def hold_port(host: str, port: int) -> tuple[socket.socket, str, int]:
    """A bound socket that does not listen, with the numeric address and the port (found, for port 0).

    SO_REUSEPORT would let a second gateway of the same user share the port without a word, so the port is first
    bound without it; then held, so that nobody else can take it while a worker restarts.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICSERV
        )[0]
    except OSError as error:
        raise PortTakenError(f"cannot listen on {host}: {error.strerror}") from error
    try:
        if port:
            with _bound(family, address, socket.SO_REUSEADDR) as probe:
                probe.listen(1)
        held = _bound(family, address, socket.SO_REUSEPORT)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise PortTakenError(f"cannot listen on {host} port {port}: {reason}") from error
    name = held.getsockname()
    return held, str(name[0]), int(name[1])


def _bound(family: int, address: object, option: int) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, option, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        bound.bind(address)  # pyright: ignore[reportArgumentType]  # as getaddrinfo gave it
    except OSError:
        bound.close()
        raise
    return bound
