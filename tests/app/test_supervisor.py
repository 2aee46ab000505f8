"""The supervisor over real processes, with stand-ins for the worker, the bookkeeper and the mock."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fakes.processes import WAIT_S, Gateway, is_alive, wait_until

from asbru.app.snapshot import read_snapshot

KEY = "virtual_keys: [{name: a, value: sk-asb-0123456789abcdef}]\n"


def test_starts_everything_and_drains_on_sigterm(tmp_path: Path) -> None:
    """Bookkeeper and mock first, then the workers; SIGTERM drains them, the bookkeeper goes last; exit 0."""
    with Gateway(tmp_path, "listen: {workers: 2}\nproviders: {mock: }\n") as gateway:
        gateway.wait_ready()
        assert gateway.end() == 0
        assert len(gateway.events("drain")) == 2
        assert gateway.journal.read_text().splitlines()[-1] == "bookkeeper end"
        starts = [line.split()[0] for line in gateway.events(" start ")]
        assert set(starts[:2]) == {"bookkeeper", "mock"}
        assert set(starts[2:]) == {"worker-0", "worker-1"}


def test_descriptors_are_raised(tmp_path: Path) -> None:
    """Workers may open as many files as the user may, whatever the soft limit was."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    try:
        with Gateway(tmp_path) as gateway:
            gateway.wait_ready()
            assert resource.prlimit(gateway.pids("worker-0")[0], resource.RLIMIT_NOFILE) == (hard, hard)
            assert gateway.end() == 0
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_bookkeeper_is_nice(tmp_path: Path) -> None:
    """The bookkeeper runs with a lower priority than the workers."""
    with Gateway(tmp_path) as gateway:
        gateway.wait_ready()
        pid = gateway.pids("bookkeeper")[0]
        assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0) + 10
        assert gateway.end() == 0


def test_control_process_is_one_of_the_family(tmp_path: Path) -> None:
    """Where it is enabled it is started with a low priority, started again, and ended last but the bookkeeper."""
    with Gateway(tmp_path, "listen: {workers: 2}\ncontrol: {enabled: true}\nproviders: {mock: }\n") as gateway:
        gateway.wait_ready()
        pid = gateway.pids("control")[0]
        assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0) + 10
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: gateway.said("control restarted"), "another")
        wait_until(lambda: len(gateway.pids("control")) == 2, "its line")
        assert gateway.end() == 0
        ends = [line for line in gateway.journal.read_text().splitlines() if line.endswith((" end", " drain False"))]
        assert set(ends[:2]) == {"worker-0 drain False", "worker-1 drain False"}
        assert ends[2:] == ["mock end", "control end", "bookkeeper end"]


@pytest.mark.parametrize("enabled", [True, False])
def test_control_is_a_boot_setting(tmp_path: Path, enabled: bool) -> None:
    """Switched in the file of a running gateway it is told to wait; the process and its prefixes stay as they are."""
    with Gateway(tmp_path, f"{KEY}control: {{enabled: {enabled}}}\n".lower()) as gateway:
        gateway.wait_ready()
        gateway.config.write_text(f"{KEY}control: {{enabled: {not enabled}}}\n".lower())
        wait_until(lambda: gateway.said("control.enabled changed: this is a boot setting"), "the warning")
        wait_until(lambda: gateway.events("worker-0 reload True"), "the reload")
        run_dir = run_dir_of(gateway)
        forwards = read_snapshot((run_dir / "snapshot-2.msgpack").read_bytes()).forwards
        expected = [("/api", str(run_dir / "control.sock")), ("/ui", str(run_dir / "control.sock"))]
        assert [(one.prefix, one.unix_socket) for one in forwards] == (expected if enabled else [])
        assert len(gateway.pids("control")) == enabled
        assert gateway.end() == 0


def test_helpers_are_not_given_the_keys_of_providers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bookkeeper, mock and control process have no use for the credentials in the environment, and do not inherit
    them; the key that seals is the control process's alone."""
    monkeypatch.setenv("SOME_PROVIDER_KEY", "sk-from-the-environment")
    monkeypatch.setenv("ASBRU_SEAL_KEY", "c2VhbA==")
    with Gateway(tmp_path, "control: {enabled: true}\nproviders: {mock: }\n") as gateway:
        gateway.wait_ready()
        for role in ("bookkeeper", "mock", "control"):
            given = Path(f"/proc/{gateway.pids(role)[0]}/environ").read_bytes()
            assert b"sk-from-the-environment" not in given
            assert (b"ASBRU_SEAL_KEY" in given) == (role == "control")
            assert b"ASBRU_SUPERVISOR_PID=" in given and b"PATH=" in given
        assert gateway.end() == 0


def test_the_whole_log_is_json_where_it_is_asked_for(tmp_path: Path) -> None:
    """`log.format: json` is a boot setting: the supervisor's own lines are objects, and the children are told."""
    with Gateway(tmp_path, f"{KEY}log: {{format: json}}\n") as gateway:
        gateway.wait_ready()
        pid = gateway.pids("worker-0")[0]
        assert b"ASBRU_LOG_FORMAT=json" in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        gateway.config.write_text(f"{KEY}log: {{format: text, access: true}}\n")
        wait_until(lambda: gateway.said("log.format changed: this is a boot setting"), "the warning")
        assert gateway.said('"event": "ready: http')
        assert gateway.end() == 0


def test_dead_children_are_replaced(tmp_path: Path) -> None:
    """A worker and a bookkeeper killed by hand come back, with the current snapshot."""
    with Gateway(tmp_path) as gateway:
        gateway.wait_ready()
        os.kill(gateway.pids("worker-0")[0], signal.SIGKILL)
        wait_until(lambda: len(gateway.pids("worker-0")) == 2, "a new worker")
        os.kill(gateway.pids("bookkeeper")[0], signal.SIGKILL)
        wait_until(lambda: len(gateway.pids("bookkeeper")) == 2, "a new bookkeeper")
        wait_until(lambda: gateway.said("worker-0 restarted"), "the log line")
        assert gateway.said("was terminated by SIGKILL")
        assert gateway.end() == 0


def run_dir_of(gateway: Gateway) -> Path:
    """Where its sockets and snapshots are."""
    command = Path(f"/proc/{gateway.pids('worker-0')[0]}/cmdline").read_text().split("\0")
    return Path(command[command.index("--snapshot") + 1]).parent


def compiled_in(run_dir: Path) -> dict[str, int]:
    """Snapshots and what is beside them, with their modes."""
    found: dict[str, int] = {}
    for path in sorted(run_dir.glob("snapshot-*")):
        with contextlib.suppress(FileNotFoundError):  # removed since it was listed
            found[path.name] = path.stat().st_mode & 0o777
    return found


def test_changed_file_reaches_the_workers(tmp_path: Path) -> None:
    """A changed configuration becomes a new snapshot with its feed, present when the worker is told; the old ones are
    removed."""
    with Gateway(tmp_path, KEY) as gateway:
        gateway.wait_ready()
        assert compiled_in(run_dir_of(gateway)) == {"snapshot-1.feed": 0o600, "snapshot-1.msgpack": 0o600}
        gateway.config.write_text(KEY + "cors_origins: ['https://a.example']\n")
        wait_until(lambda: gateway.events("worker-0 reload True"), "the reload")
        wait_until(lambda: gateway.said("configuration reloaded"), "the log line")
        after = {"snapshot-2.feed": 0o600, "snapshot-2.msgpack": 0o600}
        wait_until(lambda: compiled_in(run_dir_of(gateway)) == after, "the old ones' end")
        assert gateway.end() == 0


def test_symlink_swap_is_seen(tmp_path: Path) -> None:
    """A configuration mounted as a symlink is reloaded when the link points elsewhere."""
    (tmp_path / "one.yaml").write_text(KEY)
    (tmp_path / "two.yaml").write_text(KEY)
    (tmp_path / "config.yaml").symlink_to("one.yaml")
    with Gateway(tmp_path) as gateway:
        gateway.wait_ready()
        (tmp_path / "next").symlink_to("two.yaml")
        (tmp_path / "next").replace(tmp_path / "config.yaml")
        wait_until(lambda: gateway.events("worker-0 reload True"), "the reload")


def test_sighup_reloads(tmp_path: Path) -> None:
    """SIGHUP compiles anew without a change of the file."""
    with Gateway(tmp_path, KEY) as gateway:
        gateway.wait_ready()
        gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: gateway.events("worker-0 reload True"), "the reload")


def test_bad_change_is_refused_whole(tmp_path: Path) -> None:
    """A bad change is logged with its errors, no worker hears of it, and a later good one is taken."""
    with Gateway(tmp_path, KEY) as gateway:
        gateway.wait_ready()
        gateway.config.write_text(KEY + "fallback: []\n")
        wait_until(lambda: gateway.said("the old one stays in use"), "the refusal")
        assert gateway.said("did you mean 'fallbacks'?")
        assert gateway.events("reload") == []
        gateway.config.write_text(KEY + "fallbacks: []\n")
        wait_until(lambda: gateway.events("worker-0 reload True"), "the reload")


def test_vanished_file_does_not_open_the_gateway(tmp_path: Path) -> None:
    """A configuration found in the data directory that vanishes is refused: defaults would have no keys."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "config.yaml").write_text(KEY)
    gateway = Gateway(tmp_path, KEY)
    with gateway:
        gateway.wait_ready()
        gateway.config.unlink()
        wait_until(lambda: gateway.said("the old one stays in use"), "the refusal")


def test_a_file_that_was_cut_short_changes_nothing(tmp_path: Path) -> None:
    """Truncated, or without its keys, on a public address: no worker hears of it."""
    public = "listen: {host: 0.0.0.0}\nproviders: {mock: }\n"
    with Gateway(tmp_path, public + KEY) as gateway:
        gateway.wait_ready()
        gateway.config.write_text("")
        wait_until(lambda: gateway.said("the file is empty; restart"), "the first refusal")
        gateway.config.write_text(public.replace("0.0.0.0", "127.0.0.1"))
        wait_until(lambda: gateway.said("virtual_keys: the file has none any more"), "the second refusal")
        assert gateway.events("reload") == []
        assert gateway.end() == 0


def test_worker_that_refuses_keeps_running(tmp_path: Path) -> None:
    """A worker's refusal of a snapshot is logged and ends nothing."""
    with Gateway(tmp_path, KEY, behaviour="refuses") as gateway:
        gateway.wait_ready()
        gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: gateway.said("worker-0 rejected the new configuration"), "the log line")
        assert len(gateway.pids("worker-0")) == 1
        assert gateway.end() == 0


def test_kill_minus_nine_leaves_no_orphans(tmp_path: Path) -> None:
    """The children of a supervisor that was killed end by themselves."""
    with Gateway(tmp_path, "providers: {mock: }\n") as gateway:
        gateway.wait_ready()
        pids = [*gateway.pids("worker-0"), *gateway.pids("bookkeeper"), *gateway.pids("mock")]
        assert len(pids) == 3
        gateway.process.kill()
        wait_until(lambda: not any(is_alive(pid) for pid in pids), "the children's end")


def test_a_process_that_hangs_is_replaced(tmp_path: Path) -> None:
    """A worker or control process that has said that it lives, and then nothing, is killed and started anew; one that
    says so stays."""
    with Gateway(tmp_path, "control: {enabled: true}\n", behaviour="silent") as gateway:
        gateway.wait_ready()
        wait_until(lambda: len(gateway.pids("worker-0")) == 2, "a new worker")
        wait_until(lambda: len(gateway.pids("control")) == 2, "a new control process")
        assert gateway.said("has not responded for 2 s") and gateway.said("was terminated by SIGKILL")
    (tmp_path / "other").mkdir()
    with Gateway(tmp_path / "other", behaviour="alive") as gateway:
        gateway.wait_ready()
        first = gateway.pids("worker-0")[0]
        os.kill(first, signal.SIGSTOP)
        wait_until(lambda: len(gateway.pids("worker-0")) == 2, "a new worker")
        assert not is_alive(first)


def test_a_run_directory_that_is_gone_is_made_anew(tmp_path: Path) -> None:
    """Somebody removes it: the supervisor lives, compiles again, and starts workers by what it compiled."""
    with Gateway(tmp_path, KEY) as gateway:
        gateway.wait_ready()
        shutil.rmtree(run_dir_of(gateway))
        os.kill(gateway.pids("worker-0")[0], signal.SIGKILL)
        wait_until(lambda: len(gateway.pids("worker-0")) == 2, "a new worker")
        assert gateway.process.poll() is None and not gateway.said("Traceback")
        assert gateway.end() == 0


@pytest.mark.parametrize("role", ["control", "mock"])
def test_a_socket_that_is_gone_is_made_anew(tmp_path: Path, role: str) -> None:
    """Somebody removes the socket of a helper: it is started anew, and listens at it again."""
    with Gateway(tmp_path, f"{KEY}control: {{enabled: true}}\nproviders: {{mock: }}\n") as gateway:
        gateway.wait_ready()
        path = run_dir_of(gateway) / f"{role}.sock"
        path.unlink()
        wait_until(lambda: len(gateway.pids(role)) == 2, "another")
        wait_until(path.exists, "its socket")
        assert len([line for line in gateway.log.read_text().splitlines() if "was removed" in line]) == 1
        checks = run_dir_of(gateway) / "check.sock"
        checks.unlink()
        wait_until(checks.exists, "the socket for checks")
        assert gateway.end() == 0 and not gateway.said("Traceback")


def test_a_full_run_directory_refuses_the_start_in_one_line(tmp_path: Path) -> None:
    """No room for what is compiled: the log says where, once, without a traceback; exit 1."""
    with Gateway(tmp_path, KEY, behaviour="full") as gateway:
        assert gateway.process.wait(WAIT_S) == 1
        (line,) = gateway.log.read_text().splitlines()
        assert "is full, or cannot be written to; Asbru did not start" in line


def test_a_run_directory_that_becomes_full_changes_nothing(tmp_path: Path) -> None:
    """A changed file that cannot be compiled for want of room waits, in one line; nothing half done is left."""
    with Gateway(tmp_path, KEY) as gateway:
        gateway.wait_ready()
        full = gateway.data_dir / "full"
        full.touch()
        gateway.config.write_text(KEY + "cors_origins: ['https://a.example']\n")
        wait_until(lambda: gateway.said("the old one stays in use"), "the log line")
        assert gateway.said("is full") and not gateway.said("invalid")
        assert list(compiled_in(run_dir_of(gateway))) == ["snapshot-1.feed", "snapshot-1.msgpack"]
        full.unlink()
        wait_until(lambda: gateway.events("worker-0 reload True"), "the reload")
        assert gateway.end() == 0 and not gateway.said("Traceback")


def test_a_compile_that_cannot_start_is_tried_again(tmp_path: Path) -> None:
    """No process can be had: a line says so, the workers go on, and the change is not forgotten."""
    with Gateway(tmp_path, KEY) as gateway:
        gateway.wait_ready()
        pid = gateway.process.pid
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, hard))
        gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: gateway.said("the configuration cannot be compiled"), "the log line")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
        wait_until(lambda: gateway.events("worker-0 reload True"), "the reload")
        assert gateway.end() == 0 and not gateway.said("Traceback")


def test_second_signal_ends_at_once(tmp_path: Path) -> None:
    """A worker that does not drain is killed on the second signal, long before its grace is over."""
    with Gateway(tmp_path, behaviour="hangs") as gateway:
        gateway.wait_ready()
        gateway.process.send_signal(signal.SIGTERM)
        wait_until(lambda: gateway.events("drain"), "the drain")
        assert gateway.end(signal.SIGINT) == 0
        assert gateway.said("second signal received")


def test_drain_is_bounded(tmp_path: Path) -> None:
    """A worker that does not drain is killed after the grace and two seconds."""
    with Gateway(tmp_path, "limits: {drain_grace_s: 0}\n", behaviour="hangs") as gateway:
        gateway.wait_ready()
        assert gateway.end() == 0
        assert gateway.said("some calls did not complete in time")


def test_failed_start_says_why(tmp_path: Path) -> None:
    """A worker that dies before it is ready refuses the start: its reason on stderr, exit 1, nothing left."""
    with Gateway(tmp_path, behaviour="dies") as gateway:
        assert gateway.process.wait(WAIT_S) == 1
        assert gateway.said("this is why")
        assert gateway.said("worker-0 exited before it was ready")
        assert not any(is_alive(pid) for pid in gateway.pids("bookkeeper"))


def test_bad_configuration_does_not_start(tmp_path: Path) -> None:
    """All errors of a bad file are printed, nothing is started, exit 1."""
    with Gateway(tmp_path, "provider: {}\nlimit: {}\n") as gateway:
        assert gateway.process.wait(WAIT_S) == 1
        assert gateway.said("line 1: provider: unknown key")
        assert gateway.said("line 2: limit: unknown key")
        assert gateway.journal.read_text() == ""


def test_taken_port_is_a_clear_error(tmp_path: Path) -> None:
    """A port somebody listens on, even with SO_REUSEPORT, is named; exit 1."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with Gateway(tmp_path, port=port) as gateway:
            assert gateway.process.wait(WAIT_S) == 1
            assert gateway.said(f"cannot listen on 127.0.0.1 port {port}: Address already in use")


def test_a_data_directory_has_one_gateway(tmp_path: Path) -> None:
    """A second one is refused while the first runs, by its process; it starts once the first has been killed."""
    with Gateway(tmp_path) as first:
        first.wait_ready()
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "data").symlink_to(first.data_dir)
        with Gateway(tmp_path / "other") as second:
            assert second.process.wait(WAIT_S) == 1
            assert second.said(f"is in use by another gateway (process {first.process.pid})")
            assert second.journal.read_text() == ""
        first.process.kill()
        first.process.wait(WAIT_S)
        with Gateway(tmp_path / "other") as third:
            third.wait_ready()
            assert third.end() == 0


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """It is no mistake of the configuration: the message names the directory, the reason and what to do; exit 1."""
    (tmp_path / "data").write_text("a file")
    with Gateway(tmp_path) as gateway:
        assert gateway.process.wait(WAIT_S) == 1
        assert gateway.said(f"the data directory {gateway.data_dir} cannot be used: File exists; make it writable")
        assert not gateway.said("configuration")


def test_generated_key_is_shown_once(tmp_path: Path) -> None:
    """Listening to the world without keys shows a generated key at the first start and never again."""
    for shown in (True, False):
        with Gateway(tmp_path, "listen: {host: 0.0.0.0}\n") as gateway:
            gateway.wait_ready()
            said = re.search(r"shown only once: sk-asb-[\w-]{32}\n", gateway.log.read_text())
            assert (said is not None) is shown
            assert gateway.end() == 0
    assert b"sk-asb-" not in b"".join(path.read_bytes() for path in (tmp_path / "data").iterdir())


def test_run_directory_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the run directory, which held the snapshot, is left after the end."""
    with Gateway(tmp_path) as gateway:
        gateway.wait_ready()
        run_dir = run_dir_of(gateway)
        assert run_dir.stat().st_mode & 0o777 == 0o700
        assert gateway.end() == 0
        assert not run_dir.exists()


def test_supervisor_stays_light() -> None:
    """The supervisor loads none of the heavy libraries."""
    code = "import sys, asbru.app.supervisor; print(' '.join(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert not loaded & {
        "pydantic",
        "yaml",
        "genai_prices",
        "uvloop",
        "httptools",
        "msgspec",
        "asyncio",
        "click",
    }
