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

import pytest
from tests.fakes.waiting import wait

WAIT_S = 60.0


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_demo_streams_an_answer_and_keeps_serving(tmp_path: Path, number: signal.Signals) -> None:
    """The answer comes before the URL; the printed key works, another does not; Ctrl-C and a closed terminal stop it
    with exit 0, and nothing of it is left. The log, which a terminal shows amid the answer, has no key and no token."""
    with demo(tmp_path) as (process, said):
        answer, _, rest = said.partition("Serving on")
        assert len(answer) > 200
        url = re.findall(r"http://\S+", rest)[0]
        key = re.findall(r"sk-asb-\S+", rest)[0]
        assert ask(url, key) == 200
        assert ask(url, "sk-asb-wrong") == 401
        token = re.findall(r"/ui/start#(\S+)", rest)[0]
        body = json.dumps({"token": token, "name": "ann", "password": "correct horse battery"})
        assert post(url, "/api/v1/setup", {}, body) == 201
        process.send_signal(number)
        assert process.wait(WAIT_S) == 0
    log = (tmp_path / "log").read_text()
    assert key not in log and token not in log
    assert not any(key.encode() in path.read_bytes() for path in (tmp_path / "data").iterdir())
    assert not list(tmp_path.glob("asbru-demo-*"))


def test_demo_fits_a_small_terminal_and_names_what_it_does_not_read(tmp_path: Path) -> None:
    """From the lines to copy on, all of it fits 80 columns and 24 lines; a configuration that lies there is named."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "config.yaml").write_text("providers: {}")
    with demo(tmp_path) as (_, said):
        shown = said[said.index("curl:") :].splitlines()
    assert len(shown) <= 23
    assert max(len(line) for line in shown if str(tmp_path) not in line) <= 79
    assert f"Not read here: {tmp_path}/data/config.yaml; `asbru serve` serves it." in shown
    variables = shown[shown.index("            to add providers, set their keys and restart:") + 1]
    assert "OPENAI_API_KEY" in variables and "ANTHROPIC_API_KEY" in variables
    assert "VLLM" not in said  # has no address of its own


def test_models_of_the_demo_have_a_price(tmp_path: Path) -> None:
    """Budgets can be tried: a call of a key with one is served, and has a cost that the record names."""
    with demo(tmp_path) as (_, said):
        url, token = re.findall(r"(http://\S+)/ui/start#(\S+)", said)[0]
        first = json.dumps({"token": token, "name": "ann", "password": "correct horse battery"})
        _, made = send(url, "/api/v1/setup", {}, first)
        admin = {"authorization": f"Bearer {made['token']}"}
        trial = json.dumps({"name": "trial", "budgets": [{"amount_usd": 1, "window": "1d"}]})
        _, key = send(url, "/api/v1/keys", admin, trial)
        wait(lambda: ask(url, key["value"]) != 401, "the key", WAIT_S)
        assert ask(url, key["value"]) == 200


def test_a_second_demo_leads_to_the_login(tmp_path: Path) -> None:
    """The data of the first one has a user: a set-up token would be of no use."""
    with demo(tmp_path) as (process, said):
        url, token = re.findall(r"(http://\S+)/ui/start#(\S+)", said)[0]
        first = json.dumps({"token": token, "name": "ann", "password": "correct horse battery"})
        assert post(url, "/api/v1/setup", {}, first) == 201
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_S) == 0
    with demo(tmp_path) as (_, said):
        assert re.search(r"^Web UI +http://\S+/ui/$", said, re.MULTILINE)


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
