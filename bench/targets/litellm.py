"""The LiteLLM proxy with one worker, as its documentation recommends for production, without a database."""

import json

from bench import install, plan
from bench.rig import UPSTREAM_KEY, free_port
from bench.targets.contract import MODEL, Profile, Route, Running, Target

_MASTER_KEY = "sk-bench-litellm-master"
_CLAUDE = "claude-haiku-4-5"
_START_DEADLINE_S = 120.0


class LiteLLM(Target):
    """Answers are decoded and written anew, so they are checked as JSON of the right size, not as bytes."""

    name = "litellm"

    def install(self) -> None:
        """An environment of its own: it brings over a hundred packages."""
        self._venv = install.venv("litellm", "litellm[proxy]")

    def _config(self) -> dict[str, object]:
        """Every model by name (wildcards cost it extra), the mock as OpenAI and as Anthropic."""
        base = f"http://127.0.0.1:{self.rig.mock_port}"
        models: list[dict[str, object]] = []
        for orders in plan.MODEL_ORDERS:
            openai = {"model": f"openai/{MODEL}{orders}", "api_base": f"{base}/v1", "api_key": UPSTREAM_KEY}
            models.append({"model_name": MODEL + orders, "litellm_params": openai})
        claude = {"model": f"anthropic/{_CLAUDE}", "api_base": base, "api_key": UPSTREAM_KEY}
        models.append({"model_name": _CLAUDE, "litellm_params": claude})
        return {"model_list": models, "general_settings": {"master_key": _MASTER_KEY}}

    def start(self) -> Running:
        """Cost map and model data are the installed copies, so that nothing is fetched."""
        self.install()
        port = free_port()
        path = self.rig.folder / "litellm.json"
        path.write_text(json.dumps(self._config(), indent=1))
        command = [str(self._venv / "bin" / "litellm"), "--config", str(path), "--host", "127.0.0.1"]
        command += ["--port", str(port), "--num_workers", "1", "--telemetry", "False"]
        env = {
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
            "NO_PROXY": "127.0.0.1",
        }
        pid = self.spawn(command, env=env)
        routes = {kind: Route() for kind in ("plain", "stream", "large")}
        routes["translated"] = Route(model=_CLAUDE)
        version = install.package_version(self._venv, "litellm")
        profile = Profile(fast=False, connections=8, connections_20ms=32, streams=20)
        running = Running(
            self.name, port, (pid,), routes, version, keys=(_MASTER_KEY,), byte_exact=False, profile=profile
        )
        return self.wait_healthy(running, deadline_s=_START_DEADLINE_S)
