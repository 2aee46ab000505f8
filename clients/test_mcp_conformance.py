"""The official conformance suite of MCP: a server that does everything is judged alike in front of Asbru and behind it.

The verdicts of all scenarios are written to build/mcp-conformance.json.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from clients.gateway import Gateway, Served
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
NOT_OFFERED = {"resources-subscribe", "resources-unsubscribe"}
"""What Asbru does not do yet."""
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
    assert differing == NOT_OFFERED & set(front), printed_behind
