"""The parent process: compiles, starts the others, keeps them running, reloads, drains. Serves nothing itself.

    python -m asbru.app.supervisor --data-dir DIR [--config FILE] [--host H] [--port P] [--workers N]
                                   [--ready-fd N]

starting -> serving -> draining -> ended. SIGTERM or SIGINT drains (exit 0), a second one ends at once; SIGHUP or a
changed file compiles anew and, when that succeeds, hands the new snapshot to every worker; refused, all goes on as it
was. Exit 1: it could not start. `--ready-fd` gets one line, the URL, once calls are served.
How a child is started is in `launch`, how it is kept running in `slots`, how it is told of changes in `reloads`.
Imports neither pydantic nor YAML nor uvloop: it must stay small for ever.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path

from asbru.app.arguments import read_arguments
from asbru.app.boot import Boot, CompileOutcome, Options
from asbru.app.checks import Checks
from asbru.app.children import Child, Commands
from asbru.app.data_lock import DataDirInUseError, DataLock, unusable
from asbru.app.launch import BOOKKEEPER, CONTROL, Launch
from asbru.app.lifeline import end_with_supervisor
from asbru.app.paths import CONFIG_FILE_NAMES, RunDir
from asbru.app.port import PortTakenError, hold_port
from asbru.app.process_table import ProcessTable
from asbru.app.reloads import Reloads
from asbru.app.signals import SignalPipe
from asbru.app.slots import DRAIN_EXTRA_S, TURN_S, Slot, Slots
from asbru.telemetry import log
from asbru.telemetry.log import FORMAT_VARIABLE

START_TIMEOUT_S = 30.0
FLUSH_TIMEOUT_S = 10.0
END_NOW_TIMEOUT_S = 1.0
STOP_TIMEOUT_S = 5.0
"""For a worker to record the calls that it cuts."""


class StartRefusedError(Exception):
    """The gateway cannot start; the message says why."""


class Supervisor:
    """One run of the gateway. `run` is called once."""

    def __init__(self, options: Options, commands: Commands | None = None, ready_fd: int | None = None) -> None:
        self._ready_fd = ready_fd
        self._commands = commands or Commands()
        self._asked = options
        self._slots = Slots(on_line=self._on_line, on_death=self._on_death, before=self._before_start)
        self._data_lock: DataLock | None = None

    def run(self) -> int:
        """Start, serve until told to stop, clean up; the exit code."""
        _raise_descriptors()
        try:
            self._run_dir = RunDir()
        except OSError as error:
            log("error", "the directory for sockets and snapshots cannot be created; Asbru did not start", why=error)
            return 1
        self._signals = SignalPipe()
        self._slots.watch(self._signals.reader, self._note_signals)
        self._launch = Launch(self._commands, self._asked, self._run_dir.path)
        self._table = ProcessTable(self._launch.processes)
        self._reloads = Reloads(self._launch, self._run_dir, self._slots, self._table)
        self._checks = Checks(self._launch.check_socket, self._launch.check_command)
        try:
            self._start()
            while not self._slots.stops:
                self._go_on()
            return self._drain()
        except (StartRefusedError, PortTakenError) as refused:
            log("error", str(refused))
            return 0 if self._slots.stops else 1
        finally:
            self._end_now()
            self._run_dir.close()
            self._slots.close()
            self._signals.close()

    # ---- starting

    def _start(self) -> None:
        try:
            outcome = self._reloads.compile().wait()
        except OSError as error:
            raise StartRefusedError(f"the configuration cannot be compiled; Asbru did not start: {error}") from error
        boot = _started_by(outcome)
        self._data_lock = _lock(self._asked.data_dir)
        self._launch.options = self._launch.options._replace(control=boot.control)
        self._reloads.take(boot)
        self._held, host, port = hold_port(boot.host, boot.port)
        self._launch.bound = (host, port)
        self._slots.add(BOOKKEEPER, self._launch.bookkeeper)
        self._reloads.add_served(boot)
        self._start_and_wait()
        if boot.control:  # beside the workers: it takes the longest to start
            self._listen_for_checks()
            self._slots.add(CONTROL, self._launch.control)
        self._reloads.add_tools(boot)
        for index in range(boot.workers):
            self._slots.add(f"worker-{index}", lambda index=index: self._launch.worker(index))
        self._start_and_wait()
        self._announce(boot)

    def _start_and_wait(self) -> None:
        """Start what is not running and wait until all are ready; any that ends before refuses the start."""
        self._slots.fill_new()
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            waiting = [slot for slot in self._slots if slot.child is None or not slot.child.ready]
            if not waiting:
                return
            for slot in waiting:
                if slot.child is None:
                    raise StartRefusedError(f"{slot.name} exited before it was ready; see its last log lines")
            if self._slots.stops:
                raise StartRefusedError("stopped before startup was complete")
            if time.monotonic() > deadline:
                names = ", ".join(slot.name for slot in waiting)
                raise StartRefusedError(f"not ready after {START_TIMEOUT_S:.0f} s: {names}")
            self._slots.turn(TURN_S)

    def _announce(self, boot: Boot) -> None:
        host, port = self._launch.bound
        written = f"[{host}]" if ":" in host else host
        url = f"{'https' if boot.tls_cert else 'http'}://{written}:{port}"
        source = boot.config_file or "built-in defaults"
        workers = "1 worker" if boot.workers == 1 else f"{boot.workers} workers"
        log("info", f"ready: {url} with {workers}, configuration: {source}")
        if boot.config_file is None:
            where = self._launch.options.data_dir / CONFIG_FILE_NAMES[0]
            log("info", f"the model mock/echo needs no provider; to use your own providers and keys, write {where}")
        if boot.open_access:
            log("info", "no virtual keys are configured: every process on this machine may call")
        if self._ready_fd is not None:
            with contextlib.suppress(OSError), os.fdopen(self._ready_fd, "w") as ready:
                ready.write(f"{url}\n")

    # ---- running

    def _go_on(self) -> None:
        """One turn. Whatever goes wrong in it, workers serve, and it does not end them."""
        try:
            self._slots.turn()
            self._slots.keep_running()
            self._keep_checking()
            self._reloads.keep_current()
            self._table.write(self._slots.processes())
        except Exception:  # noqa: BLE001 -- the log is told
            log("error", "a bug, please report it", why=traceback.format_exc())
            time.sleep(TURN_S)

    def _note_signals(self) -> None:
        for number in self._signals.read():
            if number in (signal.SIGTERM, signal.SIGINT):
                self._slots.stops += 1
            elif number == signal.SIGHUP:
                self._reloads.wanted = True

    def _on_line(self, slot: Slot, child: Child, word: str, rest: str) -> None:
        if word == "ready" and slot.follows:
            self._reloads.welcome(child)
        elif word == "reloaded":
            self._reloads.taken(child, rest)
        elif word == "changed":
            self._reloads.wanted = True
        elif word == "refused":
            self._reloads.refused(child, rest)

    def _on_death(self, slot: Slot) -> None:
        # It may have died between storing something and saying so.
        self._reloads.wanted |= slot.name == CONTROL

    def _before_start(self, slot: Slot) -> None:
        self._run_dir.keep()
        if slot.follows and not self._launch.snapshot.exists():
            self._reloads.wanted = True
            raise FileNotFoundError(f"{self._launch.snapshot} is gone")

    def _listen_for_checks(self) -> None:
        if self._checks.listener is not None:
            self._slots.forget(self._checks.listener)
        self._slots.watch(self._checks.open(), self._checks.accept)

    def _keep_checking(self) -> None:
        self._checks.reap()
        if self._checks.vanished:
            self._run_dir.keep()
            self._listen_for_checks()

    # ---- stopping

    def _drain(self) -> int:
        grace_s = self._launch.boot.drain_grace_s
        log("info", f"stopping: calls in flight have {grace_s:g} s to complete")
        self._slots.start_no_more()
        for slot in self._slots:
            if slot.is_worker and slot.child is not None and not (slot.child.ready and slot.child.send("drain")):
                slot.child.signal(signal.SIGTERM)
        self._held.close()
        if not self._slots.wait_for(lambda slot: slot.is_worker, grace_s + DRAIN_EXTRA_S):
            log(
                "warning",
                "some calls did not complete in time"
                if self._slots.stops == 1
                else "second signal received: stopping immediately",
            )
            self._stop_workers()
        limit_s = FLUSH_TIMEOUT_S if self._slots.stops == 1 else END_NOW_TIMEOUT_S
        self._slots.end(lambda slot: slot.name not in (CONTROL, BOOKKEEPER), limit_s)
        self._slots.end(lambda slot: slot.name == CONTROL, limit_s)  # what it still has to store, it can
        self._slots.end(lambda slot: slot.name == BOOKKEEPER, FLUSH_TIMEOUT_S)
        log("info", "stopped")
        return 0

    def _stop_workers(self) -> None:
        """Have workers cut their calls, and write what is to be recorded of them."""
        for slot in self._slots:
            if slot.is_worker and slot.child is not None:
                slot.child.send("stop")
        limit_s = STOP_TIMEOUT_S if self._slots.stops == 1 else END_NOW_TIMEOUT_S
        self._slots.wait_for(lambda slot: slot.is_worker, limit_s, 2)
        self._slots.kill(lambda slot: slot.is_worker)

    def _end_now(self) -> None:
        """Whatever still runs after an error."""
        if any(slot.child is not None for slot in self._slots):
            self._slots.end(lambda _: True, END_NOW_TIMEOUT_S)
        self._reloads.close()
        self._checks.close()
        if self._data_lock is not None:
            self._data_lock.close()


def _started_by(outcome: CompileOutcome) -> Boot:
    """What the first compile process found. Raises `StartRefusedError`."""
    boot = outcome.boot
    if boot is not None and boot.log_format != "text":
        os.environ.setdefault(FORMAT_VARIABLE, boot.log_format)  # for the children too
    outcome.report()
    if outcome.unwritten is not None:
        raise StartRefusedError(f"{outcome.unwritten}; Asbru did not start")
    if boot is None:
        raise StartRefusedError("the configuration is invalid; Asbru did not start")
    return boot


def _lock(data_dir: Path) -> DataLock:
    """The data directory for this gateway alone. Raises `StartRefusedError`."""
    try:
        return DataLock(data_dir)
    except DataDirInUseError as error:
        raise StartRefusedError(f"{error}; Asbru did not start") from None
    except OSError as error:
        raise StartRefusedError(f"{unusable(data_dir, error)}; Asbru did not start") from None


def _raise_descriptors() -> None:
    """As many open files as this user may have, here and in the children: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main(argv: list[str] | None = None, commands: Commands | None = None) -> int:
    """The process's entry; see the module's docstring."""
    given = read_arguments(
        argv, required=("data-dir",), optional=("config", "host", "port", "workers", "ready-fd")
    ).get
    end_with_supervisor()
    config, port, workers, ready_fd = given("config"), given("port"), given("workers"), given("ready-fd")
    options = Options(
        data_dir=Path(given("data-dir", "")),
        config=None if config is None else Path(config),
        host=given("host"),
        port=None if port is None else int(port),
        workers=None if workers is None else int(workers),
    )
    return Supervisor(options, commands, None if ready_fd is None else int(ready_fd)).run()


if __name__ == "__main__":
    sys.exit(main())
