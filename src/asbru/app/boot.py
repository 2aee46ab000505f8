"""The supervisor's side of compiling: runs the process, reads what it says.

Knows nothing of configuration itself, and imports little: the supervisor loads this. Named tuples, because what
dataclasses needs to make a class would stay in that process for good.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from asbru.app.orphans import started
from asbru.telemetry import log

COMPILE_TIMEOUT_S = 60.0
EXIT_UNWRITTEN = 74
"""Of a compile process that has no room to write; EX_IOERR of sysexits.h."""
SHOWN_MAX = 100
"""Warnings that are logged, and errors: one mistake in a generated file may be there ten thousand times."""


class Boot(NamedTuple):
    """What a compiled configuration asks of the supervisor. `served_here`: providers whose server it starts.
    `watched`: files, besides the configuration itself, whose change means compiling again. `tools`: whether MCP servers
    are configured. `declares`: sections that the file has entries in, of those that a changed file may not lose
    (`compile_kept.KEPT_SECTIONS`)."""

    host: str
    port: int
    workers: int
    tls_cert: str | None = None
    tls_key: str | None = None
    drain_grace_s: float = 30.0
    config_file: str | None = None
    served_here: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()
    open_access: bool = False
    control: bool = False
    tools: bool = False
    log_format: str = "text"
    declares: tuple[str, ...] = ()


class Options(NamedTuple):
    """What the command line decides, and what a running supervisor must keep; None leaves it to the file.
    `mock_socket`, `control_socket`: where these listen when they run; `control`: whether that one does.
    `bound`: the address that is listened on already, which no file changes; `keeps`: see `Boot.declares`."""

    data_dir: Path
    config: Path | None = None
    host: str | None = None
    port: int | None = None
    workers: int | None = None
    mock_socket: str | None = None
    control_socket: str | None = None
    control: bool | None = None
    bound: str | None = None
    keeps: tuple[str, ...] = ()

    def argv(self) -> list[str]:
        """The options as arguments of `asbru.app.compile_process`."""
        argv = ["--data-dir", str(self.data_dir)]
        given: dict[str, object] = {
            "config": self.config,
            "host": self.host,
            "port": self.port,
            "workers": self.workers,
        }
        given |= {"mock-socket": self.mock_socket, "control-socket": self.control_socket}
        given["control"] = None if self.control is None else str(self.control)
        given |= {"bound": self.bound, "keeps": ",".join(self.keeps) or None}
        for name, value in given.items():
            if value is not None:
                argv += [f"--{name}", str(value)]
        return argv


class CompileOutcome:
    """`boot` is None where the configuration was refused, and where `unwritten` says why nothing could be compiled, or
    written, whatever it says; `generated_key` is set the one time that a key is made."""

    def __init__(self) -> None:
        self.unwritten: str | None = None
        self.boot: Boot | None = None
        self.generated_key: str | None = None
        self.warnings: list[str] = []
        self.errors: list[str] = []

    def report(self) -> None:
        """Warnings and errors to the log; the generated key once, beside the log, which would mask it."""
        _log_first("warning", self.warnings)
        _log_first("error", self.errors)
        if self.generated_key is not None:
            with contextlib.suppress(OSError, ValueError):
                key = self.generated_key
                sys.stderr.write(f"no virtual keys are configured; generated one, which is shown only once: {key}\n")
                sys.stderr.flush()


class CompileJob:
    """A running compile process; its lines wait in a file, so that nobody has to read while it works."""

    def __init__(self, command: tuple[str, ...], options: Options, out: Path) -> None:
        self.out = out
        self._deadline_s = time.monotonic() + COMPILE_TIMEOUT_S
        self._lines = out.with_suffix(".lines")
        with self._lines.open("wb") as lines:
            argv = [*command, *options.argv(), "--out", str(out)]
            self.process = subprocess.Popen(  # noqa: S603  # our own command
                argv, stdin=subprocess.DEVNULL, stdout=lines, start_new_session=True
            )
        started.add(self.process)

    def wait(self) -> CompileOutcome:
        """Wait for the end, at most COMPILE_TIMEOUT_S."""
        try:
            self.process.wait(COMPILE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return self.outcome()

    def ended(self) -> bool:
        """Whether it has ended; one that takes longer than COMPILE_TIMEOUT_S is made to."""
        if time.monotonic() > self._deadline_s:
            self.process.kill()
        return self.process.poll() is not None

    def outcome(self) -> CompileOutcome:
        """What the ended process said. Its file is removed: a generated key may stand in it."""
        found = CompileOutcome()
        for line in self._lines.read_text(errors="replace").splitlines():
            said = _said(line)
            found.warnings += said.get("warnings", [])
            found.errors += said.get("errors", [])
            found.generated_key = said.get("generated_key", found.generated_key)
            found.unwritten = said.get("unusable", found.unwritten)
            if "result" in said:
                result = cast("dict[str, Any]", said["result"])
                lists = {name: tuple(result[name]) for name in ("served_here", "watched", "declares")}
                found.boot = Boot(**cast("dict[str, Any]", {**result, **lists}))
        self._lines.unlink()
        if found.boot is None:
            for path in self.out.parent.glob(f"{self.out.stem}.*"):
                path.unlink(missing_ok=True)
        if self.process.returncode == EXIT_UNWRITTEN:
            found.unwritten = f"{self.out.parent.parent} is full, or cannot be written to"
        elif found.boot is None and not found.errors and found.unwritten is None:
            found.errors.append(
                f"the compile process exited with code {self.process.returncode} and without a result"
            )
        return found


def _log_first(level: Literal["warning", "error"], lines: list[str]) -> None:
    for line in lines[:SHOWN_MAX]:
        log(level, f"configuration: {line}")
    if len(lines) > SHOWN_MAX:
        log(level, f"configuration: and {len(lines) - SHOWN_MAX} more; `asbru config check` prints all of them")


def _said(line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return cast("dict[str, Any]", said) if isinstance(said, dict) else {}
