"""The sample day: six teams, three providers, two incidents, in the order of time. Pure: the end and a seed are given.

6 h before the end, 25 minutes   one provider is slow and answers every other call with 5xx; most go to a fallback
3 h before the end, 70 minutes   a job of one team runs away: many calls, long outputs
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from asbru.records.bodies.store import Bodies
from asbru.records.row import COLUMNS, Row
from asbru.records.sample import talk
from asbru.records.sample.mark import MARK

TAG: Final = "sample"
TAGS: Final = '{"sample":"true"}'
SEED: Final = 20
AGENT_KEY: Final = "claude-code"
"""A key of TEAMS whose calls are of sessions of an agent."""
SESSION_MINUTES: Final = 40
SESSIONS: Final = 3
"""At a time, each of SESSION_MINUTES."""
MINUTES: Final = 24 * 60
_MINUTE_MS: Final = 60_000


class Model(NamedTuple):
    """A model: nano-dollars for a token in, read from a cache and out; milliseconds to the first token and for each."""

    provider: str
    name: str
    input: int
    cached: int
    output: int
    first_ms: int
    token_ms: float


class Team(NamedTuple):
    """Who calls. `calls`: a minute at the busiest; `night`: the share of it at night; `tokens`: in and out, typically;
    `stream`: the share of streams."""

    name: str
    customer: str
    keys: tuple[str, ...]
    models: tuple[str, ...]
    calls: float
    night: float
    tokens: tuple[int, int]
    stream: float


class Incident(NamedTuple):
    """Minutes of the day."""

    begin: int
    minutes: int

    def covers(self, minute: int) -> bool:
        """Whether it goes on."""
        return self.begin <= minute < self.begin + self.minutes


MODELS: Final = {
    model.name: model
    for model in (
        Model("openai", "gpt-4o", 2500, 1250, 10_000, 420, 11.0),
        Model("openai", "gpt-4o-mini", 150, 75, 600, 310, 7.0),
        Model("anthropic", "claude-sonnet-4-5", 3000, 300, 15_000, 680, 15.0),
        Model("anthropic", "claude-haiku-4-5", 1000, 100, 5000, 380, 8.0),
        Model("groq", "llama-3.3-70b-versatile", 590, 590, 790, 120, 3.2),
    )
}
TEAMS: Final = (
    Team(
        "search", "northwind", ("search-prod", "search-eval"), ("gpt-4o-mini", "gpt-4o"), 8.0, 0.35, (1400, 180), 0.2
    ),
    Team(
        "support", "northwind", ("support-bot", "support-triage"), ("claude-haiku-4-5",), 7.0, 0.25, (2600, 320), 0.8
    ),
    Team(
        "engineering", "northwind", ("claude-code", "ci-review"), ("claude-sonnet-4-5",), 4.0, 0.05, (9000, 700), 0.95
    ),
    Team("growth", "contoso", ("copywriter",), ("gpt-4o", "claude-sonnet-4-5"), 2.0, 0.1, (900, 600), 0.3),
    Team("data", "contoso", ("nightly-labels",), ("llama-3.3-70b-versatile",), 3.0, 2.5, (700, 60), 0.0),
    Team("research", "", ("notebooks", "evals"), ("gpt-4o", "llama-3.3-70b-versatile"), 2.0, 0.4, (3200, 900), 0.5),
)
SLOW: Final = Incident(MINUTES - 6 * 60, 25)
SLOW_PROVIDER: Final = "anthropic"
FALLBACK: Final = "gpt-4o"
RUNAWAY: Final = Incident(MINUTES - 3 * 60, 70)
RUNAWAY_TEAM: Final = "growth"
_CURVE: Final = tuple(
    one / 100
    for one in (30, 20, 20, 20, 20, 30, 50, 70, 90, 100, 100, 95, 85, 95, 100, 100, 95, 85, 70, 60, 55, 50, 45, 40)
)
"""Share of the busiest hour, by hour (UTC)."""


class Sampled(NamedTuple):
    """One call."""

    row: Row
    bodies: Bodies | None


def sample_day(end_ms: int, seed: int = SEED) -> Iterator[Sampled]:
    """The calls of the day that ends at `end_ms`, in the order of time."""
    chance = random.Random(seed)  # noqa: S311 -- nothing is kept secret by it
    for minute in range(MINUTES):
        begin_ms = end_ms - (MINUTES - minute) * _MINUTE_MS
        hour = begin_ms // 3_600_000 % 24
        calls: list[tuple[int, Team]] = []
        for team in TEAMS:
            curve = _CURVE[hour]
            wanted = team.calls * (curve + (1 - curve) * team.night if team.night > 1 else max(curve, team.night))
            if team.name == RUNAWAY_TEAM and RUNAWAY.covers(minute):
                wanted *= 20
            wanted *= chance.uniform(0.7, 1.3)
            count = int(wanted) + (chance.random() < wanted % 1)
            calls += [(begin_ms + chance.randrange(_MINUTE_MS), team) for _ in range(count)]
        for number, (at_ms, team) in enumerate(sorted(calls, key=lambda call: call[0])):
            yield _call(chance, minute, team, at_ms=at_ms, number=minute * 1000 + number)


def _call(chance: random.Random, minute: int, team: Team, *, at_ms: int, number: int) -> Sampled:
    model = MODELS[chance.choice(team.models)]
    runaway = team.name == RUNAWAY_TEAM and RUNAWAY.covers(minute)
    slow = model.provider == SLOW_PROVIDER and SLOW.covers(minute)
    stream = chance.random() < team.stream
    tokens_in = max(20, int(chance.lognormvariate(0, 0.6) * team.tokens[0]))
    tokens_out = max(5, int(chance.lognormvariate(0, 0.7) * team.tokens[1] * (6 if runaway else 1)))
    cached = int(tokens_in * chance.choice((0, 0, 0.5, 0.8))) if tokens_in > 1000 else 0
    values: dict[str, Any] = {
        "id": f"req_{at_ms:011x}{MARK}{number:x}",
        "started_ms": at_ms,
        "surface": "anthropic.messages" if model.provider == "anthropic" else "openai.chat",
        "caller": chance.choice(team.keys),
        "team": team.name,
        "customer": team.customer,
        "model_asked": f"{model.provider}/{model.name}",
        "stream": stream,
        "tags": TAGS,
    }
    if values["caller"] == AGENT_KEY:
        values |= {"session": _session_of(minute, number), "agent": "claude-cli"}
    if chance.random() < 0.004:
        values |= _refused(chance, str(values["caller"]))
        return Sampled(_row(values), None)
    failed = slow and chance.random() < 0.5
    attempts = [_attempt(model, 529, "the provider is overloaded", chance.randrange(8_000, 30_000))] if failed else []
    if failed and chance.random() < 0.3:
        values |= _error(model, attempts)
        return Sampled(_row(values), None)
    served = MODELS[FALLBACK] if failed else model
    tokens = _Tokens(tokens_in, cached, tokens_out)
    values |= _reply(chance, served, tokens, attempts, slow=slow and not failed)
    if not stream:
        values["first_token_us"] = None
    bodies = None
    if minute >= MINUTES - 30 and number % 2 == 0:
        request, response = talk.write_talk(number // 2, str(values["surface"]), model.name, stream=stream)
        bodies = Bodies(str(values["id"]), request, len(request), response, len(response))
        values |= {"request_bytes": len(request), "response_bytes": len(response)}
    else:
        values |= {"request_bytes": tokens_in * 4, "response_bytes": tokens_out * (180 if stream else 4)}
    return Sampled(_row(values), bodies)


class _Tokens(NamedTuple):
    """Of a call. `cached`: those of `input` that were read from a cache."""

    input: int
    cached: int
    output: int


def _reply(
    chance: random.Random, served: Model, tokens: _Tokens, attempts: list[dict[str, Any]], *, slow: bool
) -> dict[str, Any]:
    """The columns of a call that a model served, after `attempts` that failed."""
    slowness = chance.uniform(4, 9) if slow else chance.lognormvariate(0, 0.3)
    waited_us = sum(1000 * int(one["ms"]) for one in attempts)
    first_us = int(served.first_ms * 1000 * slowness)
    took_us = first_us + int(tokens.output * served.token_ms * 1000 * chance.uniform(0.8, 1.2))
    read = tokens.input - tokens.cached
    cost = read * served.input + tokens.cached * served.cached + tokens.output * served.output
    if attempts:
        attempts.append(_attempt(served, 200, "", took_us // 1000))
        attempts[-1] |= {"outcome": "ok", "billed": True, "cost_nanousd": cost}
        attempts[-1] |= {"input_tokens": tokens.input, "output_tokens": tokens.output}
    cancelled = chance.random() < 0.006
    return {
        "provider": served.provider,
        "model_served": served.name,
        "key_name": "main",
        "attempts": max(1, len(attempts)),
        "attempt_log": json.dumps(attempts) if attempts else "",
        "status": 499 if cancelled else 200,
        "outcome": "cancelled" if cancelled else "ok",
        "input_tokens": read,
        "cache_read_tokens": tokens.cached,
        "output_tokens": tokens.output,
        "usage_source": "provider",
        "standard": True,
        "cost_nanousd": cost,
        "latency_us": waited_us + took_us,
        "first_token_us": waited_us + first_us,
        "pass_through": not attempts,
        "notes": "cache_control: dropped, the provider caches by itself" if attempts else "",
        "route": f"fallback: {served.provider}/{served.name}" if attempts else "",
        **dict.fromkeys(("cache_write_5m_tokens", "cache_write_1h_tokens", "audio_input_tokens"), 0),
        **dict.fromkeys(("reasoning_tokens", "audio_output_tokens", "image_input_tokens", "image_output_tokens"), 0),
    }


def _session_of(minute: int, number: int) -> str:
    """A session as agents name them."""
    digits = hashlib.blake2b(b"%d %d" % (minute // SESSION_MINUTES, number % SESSIONS), digest_size=16).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _refused(chance: random.Random, key: str) -> dict[str, Any]:
    status, code, message = chance.choice(
        (
            (
                429,
                "rate_limit_exceeded",
                f"key '{key}' has used 600 of its 600 requests per minute; this call would be one more",
            ),
            (403, "model_not_allowed", "this key may not use the model 'openai/o3-pro'; it may use openai/gpt-*"),
        )
    )
    return {
        "status": status,
        "outcome": "refused",
        "error_code": code,
        "error_message": message,
        "latency_us": chance.randrange(150, 400),
    }


def _error(model: Model, attempts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "provider": model.provider,
        "model_served": model.name,
        "key_name": "main",
        "attempts": len(attempts),
        "attempt_log": json.dumps(attempts),
        "status": 529,
        "outcome": "error",
        "error_code": "upstream_error",
        "error_message": "the provider is overloaded",
        "latency_us": 1000 * int(attempts[0]["ms"]),
    }


def _attempt(model: Model, status: int, reason: str, ms: int) -> dict[str, Any]:
    told = {"provider": model.provider, "model": model.name, "key": "main", "status": status, "outcome": "status"}
    unknown = {"input_tokens": None, "output_tokens": None, "cost_nanousd": None}
    return {**told, "sent": True, "billed": False, "ms": ms, **unknown, "reason": reason}


def _row(values: dict[str, Any]) -> Row:
    """A row; what is not said is empty, zero or unknown."""
    return tuple(
        values.get(column.name, "" if column.kind == "text" else None if column.nullable else 0) for column in COLUMNS
    )
