"""What all targets share in one run: folders, ports, the mock upstream, the certificate of the TLS group."""

import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "bench" / "build"
NATIVE = ROOT / "bench" / "native"
UPSTREAM_KEY = "sk-upstream"
START_DEADLINE_S = 10.0


class AbsentError(Exception):
    """A peer or a tool cannot be had here; the message says why and what to do; it lands in `meta.absent`."""


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def say(text: str) -> None:
    """A line of progress, at once: a run of twenty minutes must never look dead."""
    print(text, flush=True)


def run_step(label: str, command: list[str], *, deadline_s: float, cwd: Path | None = None) -> str:
    """Runs one install step with a deadline and returns its output; AbsentError says what failed."""
    say(f"  install: {label}")
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=deadline_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AbsentError(f"{label}: {error}") from error
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise AbsentError(f"{label}: exit {done.returncode}: {last}")
    return done.stdout


@dataclass
class Rig:
    """The mock, the folders of this run, and where the TLS terminator listens once it is up (else None)."""

    mock_port: int = 0
    tls_port: int | None = None
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="asbru-bench-")))
    _mock: subprocess.Popen[bytes] | None = None

    @property
    def ca_file(self) -> Path:
        """The certificate of the TLS upstream, its own authority, valid for 127.0.0.1 and localhost."""
        return self.folder / "upstream.pem"

    @property
    def key_file(self) -> Path:
        """The private key that belongs to `ca_file`."""
        return self.folder / "upstream.key"

    def open(self) -> None:
        """Starts the mock and makes the certificate."""
        self.mock_port = free_port()
        command = [str(BUILD / "mock"), "--listen", str(self.mock_port)]
        self._mock = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._mock.stdout is not None
        if self._mock.stdout.readline() != b"ready\n":
            raise RuntimeError("the mock upstream did not start")
        self._make_certificate()

    def _make_certificate(self) -> None:
        if shutil.which("openssl") is None:
            raise AbsentError("openssl is missing: install the Debian package openssl")
        names = "subjectAltName=IP:127.0.0.1,DNS:localhost"
        command = [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ]
        command += ["-days", "2", "-subj", "/CN=localhost", "-addext", names]
        command += ["-keyout", str(self.key_file), "-out", str(self.ca_file)]
        run_step("certificate for the TLS upstream", command, deadline_s=START_DEADLINE_S)

    def close(self) -> None:
        """Ends the mock and removes the folder."""
        if self._mock is not None:
            self._mock.kill()
            self._mock.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
