"""opencode, qwen-code, Codex and Gemini CLI as published on npm, run headless in an empty home; Claude Code has a file.

Each is given a gateway's address, a key and a model, as its users configure it; what it printed is returned, or raised
where it failed.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from clients.npm import NODE, Package

OPENCODE = Package("opencode-ai", "1.18.33", "opencode", "opencode-linux-*/bin/opencode")
QWEN_CODE = Package("@qwen-code/qwen-code", "0.24.4", "qwen-code", "@qwen-code/qwen-code/cli-entry.js")
CODEX = Package("@openai/codex", "0.171.0", "codex", "@openai/codex-linux-*/vendor/*/bin/codex")
GEMINI_CLI = Package("@google/gemini-cli", "0.61.0", "gemini-cli", "@google/gemini-cli/bundle/gemini.js")
RUN_S = 120

NOWHERE = "http://127.0.0.1:9"
"""A proxy that is not there: whatever the agent would ask of the world fails at once."""


class FailedError(Exception):
    """An agent ended with an error; `printed`: all that it printed."""

    def __init__(self, status: int, printed: str) -> None:
        super().__init__(f"it ended with {status}:\n{printed}")
        self.printed = printed


class Target(NamedTuple):
    """What an agent is pointed at: a gateway's address, a virtual key, a model."""

    url: str
    key: str
    model: str

    @property
    def openai_url(self) -> str:
        """What OpenAI clients call their base URL."""
        return f"{self.url}/openai/v1"


def opencode(prompt: str, folder: Path, target: Target, **options: Any) -> str:
    """Through the OpenAI surface. `options`: what its configuration says about the model besides."""
    limit = {"context": 128_000, "output": 16_000}
    gateway = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": target.openai_url, "apiKey": target.key},
        "models": {target.model: {"name": target.model, "limit": limit, "options": options}},
    }
    config = {"autoupdate": False, "share": "disabled", "provider": {"gateway": gateway}}
    home = _home(folder)
    (folder / "work" / "opencode.json").write_text(json.dumps(config))
    argv = [str(OPENCODE.bring()), "run", "--model", f"gateway/{target.model}", "--format", "json", prompt]
    return _run(argv, folder, {"HOME": home, "OPENCODE_DISABLE_MODELS_FETCH": "1"})


def qwen_code(prompt: str, folder: Path, target: Target) -> str:
    """Through the OpenAI surface."""
    home = _home(folder)
    shell = {"enableInteractiveShell": False}  # the terminal's module would have to be built
    settings = {"tools": {"shell": shell, "useRipgrep": False}, "privacy": {"usageStatisticsEnabled": False}}
    (Path(home) / ".qwen").mkdir()
    (Path(home) / ".qwen" / "settings.json").write_text(json.dumps(settings))
    argv = [str(NODE), str(QWEN_CODE.bring()), "--auth-type", "openai", "--yolo", "-o", "stream-json", "-p", prompt]
    asked = {"OPENAI_API_KEY": target.key, "OPENAI_BASE_URL": target.openai_url, "OPENAI_MODEL": target.model}
    return _run(argv, folder, {"HOME": home, **asked})


def codex(
    prompt: str, folder: Path, target: Target, *, built_in: bool = False, before: str = "", **settings: int
) -> str:
    """Through the Responses surface; without its sandbox, which wants the kernel's help. `built_in`: by its own
    provider, which uses a WebSocket; else by a configured one, which streams. `before`: a command line that is run
    first, as its user would; `settings`: of its configuration."""
    home = _home(folder)
    if before:
        line = before.replace("codex ", f"{CODEX.bring()} ", 1)
        _run(["/bin/sh", "-c", line], folder, {"HOME": home})
    about = {"name": "Asbru", "base_url": target.openai_url, "env_key": "ASBRU_KEY", "wire_api": "responses"}
    provider = ", ".join(f'{name}="{value}"' for name, value in about.items())
    argv = [
        str(CODEX.bring()),
        "exec",
        "--skip-git-repo-check",
        "--json",
        "--dangerously-bypass-approvals-and-sandbox",
    ]
    if built_in:
        argv += ["-c", f'openai_base_url="{target.openai_url}"']
    else:
        argv += ["-c", 'model_provider="asbru"', "-c", f"model_providers.asbru={{{provider}}}"]
    for name, value in settings.items():
        argv += ["-c", f"{name}={value}"]
    argv += ["-m", target.model, prompt]
    keys = dict.fromkeys(("OPENAI_API_KEY", "CODEX_API_KEY") if built_in else ("ASBRU_KEY",), target.key)
    return _run(argv, folder, {"HOME": home, "ASBRU_API_KEY": target.key, **keys})


def gemini_cli(prompt: str, folder: Path, target: Target) -> str:
    """Through the Gemini surface."""
    home = _home(folder)
    auth = {"security": {"auth": {"selectedType": "gemini-api-key"}}, "privacy": {"usageStatisticsEnabled": False}}
    (Path(home) / ".gemini").mkdir()
    (Path(home) / ".gemini" / "settings.json").write_text(json.dumps(auth))
    argv = [str(NODE), str(GEMINI_CLI.bring()), "-m", target.model, "--yolo", "-p", prompt]
    asked = {"GEMINI_API_KEY": target.key, "GOOGLE_GEMINI_BASE_URL": f"{target.url}/genai"}
    return _run(argv, folder, {"HOME": home, "GEMINI_CLI_TRUST_WORKSPACE": "true", **asked})


def _home(folder: Path) -> str:
    """An empty home, beside an empty working directory."""
    (folder / "work").mkdir(parents=True)
    (folder / "home").mkdir()
    return str(folder / "home")


def _run(argv: list[str], folder: Path, env: Mapping[str, str]) -> str:
    path = f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    proxies = {"HTTPS_PROXY": NOWHERE, "HTTP_PROXY": NOWHERE, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(  # noqa: S603  # our own command
        argv,
        cwd=folder / "work",
        env={"PATH": path, **proxies, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    if done.returncode != 0:
        raise FailedError(done.returncode, f"{done.stdout}\n{done.stderr}")
    return done.stdout
