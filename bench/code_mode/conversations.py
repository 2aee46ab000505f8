"""Conversations of the scripted model: each request counted, each call made, the end state compared."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from bench.code_mode.doors import Door
from bench.code_mode.model import Model, Offered, Request, Step, Stuck
from bench.code_mode.serve import ToolServers
from bench.code_mode.tables import World
from bench.code_mode.task import Task
from bench.code_mode.tokens import Counter, Tally

SYSTEM = (
    "You are an assistant that works with the systems of a company through tools. Do what you are asked to, and "
    "nothing else. Call tools at the same time if they do not depend on each other. Answer briefly."
)
STEPS_MAX = 40


@dataclass
class Outcome:
    """Of all tasks in one way. `round_trips`: requests to the model for each task; `failed`: what went wrong, by
    task; `tools_s`: seconds in calls of tools."""

    tally: Tally
    round_trips: list[int] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    tools_s: float = 0.0


def prefix(tools: dict[str, Offered]) -> tuple[str, ...]:
    """The lines that all requests begin with."""
    lines = [
        json.dumps({"name": one.name, "description": one.description, "input_schema": one.schema})
        for one in tools.values()
    ]
    return (SYSTEM, *lines)


class Conversations:
    """Has tasks done in one way: each in a conversation of its own, on servers as they were at the beginning."""

    def __init__(self, servers: ToolServers, door: Door, model: Callable[[Task, Request], Model]) -> None:
        self._servers = servers
        self._door = door
        self._model = model
        self._counter = Counter()
        self._tools = door.tools()
        self._prefix = prefix(self._tools)
        self.outcome = Outcome(self._counter.tally)

    def have_done(self, tasks: list[Task]) -> Outcome:
        """All of these; a task that fails is told, and does not end the others."""
        for number, task in enumerate(tasks):
            self._servers.reset()
            before = self._counter.tally.requests
            try:
                problem = _problem(task, self._servers, self._one(task))
            except Stuck as error:
                problem = str(error)
            if problem:
                self.outcome.failed[number] = f"{task.name}: {problem}"
            self.outcome.round_trips.append(self._counter.tally.requests - before)
        return self.outcome

    def _one(self, task: Task) -> str:
        """One conversation; its last reply."""
        self._counter.begin()
        request = Request(self._tools, task.prompt)
        messages = [json.dumps({"role": "user", "content": request.prompt})]
        running = self._model(task, request)
        step = next(running)
        for _ in range(STEPS_MAX):
            self._counter.request(self._prefix, messages)
            written = _written(step)
            self._counter.reply(written)
            if not step.calls:
                return step.final
            messages += written
            begun = time.perf_counter()
            for call, name, arguments in step.calls:
                text = request.results[call] = self._door.call(name, arguments)
                messages.append(json.dumps({"role": "tool", "id": call, "content": text}))
            self.outcome.tools_s += time.perf_counter() - begun
            step = running.send(request)
        raise Stuck(f"not done after {STEPS_MAX} steps")


def _written(step: Step) -> list[str]:
    if not step.calls:
        return [step.final]
    return [json.dumps({"id": call, "name": name, "arguments": given}) for call, name, given in step.calls]


def _problem(task: Task, servers: ToolServers, final: str) -> str:
    """What is not as it should be, "" if everything is."""
    if json.loads(final) != task.answer:
        return f"the answer is {final[:200]}, expected {json.dumps(task.answer)[:200]}"
    expected = deepcopy(servers.begun)
    task.after(expected)
    for server, collections in expected.items():
        for many, records in collections.items():
            if _compared(records, servers.begun[server][many]) != _compared(
                servers.world[server][many], servers.begun[server][many]
            ):
                return f"the end state of {server}/{many} is wrong"
    return ""


def _compared(records: dict[str, Any], begun: dict[str, Any]) -> World | tuple[dict[str, Any], list[str]]:
    """Records by id; of new ones, whose ids depend on the order, the values only."""
    known = {key: one for key, one in records.items() if key in begun}
    new = [json.dumps({**one, "id": ""}, sort_keys=True) for key, one in records.items() if key not in begun]
    return known, sorted(new)
