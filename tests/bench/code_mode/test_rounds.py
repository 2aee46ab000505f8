"""The rounds of the benchmark of code mode: what is measured is what is said, and in short form it holds."""

import pytest
from bench.code_mode.direct import Direct, DirectCode
from bench.code_mode.rounds import ROUNDS, fall, markdown, missed, opened, row, run_classic, run_code

KINDS = 13


@pytest.mark.parametrize("number", range(len(ROUNDS)))
def test_rounds_have_the_tools_that_they_say(number: int) -> None:
    """So many tools on so many servers, 65 tasks, each of whose tools is there; and the same again when made again."""
    one = ROUNDS[number]
    servers, todo = opened(one)
    assert len(servers.tools) == one.servers
    assert sum(len(tools) for tools in servers.tools.values()) == one.tools
    assert len(todo) == 65
    assert [task.prompt for task in opened(one)[1]] == [task.prompt for task in todo]
    assert len({task.prompt for task in todo}) == len(todo)


def test_a_task_of_each_kind_passes_both_ways() -> None:
    """The short form: a task of each kind, with all tools and with code mode, ends in the right state and takes fewer
    tokens by at least what the bar says."""
    one = ROUNDS[0]
    servers, todo = opened(one)
    plain = run_classic(Direct(servers), servers, todo[:KINDS])
    with DirectCode(servers) as door:
        code = run_code(door, servers, todo[:KINDS])
    found = row(one, plain, code)
    assert found["failed"] == []
    assert missed(one, found) == []
    assert f"13 of 13 | {found['input_tokens_classic']:,}" in markdown([found])
    assert {task.name for task in todo[:KINDS]} == {task.name for task in todo}


def test_a_bar_that_is_missed_is_named() -> None:
    """Each bar is compared with its own figure."""
    figures = {"input_tokens_classic": 100, "input_tokens_code": 50, "cost_classic": 1.0, "cost_code": 0.1}
    found: dict[str, object] = {**figures, "round_trips_median": 5, "tasks": 65, "passed": 64}
    assert fall(found, "input_tokens") == 50
    assert [line.partition("missed: ")[2] for line in missed(ROUNDS[0], found)] == [
        "input tokens fall by 58.2 %",
        "4 round trips",
        "all tasks pass",
    ]
