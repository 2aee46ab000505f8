"""Usage in disjoint buckets, and two reports made one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.chat import Raw
from asbru.core.reply import UsageReport
from asbru.core.usage import Usage
from asbru.dialects.anthropic_messages import DIALECT
from asbru.dialects.anthropic_messages.usage import merge_usage, read_usage

FIVE, HOUR = "ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"

WIRES: list[tuple[dict[str, Any], Usage | None]] = [
    ({"input_tokens": 1, "output_tokens": 2}, Usage(input=1, output=2, reasoning_known=False)),
    (
        {"input_tokens": 1, "cache_read_input_tokens": 5, "cache_creation_input_tokens": 7, "output_tokens": 2},
        Usage(input=1, cache_read=5, cache_write_5m=7, output=2, reasoning_known=False),
    ),
    (
        {
            "input_tokens": 1,
            "cache_creation_input_tokens": 7,
            "cache_creation": {FIVE: 3, HOUR: 4},
            "output_tokens": 2,
        },
        Usage(input=1, cache_write_5m=3, cache_write_1h=4, output=2, reasoning_known=False),
    ),
    (
        {
            "input_tokens": 1,
            "cache_creation_input_tokens": 7,
            "cache_creation": {FIVE: None, HOUR: 9},
            "output_tokens": 2,
        },
        Usage(input=1, cache_write_1h=7, output=2, reasoning_known=False),
    ),
    (
        {"input_tokens": 1, "cache_creation": {FIVE: 3}, "output_tokens": 2},
        Usage(input=1, cache_write_5m=3, output=2, reasoning_known=False),
    ),
    (
        {"input_tokens": None, "cache_read_input_tokens": None, "cache_creation": None, "output_tokens": 2},
        Usage(output=2, reasoning_known=False),
    ),
    (
        {"input_tokens": 1, "output_tokens": 10, "output_tokens_details": {"thinking_tokens": 4}},
        Usage(input=1, output=6, reasoning=4),
    ),
    (
        {"input_tokens": 1, "output_tokens": 3, "output_tokens_details": {"thinking_tokens": 4}},
        Usage(input=1, output=0, reasoning=3),
    ),
    ({"input_tokens": -5, "output_tokens": 3}, Usage(output=3, reasoning_known=False)),
    ({"input_tokens": None, "output_tokens": None}, None),
    ({"server_tool_use": {"web_search_requests": 1}}, None),
]


@pytest.mark.parametrize(("wire", "expected"), WIRES)
def test_buckets(wire: dict[str, Any], expected: Usage | None) -> None:
    """Counts go to disjoint buckets; their sum is the provider's own total; none is negative; unknown is None."""
    usage = DIALECT.passing.usage_of(json.dumps({"usage": wire}).encode())
    assert usage == expected
    if usage is not None:
        names = ("input_tokens", "cache_read_input_tokens", "output_tokens")
        total = sum(max(wire.get(name) or 0, 0) for name in names)
        writes = wire.get("cache_creation_input_tokens")
        total += (
            sum(count or 0 for count in (wire.get("cache_creation") or {}).values()) if writes is None else writes
        )
        assert usage.total == total


def event(kind: str, usage: dict[str, Any]) -> bytes:
    """An event with usage: message_start keeps it in its message."""
    holder = {"message": {"usage": usage}} if kind == "message_start" else {"usage": usage, "delta": {}}
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **holder})}\n\n".encode()


def wire(**counts: int | None) -> dict[str, Any]:
    """A usage object; `read` and `write` stand for the cache counts."""
    names = {"read": "cache_read_input_tokens", "write": "cache_creation_input_tokens"}
    return {names.get(name, f"{name}_tokens"): count for name, count in counts.items()}


MERGES: list[tuple[dict[str, Any], dict[str, Any], Usage | None]] = [
    ({}, {}, None),
    (wire(input=3), {}, Usage(input=3, reasoning_known=False)),
    ({}, wire(output=3), Usage(output=3, reasoning_known=False)),
    (wire(input=3, read=9, output=1), wire(output=8), Usage(input=3, cache_read=9, output=8, reasoning_known=False)),
    (
        wire(input=3, output=1),
        wire(input=7, read=2, output=8),
        Usage(input=7, cache_read=2, output=8, reasoning_known=False),
    ),
    (wire(input=3, read=9), wire(input=181, read=0, output=8), Usage(input=181, output=8, reasoning_known=False)),
    (
        wire(input=3, read=9),
        wire(input=4, read=None, output=8),
        Usage(input=4, cache_read=9, output=8, reasoning_known=False),
    ),
    (
        {**wire(write=7, output=1), "cache_creation": {FIVE: 2, HOUR: 5}},
        wire(input=1, write=7, output=8),
        Usage(input=1, cache_write_5m=2, cache_write_1h=5, output=8, reasoning_known=False),
    ),
    (wire(input=3, output=1), wire(input=3), Usage(input=3, output=1, reasoning_known=False)),
    (
        wire(input=3, output=1),
        {**wire(output=8), "output_tokens_details": {"thinking_tokens": 4}},
        Usage(input=3, output=4, reasoning=4),
    ),
]


@pytest.mark.parametrize(("head", "tail", "expected"), MERGES)
def test_two_reports_are_one(head: dict[str, Any], tail: dict[str, Any], expected: Usage | None) -> None:
    """A later total wins where it is given, zero included; the split of cache writes is kept; it is plain usage."""
    start = DIALECT.passing.head_usage(event("message_start", head))
    merged = DIALECT.passing.merge_usage(start, DIALECT.passing.tail(event("message_delta", tail)).usage)
    assert merged == expected
    assert merged is None or type(merged) is Usage


@pytest.mark.parametrize(
    ("more", "standard"),
    [
        ({}, True),
        ({"service_tier": "standard", "inference_geo": "global", "speed": "standard"}, True),
        ({"inference_geo": "not_available", "server_tool_use": None}, True),
        ({"server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 4}}, True),
        ({"server_tool_use": {"web_search_requests": 5}}, False),
        ({"inference_geo": "us"}, False),
        ({"service_tier": "priority"}, False),
        ({"speed": "fast"}, False),
    ],
)
def test_what_is_not_charged_at_standard_prices_is_known(more: dict[str, object], standard: bool) -> None:
    """Tiers, regions, fast mode and fees for each use: tokens alone do not tell the cost."""
    usage = read_usage(Raw(json.dumps({"input_tokens": 3, "output_tokens": 2, **more}).encode()))
    assert usage is not None and usage.standard is standard
    both = merge_usage(usage, Usage(output=4))
    assert both is not None and both.standard is standard


@pytest.mark.parametrize(
    ("more", "priced"),
    [
        ({"service_tier": "priority"}, ("priority", 0)),
        ({"server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 1}}, ("", 3)),
        ({"server_tool_use": {"web_search_requests": 3}, "inference_geo": "us"}, ("", 0)),
        ({"server_tool_use": {"web_search_requests": 3, "code_execution_requests": 1}}, ("", 0)),
        ({"service_tier": "priority", "speed": "fast"}, ("", 0)),
    ],
)
def test_what_may_have_a_price_all_the_same(more: dict[str, object], priced: tuple[str, int]) -> None:
    """A tier and searches are told where they are all that is not standard, also across the two reports of a stream."""
    wire = {"input_tokens": 1, "output_tokens": 1}
    usage = read_usage(Raw(json.dumps(wire | more).encode()))
    assert usage is not None
    assert (usage.standard, usage.tier, usage.web_searches) == (False, *priced)
    plain = read_usage(Raw(json.dumps(wire).encode()))
    for merged in (merge_usage(plain, usage), merge_usage(usage, plain)):
        assert merged is not None
        assert (merged.standard, merged.tier, merged.web_searches) == (False, *priced)


COMPACTION = {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3_500, "cache_read_input_tokens": 7}
MESSAGE = {"type": "message", "input_tokens": 23_000, "output_tokens": 1_000}
COMPACTED = {"input_tokens": 23_000, "output_tokens": 1_000, "iterations": [COMPACTION, MESSAGE]}


def test_what_a_compaction_cost_is_counted() -> None:
    """The API's own counts leave out the run that compacted the conversation, which is charged like any other."""
    usage = read_usage(Raw(json.dumps(COMPACTED).encode()))
    assert usage == Usage(input=203_000, cache_read=7, output=4_500, reasoning_known=False)
    body = json.dumps({"type": "message", "content": [], "usage": COMPACTED}).encode()
    assert DIALECT.passing.usage_of(body) == usage


def test_a_compaction_in_a_stream_is_counted() -> None:
    """So it is where the last event of a stream tells of it, passed or translated."""
    start = {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 23_000}}}
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": COMPACTED}
    events = [start, delta, {"type": "message_stop"}]
    data = b"".join(b"event: %b\ndata: %b\n\n" % (one["type"].encode(), json.dumps(one).encode()) for one in events)
    read = DIALECT.chat.stream_reader().feed(data)
    assert [event.usage.total for event in read if isinstance(event, UsageReport)] == [207_507]
    tail = DIALECT.passing.tail(data)
    assert tail.usage is not None
    assert tail.usage.total == 207_507


def test_the_apis_own_counts_go_back() -> None:
    """A caller of this dialect reads how full the context is from the counts, and finds the compaction beside them."""
    body = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": COMPACTED}
    reply = DIALECT.chat.read_reply(json.dumps({**body, "stop_reason": "end_turn"}).encode())
    written = json.loads(DIALECT.chat.write_reply(reply).body)["usage"]
    assert (written["input_tokens"], written["output_tokens"]) == (23_000, 1_000)
    assert written["iterations"] == COMPACTED["iterations"]


@pytest.mark.parametrize("kind", ["advisor_message", "fallback_message", "of_next_year"])
def test_what_other_models_ran_has_no_known_price(kind: str) -> None:
    """Runs of other models are charged at their prices: the cost is unknown, not too low."""
    told = {
        **MESSAGE,
        "iterations": [MESSAGE, {"type": kind, "model": "other", "input_tokens": 9, "output_tokens": 9}],
    }
    usage = read_usage(Raw(json.dumps(told).encode()))
    assert usage is not None
    assert (usage.input, usage.standard, usage.tier) == (23_000, False, "")


@pytest.mark.parametrize("told", [None, [], "x", [1], [{"type": "message"}], [{"type": "compaction"}]])
def test_iterations_that_say_nothing(told: Any) -> None:
    """Nothing is added for them."""
    usage = read_usage(Raw(json.dumps({"input_tokens": 1, "output_tokens": 2, "iterations": told}).encode()))
    assert usage == Usage(input=1, output=2, reasoning_known=False)
