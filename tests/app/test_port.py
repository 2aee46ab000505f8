"""Holding a port without listening on it."""

from __future__ import annotations

import socket

import pytest

from asbru.app.port import PortTakenError, hold_port


def test_held_port_can_be_listened_on_by_workers() -> None:
    """Several sockets with SO_REUSEPORT listen on a held port, found for port 0, and calls reach them."""
    held, host, port = hold_port("localhost", 0)
    with held, socket.socket(held.family) as worker:
        worker.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        worker.bind((host, port))
        worker.listen()
        with socket.create_connection((host, port), timeout=30):
            accepted, _ = worker.accept()
            accepted.close()


def test_taken_port_is_refused_even_when_shared() -> None:
    """Somebody else's listener is an error, with or without SO_REUSEPORT."""
    for option in (socket.SO_REUSEPORT, socket.SO_REUSEADDR):
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, option, 1)
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            with pytest.raises(PortTakenError, match="Address already in use"):
                hold_port("127.0.0.1", taken.getsockname()[1])


def test_unknown_address_is_refused() -> None:
    """An address that is not this machine's is a clear error."""
    with pytest.raises(PortTakenError, match=r"cannot listen on 192\.0\.2\.1 port 8080"):
        hold_port("192.0.2.1", 8080)
    with pytest.raises(PortTakenError, match="cannot listen on no host"):
        hold_port("no host", 8080)
