"""`asbru serve` as users run it: the real worker, bookkeeper and mock under the real supervisor."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.processes import WAIT_S, is_alive, wait_until

KEY = "sk-asb-0123456789abcdef"
OTHER = "sk-asb-fedcba9876543210"


class Served:
    """A running gateway with a mock provider, and calls to it."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config.yaml"
        self.log = folder / "log"
        self.write(KEY)
        argv = [sys.executable, "-m", "asbru", "serve", "--port", "0"]
        argv += ["--config", str(self.config), "--data-dir", str(folder / "data")]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(argv, stderr=log)
        wait_until(lambda: "ready: " in self.log.read_text() or self.process.poll() is not None, "ready")
        self.port = int(self.log.read_text().partition("ready: http://127.0.0.1:")[2].split()[0])

    def write(self, *keys: str, more: str = "") -> None:
        """A configuration with these virtual keys."""
        entries = ", ".join(f"{{name: k{index}, value: {key}}}" for index, key in enumerate(keys))
        self.config.write_text(f"providers: {{mock: }}\nvirtual_keys: [{entries}]\n{more}")

    def ask(self, key: str) -> int:
        """The status of one call; 0 when there was no answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        body = json.dumps({"model": "mock/echo", "messages": [{"role": "user", "content": "Hello"}]})
        try:
            connection.request("POST", "/v1/chat/completions", body, {"authorization": f"Bearer {key}"})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def children(self) -> dict[str, int]:
        """Process ids by module, of the supervisor's children."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        found: dict[str, int] = {}
        for pid in listed:
            try:
                words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            except OSError:
                continue
            found[words[2] if len(words) > 2 else ""] = int(pid)
        return found

    def kill(self, module: str) -> None:
        """End one of the children at once, and wait for another in its place."""
        pid = self.children()[module]
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.children().get(module, pid) != pid, "another")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A gateway that ends with the test."""
    gateway = Served(tmp_path)
    yield gateway
    if gateway.process.poll() is None:
        gateway.process.terminate()
        assert gateway.process.wait(WAIT_S) == 0


def test_keys_change_while_it_serves(served: Served) -> None:
    """A changed file changes who may call, without a restart; a bad one changes nothing. A worker that is killed after
    a reload comes back with the keys of that reload, and not with those of its start."""
    assert (served.ask(KEY), served.ask(OTHER)) == (200, 401)
    served.write(OTHER)
    wait_until(lambda: served.ask(OTHER) == 200, "the new key")
    assert served.ask(KEY) == 401
    served.write(KEY, more="nonsense: 1\n")
    wait_until(lambda: "the old one stays in use" in served.log.read_text(), "the refusal")
    assert (served.ask(KEY), served.ask(OTHER)) == (401, 200)
    served.kill("asbru.app.worker")
    wait_until(lambda: served.ask(OTHER) == 200, "an answer")
    assert served.ask(KEY) == 401


def test_any_child_may_die(served: Served) -> None:
    """A killed worker, bookkeeper or mock is replaced, and calls are answered again. The parent process, which serves
    nothing, holds little memory; when it is killed, all others end."""
    for module in ("asbru.app.worker", "asbru.app.bookkeeper", "asbru.providers.mock.server"):
        served.kill(module)
        wait_until(lambda: served.ask(KEY) == 200, "an answer")
    for line in Path(f"/proc/{served.process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            assert int(line.split()[1]) < 24 * 1024
    pids = list(served.children().values())
    assert len(pids) == 3
    served.process.kill()
    served.process.wait()
    wait_until(lambda: not any(is_alive(pid) for pid in pids), "the end of all")
