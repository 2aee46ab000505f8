"""`asbru demo`, the target of `make run`: the whole gateway, once, over real HTTP."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.waiting import wait

WAIT_S = 150.0


@contextlib.contextmanager
def demo(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running demo and all that it printed."""
    env = {**os.environ, "OPENAI_API_KEY": "", "ANTHROPIC_API_KEY": "", "GROQ_API_KEY": "", "TMPDIR": str(folder)}
    argv = [sys.executable, "-m", "asbru", "demo", "--port", "0", "--data-dir", str(folder / "data")]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, text=True, env=env) as process,
    ):
        try:
            assert process.stdout is not None
            lines: list[str] = []
            while not lines or not lines[-1].startswith("Stop with"):
                line = process.stdout.readline()
                assert line, (folder / "log").read_text()
                lines.append(line)
            yield process, "".join(lines)
        finally:
            process.kill()


def test_demo_from_its_first_start_to_the_next(tmp_path: Path) -> None:
    """The first start ends with an answer, a key that works and a set-up token, and fits a small terminal; Ctrl-C ends
    it with exit 0, and nothing of it is left. The next one has a user, and leads to the login: a token would be of no
    use. A closed terminal ends it likewise."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "config.yaml").write_text("providers: {}")
    with demo(tmp_path) as (process, said):
        answer, _, rest = said.partition("Serving on")
        assert len(answer) > 200
        fits_a_small_terminal(said, tmp_path)
        url = re.findall(r"http://\S+", rest)[0]
        key = re.findall(r"sk-asb-\S+", rest)[0]
        assert ask(url, key) == 200
        assert ask(url, "sk-asb-wrong") == 401
        token = re.findall(r"/ui/start#(\S+)", rest)[0]
        models_have_a_price(url, token)
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_S) == 0
    leaves_nothing(tmp_path, key, token)
    with demo(tmp_path) as (process, said):
        assert re.search(r"^Web UI +http://\S+/ui/$", said, re.MULTILINE)
        process.send_signal(signal.SIGHUP)
        assert process.wait(WAIT_S) == 0
    leaves_nothing(tmp_path, key, token)


def fits_a_small_terminal(said: str, folder: Path) -> None:
    """From the lines to copy on, all of it fits 80 columns and 24 lines; a configuration that lies there is named."""
    shown = said[said.index("curl:") :].splitlines()
    assert len(shown) <= 23
    assert max(len(line) for line in shown if str(folder) not in line) <= 79
    assert f"Not read here: {folder}/data/config.yaml; `asbru serve` serves it." in shown
    variables = shown[shown.index("            to add providers, set their keys and restart:") + 1]
    assert "OPENAI_API_KEY" in variables and "ANTHROPIC_API_KEY" in variables
    assert "VLLM" not in said  # has no address of its own


def models_have_a_price(url: str, token: str) -> None:
    """Budgets can be tried: the set-up token makes an admin, whose key with a budget is served at a known cost."""
    first = json.dumps({"token": token, "name": "ann", "password": "correct horse battery"})
    status, made = send(url, "/api/v1/setup", {}, first)
    assert status == 201
    admin = {"authorization": f"Bearer {made['token']}"}
    trial = json.dumps({"name": "trial", "budgets": [{"amount_usd": 1, "window": "1d"}]})
    _, key = send(url, "/api/v1/keys", admin, trial)
    wait(lambda: ask(url, key["value"]) != 401, "the key", WAIT_S)
    assert ask(url, key["value"]) == 200


def leaves_nothing(folder: Path, key: str, token: str) -> None:
    """The log, which a terminal shows amid the answer, has no key and no token; nothing in the data has the key; no
    folder is left."""
    log = (folder / "log").read_text()
    assert key not in log and token not in log
    assert not any(key.encode() in path.read_bytes() for path in (folder / "data").iterdir())
    assert not list(folder.glob("asbru-demo-*"))


def test_demo_on_a_taken_port_says_how_to_take_another(tmp_path: Path) -> None:
    """It ends with exit 1, the reason, and the two ways to name another port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        argv = [sys.executable, "-m", "asbru", "demo", "--port", port, "--data-dir", str(tmp_path / "data")]
        ran = subprocess.run(argv, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert ran.returncode == 1
    assert "Address already in use" in ran.stderr
    assert "PORT=" in ran.stderr


def ask(url: str, key: str) -> int:
    """The status of one plain chat."""
    body = json.dumps({"model": "mock/echo", "messages": [{"role": "user", "content": "Hello"}]})
    return post(url, "/v1/chat/completions", {"authorization": f"Bearer {key}"}, body)


def post(url: str, path: str, headers: dict[str, str], body: str) -> int:
    """The status of a request."""
    return send(url, path, headers, body)[0]


def send(url: str, path: str, headers: dict[str, str], body: str) -> tuple[int, Any]:
    """The status of a request, and what came back."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=WAIT_S)
    try:
        connection.request("POST", path, body, {**headers, "content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
