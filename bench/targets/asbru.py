"""Asbru as its users run it: one worker, key authentication, records and metrics on, nothing pinned."""

import json
import os
from pathlib import Path

from bench.rig import ROOT, UPSTREAM_KEY, AbsentError, Rig, free_port, run_step
from bench.targets.contract import EMBEDDINGS, MODEL, TRANSCRIPTIONS, Route, Running, Target

KEY_COUNT = 100
MORE_ROUTES = {"embeddings": EMBEDDINGS, "upload": TRANSCRIPTIONS}
_COMPILE_DEADLINE_S = 60.0
_VERSION_DEADLINE_S = 20.0


def virtual_keys() -> tuple[str, ...]:
    """The keys the callers rotate through: one key alone would flatter a key cache."""
    return tuple(f"sk-asb-bench{index:04d}0123456789abcdef0123456789abcdef" for index in range(KEY_COUNT))


def config(rig: Rig) -> dict[str, object]:
    """The configuration document: the mock as a plain, a TLS and an Anthropic-dialect upstream."""
    keys = [{"name": "k1", "value": UPSTREAM_KEY, "models": ["*"], "weight": 1.0}]
    plain = {"type": "custom", "allow_loopback": True, "keys": keys}
    base = f"http://127.0.0.1:{rig.mock_port}"
    providers: dict[str, object] = {
        "bench": {**plain, "dialect": "openai", "base_url": f"{base}/v1"},
        "benchanth": {**plain, "dialect": "anthropic", "base_url": base},
    }
    if rig.tls_port is not None:
        secure = {"base_url": f"https://localhost:{rig.tls_port}/v1", "tls": {"ca_file": str(rig.ca_file)}}
        providers["benchtls"] = {**plain, "dialect": "openai", **secure}
    named = [{"name": f"bench-{i}", "value": key, "models": ["*"]} for i, key in enumerate(virtual_keys())]
    return {"providers": providers, "virtual_keys": named}


class Asbru(Target):
    """The gateway of this repository, from its own environment."""

    name = "asbru"
    measures: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """The configuration it is started with."""
        return config(self.rig)

    @property
    def binary(self) -> Path:
        """The command users run; ASBRU_BENCH_BIN points elsewhere, to compare two checkouts."""
        return Path(os.environ.get("ASBRU_BENCH_BIN") or ROOT / ".venv" / "bin" / "asbru")

    def install(self) -> None:
        """It must be there: `make` builds the environment. The sources are compiled, as pip does when it installs."""
        if not self.binary.exists():
            raise AbsentError("the asbru command is not in .venv: run `make run` or `make test` once")
        where = "import asbru, compileall; compileall.compile_dir(asbru.__path__[0], quiet=1)"
        run_step("compile asbru", [str(self.binary.with_name("python")), "-c", where], deadline_s=_COMPILE_DEADLINE_S)

    def start(self) -> Running:
        """Starts `asbru serve` with one worker on a data directory of its own."""
        port = free_port()
        document = self.rig.folder / f"{self.name}.json"
        document.write_text(json.dumps(self.document(), indent=1))
        command = [str(self.binary), "serve", "--config", str(document), "--port", str(port)]
        command += ["--data-dir", str(self.rig.folder / f"{self.name}-data"), "--workers", "1"]
        version = run_step("asbru version", [str(self.binary), "version"], deadline_s=_VERSION_DEADLINE_S)
        pid = self.spawn(command)
        routes = {kind: Route(model=f"bench/{MODEL}") for kind in ("plain", "stream", "large")}
        routes |= {kind: Route(path, f"bench/{MODEL}") for kind, path in MORE_ROUTES.items()}
        routes["translated"] = Route(model="benchanth/claude-haiku-4-5")
        if self.rig.tls_port is not None:
            routes["tls"] = Route(model=f"benchtls/{MODEL}")
        running = Running(
            self.name, port, (pid,), routes, version.strip(), keys=virtual_keys(), measures=self.measures
        )
        return self.wait_healthy(running)
