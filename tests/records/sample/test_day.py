"""The sample day: what it holds, always the same."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

from asbru.records import COLUMNS
from asbru.records.sample.day import MINUTES, RUNAWAY, RUNAWAY_TEAM, SLOW, SLOW_PROVIDER, TAGS, Sampled, sample_day

END_MS = 1_795_000_000_000
AT = {column.name: place for place, column in enumerate(COLUMNS)}


def column(call: Sampled, name: str) -> object:
    """A value of a call."""
    return call.row[AT[name]]


def minute_of(call: Sampled) -> int:
    """The minute of the day."""
    return MINUTES - 1 - (END_MS - 1 - int(str(column(call, "started_ms")))) // 60_000


def test_a_day_is_whole() -> None:
    """Between 20,000 and 50,000 calls of six teams at three providers, marked, unique, in order, ending at the end;
    the same for the same seed."""
    day = list(sample_day(END_MS))
    assert 20_000 <= len(day) <= 50_000
    assert len({column(one, "team") for one in day}) == 6
    assert {column(one, "provider") for one in day} - {""} == {"openai", "anthropic", "groq"}
    assert {column(one, "tags") for one in day} == {TAGS}
    assert len({one.row[0] for one in day}) == len(day)
    times = [int(str(column(one, "started_ms"))) for one in day]
    assert times == sorted(times) and times[0] >= END_MS - 86_400_000 and END_MS - 60_000 < times[-1] < END_MS
    assert day == list(sample_day(END_MS)) and day != list(sample_day(END_MS, seed=1))
    assert all(isinstance(one.row[AT[name]], int) for one in day for name in ("status", "latency_us", "attempts"))


def test_two_incidents_can_be_seen() -> None:
    """One provider fails and is slow for 25 minutes; one team spends several times as much for a while."""
    day = list(sample_day(END_MS))
    failed = Counter(SLOW.covers(minute_of(one)) for one in day if column(one, "status") == 529)
    assert failed[True] > 10 and not failed[False]
    moved = [one for one in day if column(one, "attempts") == 2]
    assert len(moved) > 20
    for one in moved:
        log = json.loads(str(column(one, "attempt_log")))
        assert [entry["outcome"] for entry in log] == ["status", "ok"] and log[0]["provider"] == SLOW_PROVIDER
    costs = Counter[bool]()
    for one in day:
        if column(one, "team") == RUNAWAY_TEAM:
            costs[RUNAWAY.covers(minute_of(one))] += int(str(column(one, "cost_nanousd") or 0))
    assert costs[True] > 3 * costs[False]


def test_some_have_bodies() -> None:
    """A few hundred of the last ones: JSON, or events of it, with tools and images, as large as the record says."""
    day = [one for one in sample_day(END_MS) if one.bodies is not None]
    assert 150 <= len(day) <= 1000
    texts = ""
    for one in day:
        assert one.bodies is not None and one.bodies.call_id == one.row[0]
        assert json.loads(one.bodies.request)["messages"]
        assert column(one, "response_bytes") == len(one.bodies.response)
        if column(one, "stream"):
            data = [line[6:] for line in one.bodies.response.splitlines() if line.startswith(b"data: {")]
            assert all(json.loads(line) for line in data) and len(data) > 2
        else:
            assert json.loads(one.bodies.response)
        texts += one.bodies.request.decode() + one.bodies.response.decode()
    assert all(word in texts for word in ("tool_calls", "tool_use", "image_url", "image/png", "<script>"))
    assert all(a.row[0] < b.row[0] for a, b in pairwise(day))  # pyright: ignore[reportOperatorIssue] -- texts
