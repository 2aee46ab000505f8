"""The three rounds, what they are measured by, and the table. The bars are upper bounds that other gateways publish."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.code_mode.conversations import Conversations, Outcome
from bench.code_mode.doors import Door
from bench.code_mode.model import classic, with_code
from bench.code_mode.serve import ToolServers
from bench.code_mode.tables import tables
from bench.code_mode.task import Task
from bench.code_mode.tasks import tasks

ROUND_TRIPS_MAX = 4
Row = dict[str, object]


@dataclass(frozen=True)
class Round:
    """So many tools on so many servers; by how many percent input tokens and cost have to fall at least."""

    tools: int
    servers: int
    input_percent_min: float
    cost_percent_min: float


ROUNDS = (Round(96, 6, 58.2, 55.7), Round(251, 11, 84.5, 83.4), Round(508, 16, 92.8, 92.2))


def opened(one: Round) -> tuple[ToolServers, list[Task]]:
    """The servers of a round, and its tasks."""
    chosen = tables()[: one.servers]
    servers = ToolServers(chosen, one.tools)
    return servers, tasks(chosen, servers.begun)


def run_classic(door: Door, servers: ToolServers, todo: list[Task]) -> Outcome:
    """All tasks with all tools in the context."""
    return Conversations(servers, door, classic).have_done(todo)


def run_code(door: Door, servers: ToolServers, todo: list[Task]) -> Outcome:
    """All tasks with code mode."""
    return Conversations(servers, door, with_code).have_done(todo)


def row(one: Round, plain: Outcome, code: Outcome) -> Row:
    """The figures of a round. A task has passed if its answer and its end state were right both times."""
    count = len(plain.round_trips)
    found: Row = {
        "tools": one.tools,
        "servers": one.servers,
        "tasks": count,
        "passed": count - len(plain.failed.keys() | code.failed.keys()),
    }
    for name, outcome in (("classic", plain), ("code", code)):
        tally = outcome.tally
        found |= {
            f"input_tokens_{name}": tally.input_tokens,
            f"output_tokens_{name}": tally.output_tokens,
            f"cost_{name}": round(tally.cost, 4),
            f"cost_cached_{name}": round(tally.cost_cached, 4),
            f"tools_seconds_{name}": round(outcome.tools_s, 2),
        }
    return found | {
        "round_trips_median": statistics.median(code.round_trips),
        "round_trips_median_classic": statistics.median(plain.round_trips),
        "failed": [*plain.failed.values(), *code.failed.values()],
    }


def fall(found: Row, name: str) -> float:
    """By how many percent a figure falls with code mode."""
    before, after = (float(str(found[f"{name}_{way}"])) for way in ("classic", "code"))
    return 100 * (1 - after / before)


def missed(one: Round, found: Row) -> list[str]:
    """The bars that a row does not reach."""
    bars = (
        (f"input tokens fall by {one.input_percent_min} %", fall(found, "input_tokens") >= one.input_percent_min),
        (f"cost falls by {one.cost_percent_min} %", fall(found, "cost") >= one.cost_percent_min),
        (f"{ROUND_TRIPS_MAX} round trips", float(str(found["round_trips_median"])) <= ROUND_TRIPS_MAX),
        ("all tasks pass", found["passed"] == found["tasks"]),
    )
    return [f"{one.tools} tools: missed: {name}" for name, reached in bars if not reached]


def markdown(rows: Sequence[Row]) -> str:
    """The table."""
    lines = [
        "| tools | servers | passed | input tokens | cost | cost, prompt caching | output tokens | round trips "
        "| seconds in tools |",
        "|--|--|--|--|--|--|--|--|--|",
    ]
    for one in rows:
        cells = [
            str(one["tools"]),
            str(one["servers"]),
            f"{one['passed']} of {one['tasks']}",
            f"{one['input_tokens_classic']:,} -> {one['input_tokens_code']:,} (-{fall(one, 'input_tokens'):.1f} %)",
            f"${one['cost_classic']:.2f} -> ${one['cost_code']:.2f} (-{fall(one, 'cost'):.1f} %)",
            f"${one['cost_cached_classic']:.2f} -> ${one['cost_cached_code']:.2f} (-{fall(one, 'cost_cached'):.1f} %)",
            f"{one['output_tokens_classic']:,} -> {one['output_tokens_code']:,}",
            f"{one['round_trips_median_classic']:g} -> {one['round_trips_median']:g}",
            f"{one['tools_seconds_classic']} -> {one['tools_seconds_code']}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
