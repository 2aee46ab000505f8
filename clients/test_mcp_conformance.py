"""The official conformance suite of MCP: a server that does everything is judged alike in front of Asbru and behind it.

The verdicts of all scenarios are written to build/mcp-conformance.json.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
import yaml
from clients.gateway import START_S, Gateway, Served
from clients.npm import NODE, Package

pytestmark = pytest.mark.clients

REVISIONS = ("2025-11-25", "2026-07-28")
SUITE_S = 600
PACKAGE = Package(
    "@modelcontextprotocol/conformance",
    "0.2.0-alpha.12",
    "mcp-conformance",
    "@modelcontextprotocol/conformance/dist/index.js",
)
TABLE = Path(__file__).resolve().parent.parent / "build" / "mcp-conformance.json"
_VERDICT = re.compile(r"^([✓✗]) (\S+): (\d+) passed, (\d+) failed", re.MULTILINE)
_NOT_SCORED = re.compile(r"^  [✓✗] (\S+) \(", re.MULTILINE)


def run_suite(*arguments: str) -> tuple[dict[str, bool], set[str], str]:
    """Run the suite: the verdict of each scenario, those that do not count, and what it printed."""
    argv = [str(NODE), str(PACKAGE.bring()), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=SUITE_S, check=False)  # noqa: S603  # our own command
    verdicts = {name: mark == "✓" for mark, name, _, _ in _VERDICT.findall(done.stdout)}
    return verdicts, set(_NOT_SCORED.findall(done.stdout)), done.stdout + done.stderr


def note(part: str, revision: str, verdicts: dict[str, dict[str, bool]]) -> None:
    """Put verdicts into the table."""
    TABLE.parent.mkdir(exist_ok=True)
    table = json.loads(TABLE.read_text()) if TABLE.exists() else {}
    table.setdefault(part, {})[revision] = verdicts
    TABLE.write_text(json.dumps(table, indent=1, sort_keys=True))


@pytest.fixture(scope="module")
def everything() -> Iterator[str]:
    """The URL of the server."""
    served = Served([sys.executable, "-m", "clients.everything_server"], "ready ")
    yield f"http://127.0.0.1:{served.wait_ready().split()[1]}/mcp"
    served.process.kill()
    served.end()


@pytest.fixture(scope="module")
def gateway(everything: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Asbru before that server; without keys, which the suite could not send."""
    config = {"mcp": {"servers": {"every": {"url": everything, "allow_loopback": True}}}, "listen": {"workers": 2}}
    with Gateway(tmp_path_factory.mktemp("conformance"), config) as made:
        yield made


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_server_is_judged_alike_behind_asbru(everything: str, gateway: Gateway, revision: str) -> None:
    """Every scenario that counts is passed by the server itself, and every scenario has the same verdict behind
    Asbru."""
    front, not_scored, printed = run_suite("server", "--url", everything, "--requirements", revision)
    behind, _, printed_behind = run_suite("server", "--url", f"{gateway.url}/mcp/every", "--requirements", revision)
    note("server", revision, {name: {"front": front[name], "behind": behind.get(name, False)} for name in front})
    assert len(front) > 30, printed
    assert {name for name, passed in front.items() if not passed} <= not_scored, printed
    differing = {name for name, passed in front.items() if behind.get(name) != passed}
    assert not differing, printed_behind


SETUP_TOKEN = "conformance-0123456789"  # noqa: S105 -- of this test's own gateway
AT_ONCE = 3
"""Scenarios of clients that run at the same time: each changes the configuration of one gateway."""
SCENARIO_MS = 120_000


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Asbru with its management API."""
    config = {"control": {"enabled": True}, "mcp": {}}
    with Gateway(tmp_path_factory.mktemp("clients"), config, ASBRU_SETUP_TOKEN=SETUP_TOKEN) as made:
        yield made


@pytest.fixture(scope="module")
def token(managed: Gateway) -> str:
    """Of an admin."""
    asked = {"token": SETUP_TOKEN, "name": "admin", "password": "a long enough password 1"}
    deadline = time.monotonic() + START_S
    while True:
        done = httpx2.post(f"{managed.url}/api/v1/setup", json=asked)
        if done.status_code == 201:
            return str(done.json()["token"])
        assert time.monotonic() < deadline, done.text
        time.sleep(0.1)


def client_scenarios(revision: str) -> list[str]:
    """Those of clients that count."""
    path = PACKAGE.bring().parent.parent / "requirements" / f"{revision}.yaml"
    return list(yaml.safe_load(path.read_text())["client"])


@pytest.mark.parametrize("revision", REVISIONS)
def test_asbru_passes_as_a_client(managed: Gateway, token: str, revision: str) -> None:
    """Each scenario of clients that counts, with authorization, against Asbru's way to servers: see
    `clients.conformance_client`."""
    env = {**os.environ, "ASBRU_URL": managed.url, "ASBRU_TOKEN": token}
    program = f"{sys.executable} -m clients.conformance_client"

    def judge(scenario: str) -> tuple[str, bool, str]:
        argv = [str(NODE), str(PACKAGE.bring()), "client", "--command", program, "--scenario", scenario]
        argv += ["--spec-version", revision, "--timeout", str(SCENARIO_MS)]
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=SUITE_S, check=False)  # noqa: S603  # our own command
        return scenario, done.returncode == 0, done.stdout + done.stderr

    with ThreadPoolExecutor(AT_ONCE) as pool:
        judged = list(pool.map(judge, client_scenarios(revision)))
    note("client", revision, {name: {"asbru": passed} for name, passed, _ in judged})
    failed = {name: printed for name, passed, printed in judged if not passed}
    assert not failed, "\n".join(failed.values())
