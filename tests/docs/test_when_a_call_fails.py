"""The guide "When a call fails", run as it stands: its configuration, its commands, its output."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.commands import stand_ins
from tests.fakes.processes import wait_until

GUIDE = Path(__file__).resolve().parent.parent.parent / "docs" / "guides" / "when-a-call-fails.md"
TEXT = GUIDE.read_text(encoding="utf-8")
STEPS = re.findall(r"^```sh\n(.*?)^```\n\n```text\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
URL = "http://127.0.0.1:8080"
ASKED_MAX = 50


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Where the gateway of the guide runs, and its URL."""
    config = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)[0]
    (tmp_path / "config.yaml").write_text(config)
    log = tmp_path / "asbru.log"
    argv = [sys.executable, "-m", "asbru", "serve", "--config", "config.yaml", "--port", "0"]
    with log.open("wb") as to, subprocess.Popen(argv, cwd=tmp_path, stderr=to) as serving:
        try:
            wait_until(lambda: "ready: " in log.read_text() or serving.poll() is not None, "the start")
            assert serving.poll() is None, log.read_text()
            yield tmp_path, log.read_text().partition("ready: ")[2].split()[0]
            serving.send_signal(signal.SIGTERM)
        finally:
            if serving.poll() is None and sys.exc_info()[0] is not None:
                serving.kill()


def alike(text: str) -> str:
    """Without what differs from run to run: times, ids, durations."""
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    text = re.sub(r"req_[0-9a-f]+", "ID", text)
    return re.sub(r"ms=\d+|\b(29|30) s\b", "N", text)


def test_the_guide_has_its_commands() -> None:
    """Calls, log, metrics, all records and one record; each with its output."""
    assert len(STEPS) == 5


@pytest.mark.parametrize("real", [True, False], ids=["real commands", "stand-ins"])
def test_the_guide_s_commands_print_what_it_shows(started: tuple[Path, str], real: bool) -> None:
    """Each command, in order, in one folder; records are there a moment after their calls. The commands are those of
    the machine, and stand-ins for those that a machine may lack."""
    folder, url = started
    path = f"{stand_ins(folder, real=real)}:{os.environ['PATH']}"

    def said(command: str) -> str:
        argv, env = ["sh", "-c", command.replace(URL, url)], {**os.environ, "PATH": path}
        return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, check=False).stdout

    assert said(STEPS[0][0]) == STEPS[0][1]
    for command, output in STEPS[1:]:
        wanted = alike(output)
        answers: list[str] = []

        def shows(command: str = command, wanted: str = wanted, answers: list[str] = answers) -> bool:
            answers.append(alike(said(command)))
            return answers[-1] == wanted or len(answers) > ASKED_MAX

        wait_until(shows, command)
        assert answers[-1] == wanted
