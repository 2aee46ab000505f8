"""The control socket: lines between the supervisor and a process."""

from __future__ import annotations

import asyncio
import socket

import pytest
from tests.fakes.books import run
from tests.fakes.waiting import until

from asbru.app.control_socket import ControlSocket


def test_lines_both_ways(capfd: pytest.CaptureFixture[str]) -> None:
    """However they arrive; what is said is one line each. The end of the supervisor is told once."""

    async def talk() -> None:
        ours, theirs = socket.socketpair()
        control = ControlSocket(asyncio.get_running_loop(), str(theirs.detach()), "worker-1")
        heard: list[tuple[str, str]] = []
        ends: list[None] = []
        control.listen(lambda word, rest: heard.append((word, rest)), lambda: ends.append(None))
        for piece in (b"rel", b"oad /a b\nsto", b"p\n"):
            ours.send(piece)
            await asyncio.sleep(0)
        await until(lambda: len(heard) == 2, "two lines")
        assert heard == [("reload", "/a b"), ("stop", "")]
        control.say("ready")
        control.say("refused a\nb")
        assert ours.recv(100) == b"ready\nrefused a b\n"
        ours.close()
        await until(lambda: bool(ends), "the end")
        control.say("lost")
        control.end()
        control.say("nobody may be there")
        assert ends == [None]
        control.close()

    run(talk())
    assert capfd.readouterr().err.count("does not read its control socket process=worker-1") == 1


def test_a_process_that_nobody_supervises_says_nothing() -> None:
    """Nor does it hear anything."""

    async def talk() -> None:
        control = ControlSocket(asyncio.get_running_loop(), None, "worker-0")
        control.listen(lambda word, rest: None, lambda: None)
        control.say("ready")
        control.close()

    run(talk())
