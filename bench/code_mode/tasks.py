"""What is to be done: 65 tasks for so many servers, made from thirteen kinds. The same on each machine."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

from bench.code_mode import changes, copies, questions
from bench.code_mode.tables import Table, World
from bench.code_mode.task import Place, Task

TASKS = 65

_KINDS: tuple[Callable[[Place], Task], ...] = (
    changes.set_where,
    questions.count_where,
    questions.top_person,
    changes.note_found,
    copies.create_for_each,
    questions.find_and_read,
    changes.follow_reference,
    changes.hand_over,
    questions.compare_servers,
    changes.judge_titles,
    copies.report,
    changes.raise_amounts,
    changes.largest_three,
)


def tasks(servers: Sequence[Table], world: World) -> list[Task]:
    """The tasks for these servers, spread over all of them."""
    places = itertools.count()
    made: list[Task] = []
    while len(made) < TASKS:
        turn = next(places)
        table, other = servers[turn % len(servers)], servers[(turn * 3 + 1) % len(servers)]
        if other is table:
            other = servers[(turn + 1) % len(servers)]
        first = table.collections[(turn // len(servers)) % 3]
        kind = _KINDS[turn % len(_KINDS)]
        made.append(kind(Place(first, other.collections[0], table.collections[0], table.collections, world, turn)))
    return made
