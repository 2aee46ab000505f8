"""The configuration of a running gateway: watched, compiled anew when it changes, handed to the workers.

A changed configuration is taken as a whole, or not at all: what is refused, by the compile process or by a worker,
leaves all as it was. At most one compile process runs at a time. Imports little: the supervisor loads this.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from pathlib import Path

from asbru.app.boot import Boot, CompileJob, CompileOutcome
from asbru.app.children import Child
from asbru.app.launch import TOOLS, Launch
from asbru.app.paths import CONFIG_FILE_NAMES, RunDir, catalogue_file, shown_file
from asbru.app.process_table import ProcessTable
from asbru.app.slots import POLL_INTERVAL_S, Slots
from asbru.app.watch import FileWatch
from asbru.telemetry import log

RELOAD_AGAIN_S = 5.0
END_TIMEOUT_S = 1.0

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


class Reloads:
    """See the module. `wanted`: whether to compile anew though no file has changed."""

    def __init__(self, launch: Launch, run_dir: RunDir, slots: Slots, table: ProcessTable) -> None:
        self.wanted = False
        self._launch = launch
        self._run_dir = run_dir
        self._slots = slots
        self._table = table
        self._watch = FileWatch(())
        self._job: CompileJob | None = None
        self._generation = 0
        self._next_poll_s = 0.0
        self._next_reload_s = 0.0

    def compile(self) -> CompileJob:
        """Start a compile process. Raises OSError."""
        self._generation += 1
        self._run_dir.keep()
        return CompileJob(self._launch.commands.compile, self._launch.options, self._compiled)

    def take(self, boot: Boot) -> None:
        """From now on, start workers by what was compiled last, and watch its files."""
        self._launch.boot = boot
        self._launch.snapshot = self._compiled
        with contextlib.suppress(FileNotFoundError):
            shown_file(self._compiled).replace(self._launch.shown)
            catalogue_file(self._compiled).replace(self._launch.catalogue)
        self._table.serve_by(self._generation)
        self._watch.follow(self._watched(boot))

    @property
    def _compiled(self) -> Path:
        return self._run_dir.path / f"snapshot-{self._generation}.msgpack"

    def _watched(self, boot: Boot) -> list[str]:
        if boot.config_file is not None:
            return [boot.config_file, *boot.watched]
        return [str(self._launch.options.data_dir / name) for name in CONFIG_FILE_NAMES]

    def keep_current(self) -> None:
        """Poll the files each second; at most one compile process at a time."""
        if self._job is not None:
            if self._job.ended():
                job, self._job = self._job, None
                self._take_over(job)
            return
        if time.monotonic() >= self._next_poll_s:
            self._next_poll_s = time.monotonic() + POLL_INTERVAL_S
            self.wanted |= self._watch.poll()
        if self.wanted and time.monotonic() >= self._next_reload_s:
            self.wanted = False
            self._keep_options()
            try:
                self._job = self.compile()
            except OSError as error:
                self._try_again(error)

    def _keep_options(self) -> None:
        boot, options = self._launch.boot, self._launch.options
        if boot.config_file is not None:
            # A file that was used once is asked for by name: were it gone, the defaults would open the door.
            options = options._replace(config=Path(boot.config_file))
        self._launch.options = options._replace(bound=self._launch.bound[0], keeps=boot.declares)

    def _try_again(self, why: object) -> None:
        """A compiled configuration cannot be had now; the change is not forgotten."""
        self.wanted = True
        self._next_reload_s = time.monotonic() + RELOAD_AGAIN_S
        log("error", "the configuration cannot be compiled; the old one stays in use", why=why)

    def _take_over(self, job: CompileJob) -> None:
        try:
            self._swap(job.outcome())
        except OSError as error:
            log("error", "the compiled configuration cannot be read; the old one stays in use", why=error)

    def _swap(self, outcome: CompileOutcome) -> None:
        outcome.report()
        boot = outcome.boot
        if outcome.unwritten is not None:
            self._try_again(outcome.unwritten)
            return
        if boot is None:
            log("error", "the changed configuration is invalid; the old one stays in use")
            self._table.refuse(outcome.errors)
            return
        before = self._launch.boot
        for name, setting in _BOOT_SETTINGS.items():
            if getattr(boot, name) != getattr(before, name):
                log("warning", f"{setting} changed: this is a boot setting and takes effect after a restart")
        self.take(boot._replace(tls_cert=before.tls_cert, tls_key=before.tls_key))
        self.add_served(boot)
        self.add_tools(boot)
        self._slots.fill_new()
        self._tell_all()
        log("info", "configuration reloaded")

    def add_served(self, boot: Boot) -> None:
        """A place for each provider whose server is to run here."""
        for name in boot.served_here:
            if name in self._launch.commands.served:
                self._slots.add(name, lambda name=name: self._launch.served(name))

    def add_tools(self, boot: Boot) -> None:
        """A place for the tools process, from the first MCP server on."""
        if boot.tools:
            self._slots.add(TOOLS, self._launch.tools)

    # ---- workers

    def welcome(self, child: Child) -> None:
        """A worker or the tools process is ready, perhaps by an older snapshot."""
        if child.snapshot != str(self._launch.snapshot):
            self._tell(child)

    def taken(self, child: Child, path: str) -> None:
        """A worker serves by a snapshot: remove those that nobody serves by, and what is beside them, since they hold
        credentials."""
        child.snapshot = path
        current = self._launch.snapshot
        used = {slot.child.snapshot for slot in self._slots if slot.child is not None and slot.follows}
        for beside in self._run_dir.path.glob("snapshot-*"):
            generation, snapshot = int(beside.stem.partition("-")[2]), beside.with_suffix(".msgpack")
            if str(snapshot) not in used and snapshot != current and generation < self._generation:
                beside.unlink(missing_ok=True)

    def refused(self, child: Child, why: str) -> None:
        """What one worker serves by, all do, and those that start later."""
        log("error", f"{child.name} rejected the new configuration and keeps the old one: {why}")
        if child.name == TOOLS:
            return
        if child.snapshot is None or child.snapshot == str(self._launch.snapshot):
            return
        self._launch.snapshot = Path(child.snapshot)
        self._tell_all()

    def _tell_all(self) -> None:
        for child in self._slots.ready_followers():
            self._tell(child)

    def _tell(self, child: Child) -> None:
        if not child.send(f"reload {self._launch.snapshot}"):
            log("error", f"{child.name} does not read its control socket and is restarted")
            child.signal(signal.SIGKILL)

    def close(self) -> None:
        """End a compile process that still runs."""
        if self._job is not None:
            self._job.process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._job.process.wait(END_TIMEOUT_S)
