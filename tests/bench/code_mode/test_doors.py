"""Through a gateway that runs: the conversations of the benchmark are those that users would have."""

from pathlib import Path

from bench.code_mode.direct import Direct, DirectCode
from bench.code_mode.doors import configuration, gateway, tools_behind
from bench.code_mode.rounds import ROUNDS, opened, run_code
from bench.code_mode.serve import Served

from asbru.mcp.code import META_TOOLS


def test_tools_are_counted_behind_the_four() -> None:
    """A gateway is waited for until it has the tools of all servers, which in code mode only the files show."""
    servers, _ = opened(ROUNDS[2])
    assert tools_behind(Direct(servers)) == 508
    with DirectCode(servers) as door:
        assert len(door.tools()) == len(META_TOOLS)
        assert tools_behind(door) == 508


def test_code_mode_passes_through_a_gateway(tmp_path: Path) -> None:
    """Two tasks by the four tools of `/mcp`: the end states are right, and the tokens those of the run without a
    gateway."""
    servers, todo = opened(ROUNDS[0])
    with DirectCode(servers) as door:
        expected = run_code(door, servers, todo[:2])
    with Served(servers) as served:
        document = configuration({name: served.url(name) for name in servers.tools}, code_mode=True)
        with gateway(tmp_path / "gateway", document, 96) as through:
            found = run_code(through, servers, todo[:2])
    assert found.failed == {}
    assert found.tally == expected.tally
