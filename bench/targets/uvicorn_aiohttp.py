"""What one would write by hand in an afternoon: a raw ASGI application on uvicorn with an aiohttp client."""

from pathlib import Path

from bench import install
from bench.rig import UPSTREAM_KEY, free_port
from bench.targets.contract import Route, Running, Target

_KEY = "sk-bench-by-hand"


class UvicornAiohttp(Target):
    """Key check, forward, stream; uvloop and httptools as `uvicorn[standard]` chooses them, one worker."""

    name = "uvicorn_aiohttp"

    def install(self) -> None:
        """An environment of its own."""
        self._venv = install.venv("uvicorn_aiohttp", "uvicorn[standard]", "aiohttp")

    def start(self) -> Running:
        """Runs `by_hand.py`, which lies beside this file and imports nothing of the harness."""
        self.install()
        port = free_port()
        command = [str(self._venv / "bin" / "python"), "-m", "uvicorn", "by_hand:app", "--port", str(port)]
        command += ["--no-access-log", "--log-level", "warning", "--app-dir", str(Path(__file__).parent)]
        base = f"http://127.0.0.1:{self.rig.mock_port}"
        env = {"BY_HAND_UPSTREAM": base, "BY_HAND_KEY": _KEY, "BY_HAND_UPSTREAM_KEY": UPSTREAM_KEY}
        pid = self.spawn(command, env=env)
        routes = {kind: Route() for kind in ("plain", "stream", "large")}
        versions = [f"{name} {install.package_version(self._venv, name)}" for name in ("uvicorn", "aiohttp")]
        running = Running(self.name, port, (pid,), routes, ", ".join(versions), keys=(_KEY,))
        return self.wait_healthy(running, deadline_s=30)
