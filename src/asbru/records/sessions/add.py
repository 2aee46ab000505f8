"""What records add to the sums of their sessions, in the transaction that writes, changes or removes them.

A session is of one caller, in one team: two keys that name the same session have one each, so nobody sees another's
calls by guessing a name, nor what a key called before it came to a team. Calls without a session cost a look.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, Final

from asbru.records.row import COLUMNS
from asbru.records.sums import numbers_of
from asbru.storage import Database

TOOL_SURFACES: Final = "mcp."
"""What the surfaces of calls to tools begin with."""
MODELS_CHARS_MAX: Final = 2_000
"""Models of a session beyond that have no line of their own."""
SUMS: Final = (
    "calls",
    "tool_calls",
    "failed",
    "unpriced",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "cost_nanousd",
)
NAMES: Final = ("id", "caller", "team", "session", "customer", "agent", "first_ms", "last_ms", *SUMS, "models")

_AT: Final = {column.name: place for place, column in enumerate(COLUMNS)}
_SESSION: Final = _AT["session"]
_names_of: Final = itemgetter(
    *(_AT[name] for name in ("caller", "team", "session", "customer", "agent", "surface", "provider")),
    *(_AT[name] for name in ("model_served", "started_ms", "latency_us", "cache_read_tokens")),
)
_ADD: Final = f"""
    INSERT INTO agent_sessions ({", ".join(NAMES)}) VALUES ({", ".join("?" * len(NAMES))})
    ON CONFLICT (id) DO UPDATE SET
    customer = excluded.customer,
    agent = CASE WHEN excluded.agent <> '' THEN excluded.agent ELSE agent_sessions.agent END,
    first_ms = CASE WHEN excluded.first_ms < agent_sessions.first_ms THEN excluded.first_ms
        ELSE agent_sessions.first_ms END,
    last_ms = CASE WHEN excluded.last_ms > agent_sessions.last_ms THEN excluded.last_ms ELSE agent_sessions.last_ms END,
    models = CASE WHEN excluded.models = '' OR length(agent_sessions.models) > {MODELS_CHARS_MAX}
        OR instr(agent_sessions.models, excluded.models) > 0 THEN agent_sessions.models
        ELSE agent_sessions.models || excluded.models END,
    {", ".join(f"{name} = agent_sessions.{name} + excluded.{name}" for name in SUMS)}
"""  # noqa: S608 -- our own names
_TAKE: Final = f"UPDATE agent_sessions SET {', '.join(f'{name} = {name} - ?' for name in SUMS)} WHERE id = ?"  # noqa: S608 -- our own names

_DELETE: Final = "DELETE FROM agent_sessions WHERE id = ? AND calls + tool_calls <= 0"


class _Part:
    """What some records of one session add to it, all of one model."""

    __slots__ = ("first_ms", "known", "last_ms", "sums")

    def __init__(self, known: tuple[str, ...], started_ms: int) -> None:
        self.known = known
        self.first_ms = self.last_ms = started_ms
        self.sums = [0] * len(SUMS)


def session_id(caller: str, team: str, session: str) -> str:
    """The id of a session of a caller in a team: the same for all its calls, and safe in a path."""
    import hashlib  # here: it loads OpenSSL, 3.7 MB in a bookkeeper to which no agent sends sessions

    named = f"{caller}\0{team}\0{session}".encode(errors="replace")
    return f"ses_{hashlib.blake2b(named, digest_size=10).hexdigest()}"


def add_records(database: Database, rows: Iterable[Sequence[Any]]) -> None:
    """Add new records to the sums of their sessions, in the transaction that is open. One that holds words where
    numbers belong, or the other way round, counts nowhere."""
    parts = _parts(row for row in rows if row[_SESSION])
    if parts:
        database.run_many(
            _ADD,
            [
                (session_id(*named), *named, *part.known, part.first_ms, part.last_ms, *part.sums, model)
                for (*named, model), part in parts.items()
            ],
        )


def take_records(database: Database, rows: Iterable[Sequence[Any]]) -> None:
    """The opposite, of records that are removed; a session without any is removed, too. Others keep their times and
    models."""
    parts = _parts(row for row in rows if row[_SESSION])
    if parts:
        ids = [session_id(*named) for *named, _ in parts]
        database.run_many(_TAKE, [(*part.sums, one) for one, part in zip(ids, parts.values(), strict=True)])
        database.run_many(_DELETE, [(one,) for one in dict.fromkeys(ids)])


def change_cost(database: Database, row: Sequence[Any], *, unpriced: int, cost_nanousd: int) -> None:
    """The cost of a record of a session changes by so much."""
    if row[_SESSION]:
        database.run(
            "UPDATE agent_sessions SET unpriced = unpriced + ?, cost_nanousd = cost_nanousd + ? WHERE id = ?",
            (unpriced, cost_nanousd, session_id(row[_AT["caller"]], row[_AT["team"]], row[_SESSION])),
        )


def _parts(rows: Iterable[Sequence[Any]]) -> dict[tuple[str, str, str, str], _Part]:
    """By caller, team, session and model. `model`: as `models` has it, "" of a call to a tool or to none."""
    parts: dict[tuple[str, str, str, str], _Part] = {}
    for row in rows:
        caller, team, session, customer, agent, surface, *places = _names_of(row)
        provider, served, started_ms, latency_us, cached = places
        try:
            is_tool = surface.startswith(TOOL_SURFACES)
            _, failed, unpriced, taken, given, cost = numbers_of(row)
            last_ms = started_ms + latency_us // 1000
            sums = (1 - is_tool, int(is_tool), failed, unpriced, taken, 0 + (cached or 0), given, cost)
        except (TypeError, AttributeError):
            continue
        model = "" if is_tool or not served else f"\n{provider}/{served}\n"
        part = parts.get((caller, team, session, model))
        if part is None:
            part = parts[caller, team, session, model] = _Part((customer, agent), started_ms)
        part.first_ms = min(part.first_ms, started_ms)
        part.last_ms = max(part.last_ms, last_ms)
        part.sums = [one + more for one, more in zip(part.sums, sums, strict=True)]
    return parts
