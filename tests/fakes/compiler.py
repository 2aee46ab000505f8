"""The real compile step, forked from a process that has loaded it: for the tests of the supervisor, whose subject it is
not. Loading it takes ten times as long as what it does.

socket = compiler_socket()                    # one such process, started at the first call, ends with this one
exit_code = compile_there(socket, arguments)  # from any process: with its arguments, environment, stdin and stdout
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

_MESSAGE_BYTES = 1 << 20
_FAILED = 1
_ROOT = Path(__file__).resolve().parent.parent.parent


@functools.cache
def compiler_socket() -> str:
    """Where it listens; started when first asked for."""
    folder = tempfile.TemporaryDirectory(prefix="asbru-compiler-")
    path = f"{folder.name}/socket"
    argv = [sys.executable, "-m", __name__, path]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=_ROOT)
    assert process.stdin is not None and process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.stdout.close()
    ends = process.stdin

    def end() -> None:
        ends.close()
        process.wait()
        folder.cleanup()

    atexit.register(end)
    return path


def compile_there(path: str, arguments: list[str]) -> int:
    """Have it compile; the exit code."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as to:
        to.connect(path)
        asked = json.dumps([arguments, dict(os.environ), str(Path.cwd())]).encode()
        socket.send_fds(to, [asked], [0, 1, 2])
        answer = to.recv(1)
        return answer[0] if answer else _FAILED


def _serve(path: str, compile_one: Callable[[list[str]], int]) -> None:
    """Fork for each that asks, until stdin ends: whoever started this is gone."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while sys.stdin not in select.select([sys.stdin, listener], [], [])[0]:
            asking, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                os._exit(_compile_for(asking, compile_one))
            asking.close()


def _compile_for(asking: socket.socket, compile_one: Callable[[list[str]], int]) -> int:
    """In the child: become the process that asked, and do as it would."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = _FAILED
    try:
        message, given, _, _ = socket.recv_fds(asking, _MESSAGE_BYTES, 3)
        for number, one in enumerate(given):
            os.dup2(one, number)
        arguments, environment, folder = json.loads(message)
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        code = compile_one(arguments)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else _FAILED
    except BaseException:  # noqa: BLE001 -- as the interpreter does
        traceback.print_exc()
    with contextlib.suppress(OSError):  # who asked was ended meanwhile
        asking.send(bytes([code]))
    return code


if __name__ == "__main__":
    from tests.fakes.processes import compile_here

    from asbru.providers import discover

    importlib.import_module("asbru.app.compile_process")
    discover()
    gc.freeze()
    _serve(sys.argv[1], compile_here)
