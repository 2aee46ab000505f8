"""Usage of the Messages API, read into disjoint buckets and written back.

The API's `input_tokens` is already what no cache served, so the buckets are its own: cache reads, cache writes by
lifetime (5 minutes unless told), and output, of which `output_tokens_details` may split the thinking. Absent and
null counts are unknown; where no count is known at all the usage is None.

A request may take several runs of a model (`iterations`). The API's counts leave out the runs that compacted the
conversation, which cost as much: they are added. What other models ran is charged at their prices, so that the cost is
unknown then.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from asbru.core.chat import Extra, Raw
from asbru.core.usage import Usage
from asbru.dialects.anthropic_messages.types import UsageWire, decode_members, decode_usage, encode
from asbru.dialects.fields import DECODE_ERRORS, NULL

_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation",
    "output_tokens_details",
)


_STANDARD_TIERS = (None, "standard")
_STANDARD_SPEEDS = (None, "standard")
_STANDARD_REGIONS = (NULL, Raw(b'"global"'), Raw(b'"not_available"'))
_TIER_CHARS_MAX = 40
_BUCKETS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")
_COMPACTION = "compaction"
_OWN_RUNS = frozenset(("message", _COMPACTION))
"""Kinds of `iterations` that the model of the request ran (2026-10; others: `advisor_message`, `fallback_message`).
https://platform.claude.com/docs/en/build-with-claude/compaction#understanding-usage"""
_SEARCHES = "web_search_requests"
_FREE_TOOLS = frozenset(("web_fetch_requests",))
"""What is charged by tokens at standard prices. The priority and batch tiers, fast mode, inference in the US alone and
web searches (a fee for each) are not, and only tiers and searches may be priced: https://platform.claude.com/docs/en/about-claude/pricing."""


def usage_from(wire: UsageWire | None) -> Usage | None:
    """The buckets; None when nothing was counted."""
    if wire is None:
        return None
    given = (wire.input_tokens, wire.output_tokens, wire.cache_read_input_tokens)
    if given == (None, None, None) and wire.cache_creation_input_tokens is None:
        return None
    write_5m, write_1h = _writes(wire)
    output = max(wire.output_tokens or 0, 0)
    details = wire.output_tokens_details
    thinking = None if details is None else details.thinking_tokens
    reasoning = min(max(thinking or 0, 0), output)
    otherwise = wire.speed not in _STANDARD_SPEEDS or wire.inference_geo not in _STANDARD_REGIONS
    searches = _searches(wire.server_tool_use)
    if searches is None:
        otherwise, searches = True, 0
    compacted, others_ran = _iterations(wire.iterations)
    otherwise = otherwise or others_ran
    tier = "" if wire.service_tier in _STANDARD_TIERS else str(wire.service_tier)[:_TIER_CHARS_MAX]
    usage = Usage(
        input=max(wire.input_tokens or 0, 0),
        cache_read=max(wire.cache_read_input_tokens or 0, 0),
        cache_write_5m=write_5m,
        cache_write_1h=write_1h,
        output=output - reasoning,
        reasoning=reasoning,
        reasoning_known=thinking is not None,
        standard=not (otherwise or searches or tier),
        tier="" if otherwise else tier,
        web_searches=0 if otherwise else searches,
    )
    return usage if compacted is None else _moved(usage, compacted, 1)


def _iterations(told: Any) -> tuple[Usage | None, bool]:
    """The runs that the counts leave out, and whether there were runs of other models."""
    if not isinstance(told, list):
        return None, False
    runs = [cast("dict[str, Any]", one) for one in cast("list[Any]", told) if isinstance(one, dict)]
    compacted: Usage | None = None
    for run in runs:
        usage = None
        if run.get("type") == _COMPACTION:
            usage = read_usage(Raw(encode({**run, "iterations": None})))
        if usage is not None:
            compacted = usage if compacted is None else _moved(compacted, usage, 1)
    return compacted, any(run.get("type") not in _OWN_RUNS for run in runs)


def _moved(usage: Usage, by: Usage, sign: int) -> Usage:
    """The usage with the counts of another one added, or taken out."""
    counts = {name: max(getattr(usage, name) + sign * getattr(by, name), 0) for name in _BUCKETS}
    return msgspec.structs.replace(usage, **counts)


def without_compaction(usage: Usage | None, extra: Extra) -> Usage | None:
    """The usage as the API counts it, beside its `iterations` in `extra`."""
    if usage is None or "iterations" not in extra:
        return usage
    try:
        compacted, _ = _iterations(msgspec.json.decode(extra["iterations"]))
    except DECODE_ERRORS:
        return usage
    return usage if compacted is None else _moved(usage, compacted, -1)


def _searches(used: Any) -> int | None:
    """Searches of the web, which cost a fee each; None where other tools of the provider were used that may, too."""
    if not isinstance(used, dict):
        return 0
    counts = cast("dict[str, Any]", used)
    if any(count for name, count in counts.items() if name not in _FREE_TOOLS and name != _SEARCHES):
        return None
    count = counts.get(_SEARCHES) or 0
    return count if isinstance(count, int) and count >= 0 else None


def _writes(wire: UsageWire) -> tuple[int, int]:
    """Cache writes (5m, 1h); the total is the API's own word, the split says how much of it is dearer."""
    split = wire.cache_creation
    write_5m = max((split.ephemeral_5m_input_tokens if split else None) or 0, 0)
    write_1h = max((split.ephemeral_1h_input_tokens if split else None) or 0, 0)
    total = wire.cache_creation_input_tokens
    if total is None:
        return write_5m, write_1h
    write_1h = min(write_1h, max(total, 0))
    return max(total, 0) - write_1h, write_1h


def read_usage(raw: Raw | None) -> Usage | None:
    """Usage from raw JSON; None when it is absent or not what the API sends."""
    if raw is None:
        return None
    try:
        return usage_from(decode_usage(raw))
    except DECODE_ERRORS:
        return None


def read_usage_extra(raw: Raw | None) -> Extra:
    """The members of a usage object that are not counts (`server_tool_use`, `inference_geo`, ...)."""
    if raw is None:
        return {}
    try:
        members = decode_members(raw)
    except DECODE_ERRORS:
        return {}
    return {name: value for name, value in members.items() if name not in _COUNTS}


class LaterUsage(Usage, frozen=True, kw_only=True):
    """Usage from a `message_delta`, which may leave counts out: `absent` names their wire fields. `compacted`: what of
    it the runs were that compacted the conversation.

    Zero and absent differ: a compaction takes the cache reads of `message_start` back to zero.
    """

    absent: frozenset[str] = frozenset()
    compacted: Usage | None = None


def later_usage_from(wire: UsageWire | None) -> LaterUsage | None:
    """The buckets of a `message_delta`; None when nothing was counted."""
    usage = usage_from(wire)
    if usage is None or wire is None:
        return None
    compacted, _ = _iterations(wire.iterations)
    absent = frozenset(name for name in _COUNTS[:4] if getattr(wire, name) is None)
    return LaterUsage(**msgspec.structs.asdict(usage), absent=absent, compacted=compacted)


def read_later_usage(raw: Raw | None) -> LaterUsage | None:
    """The same from raw JSON; None when it is absent or not what the API sends."""
    if raw is None:
        return None
    try:
        return later_usage_from(decode_usage(raw))
    except DECODE_ERRORS:
        return None


def merge_usage(head: Usage | None, tail: Usage | None) -> Usage | None:
    """A stream's usage from `message_start` (`head`) and `message_delta` (`tail`).

    Both are totals so far: a count that the later one has wins, one that it leaves out stands. A later total of
    cache writes does not tell their lifetimes and keeps the split of the first.
    """
    if tail is None:
        return head
    if head is None:
        return Usage(**{name: getattr(tail, name) for name in Usage.__struct_fields__})
    absent = tail.absent if isinstance(tail, LaterUsage) else frozenset[str]()
    compacted = tail.compacted if isinstance(tail, LaterUsage) else None
    if compacted is not None:
        tail = _moved(tail, compacted, -1)
    writes = head if "cache_creation_input_tokens" in absent else tail
    total = writes.cache_write_5m + writes.cache_write_1h
    write_1h = min(tail.cache_write_1h or head.cache_write_1h, total)
    output = head if "output_tokens" in absent else tail
    priced = _is_priced(head) and _is_priced(tail)
    merged = Usage(
        input=head.input if "input_tokens" in absent else tail.input,
        cache_read=head.cache_read if "cache_read_input_tokens" in absent else tail.cache_read,
        cache_write_5m=total - write_1h,
        cache_write_1h=write_1h,
        output=output.output,
        reasoning=output.reasoning,
        reasoning_known=output.reasoning_known,
        standard=head.standard and tail.standard,
        tier=(tail.tier or head.tier) if priced else "",
        web_searches=(tail.web_searches or head.web_searches) if priced else 0,
    )
    return merged if compacted is None else _moved(merged, compacted, 1)


def _is_priced(usage: Usage) -> bool:
    """Whether the usage says all about what is charged."""
    return usage.standard or bool(usage.tier or usage.web_searches)


def write_usage(usage: Usage | None) -> dict[str, Any]:
    """The usage object; counts nobody reported are null. Audio is part of the totals: the API has no bucket for it."""
    if usage is None:
        return {"input_tokens": None, "output_tokens": None}
    written: dict[str, Any] = {
        "input_tokens": usage.input + usage.audio_input,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": usage.output_total,
    }
    if usage.reasoning_known:
        written["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return written


def usage_extra_raw(extra: Extra) -> Extra:
    """`{"usage": ...}` holding the members that are not counts; empty when there are none."""
    return {"usage": Raw(encode(extra))} if extra else {}
