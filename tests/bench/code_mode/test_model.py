"""The scripted model gives up where its context does not hold what it needs; it never knows by itself."""

from typing import Any

import pytest
from bench.code_mode.direct import Direct, DirectCode
from bench.code_mode.model import Request, Stuck, classic, with_code
from bench.code_mode.rounds import ROUNDS, opened

from asbru.mcp.code import META_TOOLS


def test_a_tool_that_is_not_offered_cannot_be_called() -> None:
    """Without the tool among those of the request, the model does not call it."""
    servers, todo = opened(ROUNDS[0])
    tools = Direct(servers).tools()
    assert next(classic(todo[0], Request(tools, ""))).calls
    name = next(classic(todo[0], Request(tools, ""))).calls[0][1]
    del tools[name]
    with pytest.raises(Stuck, match=f"{name} is not offered"):
        next(classic(todo[0], Request(tools, "")))
    with pytest.raises(Stuck, match="listToolFiles is not offered"):
        next(with_code(todo[0], Request({}, "")))


def test_a_result_that_did_not_come_is_missed() -> None:
    """The model goes on from results in the request, and from nothing else."""
    servers, todo = opened(ROUNDS[0])
    request = Request(Direct(servers).tools(), "")
    running = classic(todo[0], request)
    call = next(running).calls[0][0]
    with pytest.raises(Stuck, match="no result"):
        running.send(request)
    running = classic(todo[0], request)
    next(running)
    request.results[call] = "there is no such thing"
    with pytest.raises(Stuck, match="no value can be read"):
        running.send(request)


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ({"listToolFiles": "servers/\n  wiki.pyi  (16 tools)"}, "no file for tickets"),
        ({"readToolFile": "def get_ticket(*, id: str) -> Any: ..."}, "signature of .* was not read"),
        (
            {"readToolFile": "def list_tickets(*, limit: int) -> Any: ...\ndef update_ticket() -> Any: ..."},
            "argument",
        ),
        ({"executeToolCode": "The script failed in line 3 (runtime): NameError"}, "gave no result"),
    ],
)
def test_code_mode_needs_files_signatures_and_results(answers: dict[str, str], problem: str) -> None:
    """Each step of code mode goes by what the one before has brought."""
    servers, todo = opened(ROUNDS[0])
    with DirectCode(servers) as door:
        request = Request(door.tools(), "")

        def respond(name: str, arguments: dict[str, Any]) -> str:
            return answers.get(name) or door.call(name, arguments)

        running = with_code(todo[0], request)
        step = next(running)
        with pytest.raises(Stuck, match=problem):
            for _ in META_TOOLS:
                request.results |= {call: respond(name, arguments) for call, name, arguments in step.calls}
                step = running.send(request)
