"""The parent process: compiles, starts the others, keeps them running, reloads, drains. Serves nothing itself.

    python -m asbru.app.supervisor --data-dir DIR [--config FILE] [--host H] [--port P] [--workers N]
                                   [--ready-fd N]

starting -> serving -> draining -> ended. SIGTERM or SIGINT drains (exit 0), a second one ends at once; SIGHUP or a
changed file compiles anew and, when that succeeds, hands the new snapshot to every worker; refused, all goes on as it
was. Exit 1: it could not start. `--ready-fd` gets one line, the URL, once calls are served.
Imports neither pydantic nor YAML nor uvloop: it must stay small for ever.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from asbru.app.arguments import read_arguments
from asbru.app.boot import Boot, CompileJob, CompileOutcome, Options
from asbru.app.children import Child, Commands, how_it_ended
from asbru.app.lifeline import end_with_supervisor
from asbru.app.paths import CONFIG_FILE_NAMES, RunDir, catalogue_file, shown_file
from asbru.app.port import PortTakenError, hold_port
from asbru.app.process_table import Process, ProcessTable
from asbru.app.restarts import Restarts
from asbru.app.signals import SignalPipe
from asbru.app.watch import FileWatch
from asbru.telemetry import log
from asbru.telemetry.log import FORMAT_VARIABLE

START_TIMEOUT_S = 30.0
DRAIN_EXTRA_S = 2.0
BOOKKEEPER_EXTRA_S = 30.0
FLUSH_TIMEOUT_S = 10.0
END_NOW_TIMEOUT_S = 1.0
STOP_TIMEOUT_S = 5.0
"""For a worker to record the calls that it cuts."""
POLL_INTERVAL_S = 1.0
RELOAD_AGAIN_S = 5.0
STOOD_STILL_S = 3 * POLL_INTERVAL_S
HUNG_AFTER_S = 15.0
"""A worker that was not heard of for so long, though it tells that it is alive each second, is replaced."""
_TURN_S = 0.05
_BOOKKEEPER = "bookkeeper"
_CONTROL = "control"


_BOOT_SETTINGS = {
    "host": "listen.host",
    "port": "listen.port",
    "workers": "listen.workers",
    "tls_cert": "listen.tls.cert_file",
    "tls_key": "listen.tls.key_file",
    "control": "control.enabled",
    "log_format": "log.format",
}
"""What of `Boot` a reload does not change, and how it is written."""


class StartRefusedError(Exception):
    """The gateway cannot start; the message says why."""


class _Slot:
    """A place a child fills, again and again. `due_s`: when the next one starts; None while one runs."""

    def __init__(self, name: str, start: Callable[[], Child]) -> None:
        self.name = name
        self.start = start
        self.child: Child | None = None
        self.due_s: float | None = None
        self.restarts = Restarts()

    @property
    def is_worker(self) -> bool:
        return self.name.startswith("worker")


class Supervisor:
    """One run of the gateway. `run` is called once."""

    def __init__(self, options: Options, commands: Commands | None = None, ready_fd: int | None = None) -> None:
        self._ready_fd = ready_fd
        self._commands = commands or Commands()
        self._asked = options
        self._selector = selectors.DefaultSelector()
        self._slots: list[_Slot] = []
        self._stops = 0
        self._wants_reload = False
        self._job: CompileJob | None = None
        self._generation = 0
        self._next_poll_s = 0.0
        self._next_reload_s = 0.0
        self._looked_s = time.monotonic()
        self._started_ms = int(time.time() * 1000)

    def run(self) -> int:
        """Start, serve until told to stop, clean up; the exit code."""
        _raise_descriptors()
        self._signals = SignalPipe()
        self._selector.register(self._signals.reader, selectors.EVENT_READ, None)
        self._run_dir = RunDir()
        run_dir = self._run_dir.path
        sockets = {"mock_socket": str(run_dir / "mock.sock"), "control_socket": str(self._control_socket)}
        self._options = self._asked._replace(**sockets)
        self._table = ProcessTable(self._processes)
        try:
            self._start()
            while not self._stops:
                self._go_on()
            return self._drain()
        except (StartRefusedError, PortTakenError) as refused:
            log("error", str(refused))
            return 0 if self._stops else 1
        finally:
            self._end_now()
            self._run_dir.close()
            self._selector.close()
            self._signals.close()

    # ---- starting

    def _start(self) -> None:
        outcome = self._compile().wait()
        boot = outcome.boot
        if boot is not None and boot.log_format != "text":
            os.environ.setdefault(FORMAT_VARIABLE, boot.log_format)  # for the children too
        outcome.report()
        if boot is None:
            raise StartRefusedError("the configuration is invalid; Asbru did not start")
        self._boot = boot
        self._options = self._options._replace(control=boot.control)
        self._snapshot = self._take_snapshot()
        self._watch = FileWatch(self._watched(boot))
        self._held, self._host, self._port = hold_port(boot.host, boot.port)
        self._add_helpers(boot)
        self._start_and_wait()
        if boot.control:  # beside the workers: it takes the longest to start
            self._slots.append(_Slot(_CONTROL, self._new_control))
        for index in range(boot.workers):
            self._slots.append(_Slot(f"worker-{index}", lambda index=index: self._new_worker(index)))
        self._start_and_wait()
        self._announce(boot)

    def _add_helpers(self, boot: Boot) -> None:
        self._slots.append(_Slot(_BOOKKEEPER, self._new_bookkeeper))
        for name in boot.served_here:
            self._add_served(name)

    def _add_served(self, name: str) -> None:
        if name in self._commands.served and not any(slot.name == name for slot in self._slots):
            self._slots.append(_Slot(name, lambda: self._new_served(name)))

    @property
    def _control_socket(self) -> Path:
        return self._run_dir.path / "control.sock"

    @property
    def _shown(self) -> Path:
        """What the configuration that is served by declares, for the control process."""
        return self._run_dir.path / "shown.json"

    @property
    def _catalogue(self) -> Path:
        """The models of the providers that are served, likewise."""
        return self._run_dir.path / "catalogue.msgpack"

    @property
    def _processes(self) -> Path:
        """The processes, likewise."""
        return self._run_dir.path / "processes.json"

    def _running(self) -> Iterator[Process]:
        yield Process("supervisor", os.getpid(), self._started_ms, "ready")
        for slot in self._slots:
            child = slot.child
            if child is None:
                yield Process(slot.name, 0, 0, "down")
            else:
                yield Process(slot.name, child.process.pid, child.started_ms, "ready" if child.ready else "starting")

    def _new_bookkeeper(self) -> Child:
        # Workers that this process leaves behind need it for as long as their calls may last.
        drain_s = self._boot.drain_grace_s + BOOKKEEPER_EXTRA_S
        command = [*self._commands.bookkeeper, "--drain-s", f"{drain_s:g}"]
        return self._new_helper(
            _BOOKKEEPER, command, self._run_dir.path / "book.sock", self._commands.helper_variables
        )

    def _new_control(self) -> Child:
        run_dir = self._run_dir.path
        command = [*self._commands.control, "--bookkeeper", str(run_dir / "book.sock")]
        command += ["--shown", str(self._shown), "--catalogue", str(self._catalogue)]
        command += ["--processes", str(self._processes), "--tls", str(self._boot.tls_cert is not None)]
        command += ["--check", json.dumps([*self._commands.compile, *self._options.argv(), "--check"])]
        # It checks configurations, which refer to any variable.
        return self._new_helper(_CONTROL, command, self._control_socket, ("*",))

    def _new_helper(self, name: str, command: Sequence[str], path: Path, variables: tuple[str, ...]) -> Child:
        path.unlink(missing_ok=True)
        argv = [*command, "--socket", str(path), "--data-dir", str(self._options.data_dir)]
        child = Child(name, argv, wants_control=False, socket_path=path, variables=variables)
        child.lower_priority()
        return child

    def _new_served(self, name: str) -> Child:
        path = self._run_dir.path / f"{name}.sock"
        path.unlink(missing_ok=True)
        argv = [*self._commands.served[name], "--socket", str(path)]
        variables = self._commands.helper_variables
        return Child(name, argv, wants_control=False, socket_path=path, variables=variables)

    def _new_worker(self, index: int) -> Child:
        argv = [*self._commands.worker, "--snapshot", str(self._snapshot)]
        argv += ["--bookkeeper", str(self._run_dir.path / "book.sock"), "--index", str(index)]
        argv += ["--host", self._host, "--port", str(self._port)]
        if self._boot.tls_cert and self._boot.tls_key:
            argv += ["--tls-cert", self._boot.tls_cert, "--tls-key", self._boot.tls_key]
        child = Child(f"worker-{index}", argv, wants_control=True)
        child.snapshot = str(self._snapshot)
        return child

    def _start_and_wait(self) -> None:
        """Start what is not running and wait until all are ready; any that ends before refuses the start."""
        for slot in self._slots:
            if slot.child is None:
                self._fill(slot)
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            waiting = [slot for slot in self._slots if slot.child is None or not slot.child.ready]
            if not waiting:
                return
            for slot in waiting:
                if slot.child is None:
                    raise StartRefusedError(f"{slot.name} exited before it was ready; see its last log lines")
            if self._stops:
                raise StartRefusedError("stopped before startup was complete")
            if time.monotonic() > deadline:
                names = ", ".join(slot.name for slot in waiting)
                raise StartRefusedError(f"not ready after {START_TIMEOUT_S:.0f} s: {names}")
            self._turn(_TURN_S)

    def _announce(self, boot: Boot) -> None:
        host = f"[{self._host}]" if ":" in self._host else self._host
        url = f"{'https' if boot.tls_cert else 'http'}://{host}:{self._port}"
        source = boot.config_file or "built-in defaults"
        workers = "1 worker" if boot.workers == 1 else f"{boot.workers} workers"
        log("info", f"ready: {url} with {workers}, configuration: {source}")
        if boot.config_file is None:
            where = self._options.data_dir / CONFIG_FILE_NAMES[0]
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
            self._turn()
            self._end_hung()
            self._keep_running()
            self._keep_current()
            self._table.write(self._running())
        except Exception:  # noqa: BLE001 -- the log is told
            log("error", "a bug, please report it", why=traceback.format_exc())
            time.sleep(_TURN_S)

    def _turn(self, longest_s: float = POLL_INTERVAL_S) -> None:
        """Wait for something to happen, at most so long, and take note of it."""
        due = [slot.due_s for slot in self._slots if slot.due_s is not None]
        wait_s = min([longest_s, *(moment - time.monotonic() for moment in due)])
        for key, _ in self._selector.select(max(wait_s, 0.0)):
            slot: _Slot | None = key.data
            if slot is None:
                self._note_signals()
            elif slot.child is not None:
                self._hear(slot, slot.child)
        for slot in self._slots:
            if slot.child is not None:
                if not slot.child.ready and slot.child.check_socket():
                    slot.child.ready = True
                if slot.child.process.poll() is not None:
                    self._bury(slot, slot.child)

    def _note_signals(self) -> None:
        for number in self._signals.read():
            if number in (signal.SIGTERM, signal.SIGINT):
                self._stops += 1
            elif number == signal.SIGHUP:
                self._wants_reload = True

    def _hear(self, slot: _Slot, child: Child) -> None:
        lines = child.read_lines()
        if lines is None:
            self._mute(child)
            return
        for line in lines:
            word, _, rest = line.partition(" ")
            if word in ("alive", "writing"):
                child.heard_s = time.monotonic()
                child.writes = word == "writing"
            elif word == "ready":
                child.ready = True
                if slot.is_worker and child.snapshot != str(self._snapshot):
                    self._tell_snapshot(child)
            elif word == "reloaded":
                child.snapshot = rest
                self._forget_old_snapshots()
            elif word == "changed":
                self._wants_reload = True
            elif word == "refused":
                log("error", f"{slot.name} rejected the new configuration and keeps the old one: {rest}")
                self._go_back(child)

    def _mute(self, child: Child) -> None:
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(child.channel)

    def _fill(self, slot: _Slot) -> None:
        slot.due_s = None
        try:
            self._run_dir.keep()
            if slot.is_worker and not self._snapshot.exists():
                self._wants_reload = True
                raise FileNotFoundError(f"{self._snapshot} is gone")
            slot.child = slot.start()
        except OSError as error:
            log("error", f"{slot.name} cannot be started: {error}")
            slot.due_s = time.monotonic() + slot.restarts.pause_s(0.0)
            return
        self._selector.register(slot.child.channel, selectors.EVENT_READ, slot)

    def _bury(self, slot: _Slot, child: Child) -> None:
        lived_s = time.monotonic() - child.started_s
        self._mute(child)
        child.close()
        slot.child = None
        if self._stops and child.process.returncode == 0:
            return
        # It may have died between storing something and saying so.
        self._wants_reload |= slot.name == _CONTROL
        pause_s = slot.restarts.pause_s(lived_s)
        slot.due_s = time.monotonic() + pause_s
        log("error", f"{slot.name} (pid {child.process.pid}) {how_it_ended(child.process.returncode)}")

    def _end_hung(self) -> None:
        """End workers that do nothing any more: they are started anew. After a time in which this process stood still
        itself (a frozen container), they have as long as ever."""
        now_s = time.monotonic()
        stood_still, self._looked_s = now_s - self._looked_s > STOOD_STILL_S, now_s
        for slot in self._slots:
            child = slot.child
            if child is None or child.heard_s is None:
                continue
            if stood_still:
                child.heard_s = now_s
            elif now_s - child.heard_s > HUNG_AFTER_S:
                log("error", f"{slot.name} (pid {child.process.pid}) has not responded for {HUNG_AFTER_S:g} s")
                child.signal(signal.SIGKILL)
                child.heard_s = None

    def _keep_running(self) -> None:
        for slot in self._slots:
            if slot.child is None and slot.due_s is not None and time.monotonic() >= slot.due_s:
                self._fill(slot)
                if slot.child is not None:
                    log("warning", f"{slot.name} restarted (pid {slot.child.process.pid})")

    # ---- configuration

    def _watched(self, boot: Boot) -> list[str]:
        if boot.config_file is not None:
            return [boot.config_file, *boot.watched]
        return [str(self._options.data_dir / name) for name in CONFIG_FILE_NAMES]

    def _compile(self) -> CompileJob:
        self._generation += 1
        self._run_dir.keep()
        out = self._run_dir.path / f"snapshot-{self._generation}.msgpack"
        return CompileJob(self._commands.compile, self._options, out)

    def _take_snapshot(self) -> Path:
        snapshot = self._run_dir.path / f"snapshot-{self._generation}.msgpack"
        with contextlib.suppress(FileNotFoundError):
            shown_file(snapshot).replace(self._shown)
            catalogue_file(snapshot).replace(self._catalogue)
        self._table.serve_by(self._generation)
        return snapshot

    def _keep_current(self) -> None:
        """Poll the files each second; at most one compile process at a time."""
        if self._job is not None:
            if self._job.ended():
                job, self._job = self._job, None
                self._take_over(job)
            return
        if time.monotonic() >= self._next_poll_s:
            self._next_poll_s = time.monotonic() + POLL_INTERVAL_S
            self._wants_reload |= self._watch.poll()
        if self._wants_reload and time.monotonic() >= self._next_reload_s:
            self._wants_reload = False
            if self._boot.config_file is not None:
                # A file that was used once is asked for by name: were it gone, the defaults would open the door.
                self._options = self._options._replace(config=Path(self._boot.config_file))
            self._options = self._options._replace(bound=self._host, keeps=self._boot.declares)
            try:
                self._job = self._compile()
            except OSError as error:
                self._wants_reload = True  # it is not forgotten
                self._next_reload_s = time.monotonic() + RELOAD_AGAIN_S
                log("error", "the configuration cannot be compiled; the old one stays in use", why=error)

    def _take_over(self, job: CompileJob) -> None:
        try:
            self._swap(job.outcome())
        except OSError as error:
            log("error", "the compiled configuration cannot be read; the old one stays in use", why=error)

    def _swap(self, outcome: CompileOutcome) -> None:
        outcome.report()
        boot = outcome.boot
        if boot is None:
            log("error", "the changed configuration is invalid; the old one stays in use")
            self._table.refuse(outcome.errors)
            return
        self._warn_about_boot(boot)
        self._boot = boot._replace(tls_cert=self._boot.tls_cert, tls_key=self._boot.tls_key)
        self._snapshot = self._take_snapshot()
        self._watch.follow(self._watched(boot))
        for name in boot.served_here:
            self._add_served(name)
        for slot in self._slots:
            if slot.child is None and slot.due_s is None:
                self._fill(slot)
            elif slot.is_worker and slot.child is not None and slot.child.ready:
                self._tell_snapshot(slot.child)
        log("info", "configuration reloaded")

    def _warn_about_boot(self, boot: Boot) -> None:
        for name, setting in _BOOT_SETTINGS.items():
            if getattr(boot, name) != getattr(self._boot, name):
                log("warning", f"{setting} changed: this is a boot setting and takes effect after a restart")

    def _tell_snapshot(self, child: Child) -> None:
        if not child.send(f"reload {self._snapshot}"):
            log("error", f"{child.name} does not read its control socket and is restarted")
            child.signal(signal.SIGKILL)

    def _go_back(self, child: Child) -> None:
        """What one worker serves by, all do, and those that start later."""
        if child.snapshot is None or child.snapshot == str(self._snapshot):
            return
        self._snapshot = Path(child.snapshot)
        for slot in self._slots:
            if slot.is_worker and slot.child is not None and slot.child.ready:
                self._tell_snapshot(slot.child)

    def _forget_old_snapshots(self) -> None:
        """Remove the snapshots nobody serves by, and what is beside them: they hold credentials."""
        used = {slot.child.snapshot for slot in self._slots if slot.child is not None and slot.is_worker}
        for path in self._run_dir.path.glob("snapshot-*"):
            generation, snapshot = int(path.stem.partition("-")[2]), path.with_suffix(".msgpack")
            if str(snapshot) not in used and snapshot != self._snapshot and generation < self._generation:
                path.unlink(missing_ok=True)

    # ---- stopping

    def _drain(self) -> int:
        grace_s = self._boot.drain_grace_s
        log("info", f"stopping: calls in flight have {grace_s:g} s to complete")
        for slot in self._slots:
            slot.due_s = None
            if slot.is_worker and slot.child is not None and not (slot.child.ready and slot.child.send("drain")):
                slot.child.signal(signal.SIGTERM)
        self._held.close()
        if not self._wait_for(lambda slot: slot.is_worker, grace_s + DRAIN_EXTRA_S):
            log(
                "warning",
                "some calls did not complete in time"
                if self._stops == 1
                else "second signal received: stopping immediately",
            )
            self._stop_workers()
        limit_s = FLUSH_TIMEOUT_S if self._stops == 1 else END_NOW_TIMEOUT_S
        self._end_helpers(lambda slot: slot.name not in (_CONTROL, _BOOKKEEPER), limit_s)
        self._end_helpers(lambda slot: slot.name == _CONTROL, limit_s)  # what it still has to store, it can
        self._end_helpers(lambda slot: slot.name == _BOOKKEEPER, FLUSH_TIMEOUT_S)
        log("info", "stopped")
        return 0

    def _stop_workers(self) -> None:
        """Have workers cut their calls, and write what is to be recorded of them."""
        for slot in self._slots:
            if slot.is_worker and slot.child is not None:
                slot.child.send("stop")
        self._wait_for(lambda slot: slot.is_worker, STOP_TIMEOUT_S if self._stops == 1 else END_NOW_TIMEOUT_S, 2)
        self._kill(lambda slot: slot.is_worker)

    def _end_helpers(self, role: Callable[[_Slot], bool], limit_s: float) -> None:
        for slot in self._slots:
            if slot.child is not None and role(slot):
                slot.child.signal(signal.SIGTERM)
        self._wait_for(role, limit_s, stops_max=2)
        self._kill(role)

    def _wait_for(self, role: Callable[[_Slot], bool], limit_s: float, stops_max: int = 1) -> bool:
        """Whether all of a role ended within the limit, or a little after those that write have last said so; cut short
        by one more signal."""
        deadline = time.monotonic() + limit_s
        while waited_for := [slot.child for slot in self._slots if slot.child is not None and role(slot)]:
            heard = [
                child.heard_s + DRAIN_EXTRA_S for child in waited_for if child.writes and child.heard_s is not None
            ]
            if time.monotonic() >= max([deadline, *heard]) or self._stops > stops_max:
                return False
            self._turn(_TURN_S)
            for slot in self._slots:
                slot.due_s = None
        return True

    def _kill(self, role: Callable[[_Slot], bool]) -> None:
        for slot in self._slots:
            child = slot.child
            if child is not None and role(slot):
                child.signal(signal.SIGKILL)
                child.process.wait()
                self._mute(child)
                child.close()
                slot.child = None

    def _end_now(self) -> None:
        """Whatever still runs after an error."""
        if any(slot.child is not None for slot in self._slots):
            self._end_helpers(lambda _: True, END_NOW_TIMEOUT_S)
        if self._job is not None:
            self._job.process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._job.process.wait(END_NOW_TIMEOUT_S)


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
