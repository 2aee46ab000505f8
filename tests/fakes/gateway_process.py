"""The supervisor with the real processes, as `asbru serve` runs it, but for the compile step: that is forked from a
process that has loaded it (`tests.fakes.compiler`), and so costs a tenth at the start and at every reload.

For tests whose subject is neither the command nor how it compiles; those run `asbru serve` itself.

    argv = serve_command("--port", "0", "--config", path, "--data-dir", folder)
    Popen(argv, env=serve_environment())
"""

from __future__ import annotations

import os
import sys

from tests.fakes.compiler import compile_there, compiler_socket

_COMPILER = "STAND_IN_COMPILER"


def serve_command(*options: str) -> list[str]:
    """Options as those of `asbru serve`."""
    return [sys.executable, "-m", __name__, "supervisor", *options]


def serve_environment(**more: str) -> dict[str, str]:
    """What the command needs of the environment, which is that of the tests, with `more`."""
    return {**os.environ, **more, _COMPILER: compiler_socket(), "STAND_IN_BEHAVIOUR": "good"}


def _supervisor(arguments: list[str]) -> int:
    from asbru.app import supervisor
    from asbru.app.children import Commands

    return supervisor.main(
        arguments, Commands(compile=(sys.executable, "-m", "tests.fakes.gateway_process", "compile"))
    )


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    sys.exit(compile_there(os.environ[_COMPILER], rest) if role == "compile" else _supervisor(rest))
