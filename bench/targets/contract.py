"""The contract of a target: install, start, stop, and how to ask it. Starting and stopping is here."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

from bench import payloads, proc
from bench.rig import Rig

HEALTH_DEADLINE_S = 90.0
STOP_DEADLINE_S = 10.0
CHAT = "/v1/chat/completions"
EMBEDDINGS = "/v1/embeddings"
TRANSCRIPTIONS = "/v1/audio/transcriptions"
MODEL = "gpt-4o-mini"


@dataclass(frozen=True)
class Route:
    """Where one kind of request goes: the path, and the model name before the mock's orders."""

    path: str = CHAT
    model: str = MODEL


@dataclass(frozen=True)
class Profile:
    """The load a target can carry: slow peers are asked gently, but in the same run."""

    fast: bool = True
    connections: int = 64
    connections_20ms: int = 512
    streams: int = 100


@dataclass(frozen=True)
class Running:
    """A started target: how to ask it, what to account, and whether its bodies must equal the mock's.

    `routes` maps kinds (plain, stream, tls, translated, large, embeddings, upload) to where they go; others are
    unsupported. `measures` names those it takes part in, all if empty.
    """

    name: str
    port: int
    roots: tuple[int, ...]
    routes: dict[str, Route]
    version: str
    keys: tuple[str, ...] = ("sk-bench",)
    headers: dict[str, str] = field(default_factory=dict)
    byte_exact: bool = True
    profile: Profile = field(default_factory=Profile)
    measures: tuple[str, ...] = ()

    def ask(self, kind: str = "plain", *, timeout_s: float = 10.0) -> tuple[int, bytes]:
        """One plain request of a kind, as the generator would send it: (status, body)."""
        route = self.routes[kind]
        shape = payloads.Shape("-ev4x0", stream=True) if kind == "stream" else payloads.Shape()
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self.keys[0]}",
            **self.headers,
        }
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            link.request("POST", route.path, payloads.body(route.model, shape), headers)
            response = link.getresponse()
            return response.status, response.read()
        finally:
            link.close()


class Target(ABC):
    """One thing to measure. Subclasses say how; the life of the process is here."""

    name = ""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def install(self) -> None:
        """Brings what is missing; raises AbsentError with the reason when it cannot be had."""

    @abstractmethod
    def start(self) -> Running:
        """Starts it and returns when it has answered one request; RuntimeError when it does not in time."""

    @property
    def log(self) -> Path:
        """Where the process writes what it has to say; kept short and shown when it does not start."""
        return self.rig.folder / f"{self.name}.log"

    def spawn(self, command: list[str], *, env: dict[str, str] | None = None, cwd: Path | None = None) -> int:
        """Starts the process in a session of its own, so that helpers can be found, and returns its pid."""
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                env={**os.environ, **(env or {})},
                cwd=cwd or self.rig.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self._process.pid

    def wait_healthy(self, running: Running, *, deadline_s: float = HEALTH_DEADLINE_S) -> Running:
        """Asks until a chat completion comes back, within the deadline."""
        end = time.monotonic() + deadline_s
        problem = "no answer"
        while time.monotonic() < end:
            if self._process is not None and self._process.poll() is not None:
                raise RuntimeError(f"{self.name} ended with {self._process.returncode}: {self.last_words()}")
            try:
                status, body = running.ask()
                if status == 200 and "choices" in json.loads(body):
                    return running
                problem = f"status {status}: {body[:200]!r}"
            except (OSError, http.client.HTTPException, ValueError) as error:
                problem = repr(error)
            time.sleep(0.1)
        raise RuntimeError(f"{self.name} was not healthy in {deadline_s:.0f} s ({problem}): {self.last_words()}")

    def last_words(self) -> str:
        """The end of the log, for messages."""
        try:
            return self.log.read_text(errors="replace")[-600:].strip()
        except OSError:
            return ""

    def stop(self) -> None:
        """Ends the process and every helper it left, by pid: first asked, then forced."""
        process = self._process
        if process is None:
            return
        pids = proc.tree((process.pid,))
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pid in pids & proc.tree((process.pid, *pids)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process = None
