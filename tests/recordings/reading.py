"""The harness's own plain reading of answers: events, terminal signs, usage, final text. No code of asbru's.

It exists so that a check never compares asbru with itself. It reads recorded answers only, so it may be slow
and simple: `json.loads`, dictionaries, whole bodies.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.recordings.corpus import ANTHROPIC, OPENAI, Row

_BORDER = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the provider reported. None: not told, or told in numbers that contradict each other."""

    input_total: int
    output_total: int
    total: int
    cache_read: int | None
    cache_write: int | None
    reasoning: int | None
    cache_write_1h: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One SSE event of a recording: where it starts and ends (border included), its name, its data."""

    start: int
    end: int
    name: str
    data: bytes

    def parsed(self) -> Any:
        """The data as JSON; None where it is not JSON ([DONE])."""
        try:
            return json.loads(self.data)
        except ValueError:
            return None


def json_of(data: bytes) -> Any:
    """A body as JSON; None where it is something else (a page, nothing)."""
    try:
        return json.loads(data)
    except ValueError:
        return None


def is_error_in_200(row: Row) -> bool:
    """Whether an error object came with status 200 in place of an answer."""
    if row.status != 200 or row.stream or b'"error"' not in row.answer[:64] or b'"choices"' in row.answer:
        return False
    data = json_of(row.answer)
    return isinstance(data, dict) and isinstance(data.get("error"), dict)


def events(stream: bytes) -> list[Event]:
    """The whole events of a stream; an incomplete one at the end is not among them."""
    found: list[Event] = []
    start = 0
    for border in _BORDER.finditer(stream):
        block = stream[start : border.start()]
        name, data = "", []
        for line in block.replace(b"\r\n", b"\n").split(b"\n"):
            key, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if key == b"data":
                data.append(value)
            elif key == b"event":
                name = value.decode()
        found.append(Event(start, border.end(), name, b"\n".join(data)))
        start = border.end()
    return found


def whole_bytes(stream: bytes, ends: list[int]) -> int:
    """How many bytes of `stream` are whole events, given the ends of the full stream's events."""
    return max((end for end in ends if end <= len(stream)), default=0)


def data_end(stream: bytes, event: Event) -> int:
    """Where the event's data is whole, though its border is not there yet."""
    return event.start + len(stream[event.start : event.end].rstrip())


def finished_at(stream: bytes, found: list[Event], dialect: str) -> int | None:
    """Where every choice of an OpenAI stream has its finish reason, or where the usage chunk that follows them
    is: from there a clean end may pass for whole.

    Bytes alone do not tell whether an end without the terminal sign was clean (Writer's streams have none) or a
    cut; who sees the connection knows: `replay.CutJudge` demands the difference.
    """
    if dialect != OPENAI:
        return None
    finished: dict[int, int] = {}
    seen: set[int] = set()
    for event in found:
        data = event.parsed()
        for choice in (data.get("choices") or ()) if isinstance(data, dict) else ():
            seen.add(choice.get("index", 0))
            if choice.get("finish_reason"):
                finished.setdefault(choice.get("index", 0), data_end(stream, event))
    ends = [max(finished.values())] if finished and seen == set(finished) else []
    ends += [data_end(stream, event) for event in found if is_usage_only(event)]
    return min(ends, default=None)


def is_terminal(event: Event, dialect: str) -> bool:
    """Whether the event is the dialect's own sign of a whole stream."""
    if dialect == OPENAI:
        return event.data.strip() == b"[DONE]"
    return event.name == "message_stop"


def has_error(event: Event) -> bool:
    """Whether the event holds an error at all, be it beside an answer (OpenRouter)."""
    data = event.parsed()
    return isinstance(data, dict) and isinstance(data.get("error"), dict)


def is_fault(event: Event, dialect: str) -> bool:
    """Whether the event is an error in the dialect's form, and nothing else."""
    if not has_error(event):
        return False
    data = event.parsed()
    if dialect == OPENAI:
        return not data.get("choices")
    return event.name == "error" and data.get("type") == "error"


def shows_content(event: Event, dialect: str) -> bool:
    """Whether the event shows the caller something of the answer (then no other attempt is possible)."""
    data = event.parsed()
    if not isinstance(data, dict):
        return False
    if dialect == ANTHROPIC:
        return data.get("type") in ("content_block_delta", "message_delta")
    for choice in data.get("choices") or ():
        delta = {k: v for k, v in (choice.get("delta") or {}).items() if k != "role" and v}
        if delta or choice.get("finish_reason"):
            return True
    return False


def is_usage_only(event: Event) -> bool:
    """Whether the event is OpenAI's chunk that holds usage and no choice."""
    data = event.parsed()
    return isinstance(data, dict) and data.get("choices") == [] and bool(data.get("usage"))


def expected_stream(row: Row) -> bytes:
    """What a same-dialect caller must get: the recording, less the usage chunk nobody asked for."""
    if row.dialect == ANTHROPIC or row.asked_usage:
        return row.answer
    kept, at = [], 0
    for event in events(row.answer):
        if not is_usage_only(event):
            kept.append(row.answer[event.start : event.end])
        at = event.end
    return b"".join(kept) + row.answer[at:]


def usage_objects(row: Row) -> list[dict[str, Any]]:
    """The provider's usage objects as they stand in the answer, in order."""
    found: list[dict[str, Any]] = []
    parsed = [event.parsed() for event in events(row.answer)] if row.stream else [json_of(row.answer)]
    for data in parsed:
        if not isinstance(data, dict):
            continue
        message = data.get("message")
        nested = message if row.dialect == ANTHROPIC and isinstance(message, dict) else data
        groq = data.get("x_groq")
        holders = (nested, groq if isinstance(groq, dict) else {})
        found += [h["usage"] for h in holders if isinstance(h.get("usage"), dict) and h["usage"]]
    return found


def tokens(row: Row) -> Tokens | None:
    """What the provider reported for this row; None if it reported nothing."""
    found = usage_objects(row)
    if not found:
        return None
    if row.dialect == OPENAI:
        return _openai_tokens(found[-1])
    merged: dict[str, Any] = {}
    for usage in found:
        merged |= {k: v for k, v in usage.items() if v is not None}
    return _anthropic_tokens(merged)


def _number(holder: dict[str, Any], *names: str) -> int | None:
    """The first of `names` that holds a number."""
    return next((holder[n] for n in names if isinstance(holder.get(n), int)), None)


def _openai_tokens(usage: dict[str, Any]) -> Tokens:
    """OpenAI's usage and its cousins: Mistral's, DeepSeek's and Writer's spellings of cached tokens."""
    prompt = _number(usage, "prompt_tokens") or 0
    completion = _number(usage, "completion_tokens") or 0
    inputs = usage.get("prompt_tokens_details") or usage.get("prompt_token_details") or {}
    outputs = usage.get("completion_tokens_details") or usage.get("completion_token_details") or {}
    cached = _number(inputs, "cached_tokens")
    if cached is None:
        cached = _number(usage, "prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")
    written = _number(inputs, "cache_write_tokens")
    reasoning = _number(outputs, "reasoning_tokens")
    consistent = (cached or 0) + (written or 0) + (_number(inputs, "audio_tokens") or 0) <= prompt
    return Tokens(
        input_total=prompt,
        output_total=completion,
        total=max(_number(usage, "total_tokens") or 0, prompt + completion),
        cache_read=cached if consistent else None,
        cache_write=written if consistent else None,
        reasoning=reasoning if reasoning is not None and reasoning <= completion else None,
        audio_input=_number(inputs, "audio_tokens") if consistent else None,
        audio_output=_number(outputs, "audio_tokens"),
    )


def _anthropic_tokens(usage: dict[str, Any]) -> Tokens:
    """Anthropic's usage: its three input counts are disjoint; thinking is part of the output. The runs of a model that
    compacted the conversation are in the list of iterations alone."""
    runs = [usage, *(one for one in usage.get("iterations") or () if one.get("type") == "compaction")]

    def summed(*names: str) -> int | None:
        counts = [found for run in runs if (found := _number(run, *names)) is not None]
        return sum(counts) if counts else None

    read, written = summed("cache_read_input_tokens"), summed("cache_creation_input_tokens")
    inputs = (summed("input_tokens") or 0) + (read or 0) + (written or 0)
    output = summed("output_tokens") or 0
    details = usage.get("output_tokens_details") or {}
    hours = [_number(run.get("cache_creation") or {}, "ephemeral_1h_input_tokens") for run in runs]
    hour = sum(one or 0 for one in hours) if any(one is not None for one in hours) else None
    return Tokens(inputs, output, inputs + output, read, written, _number(details, "thinking_tokens"), hour)


def differences(told: Tokens, counted: Any) -> list[str]:
    """Where `counted` (an object with asbru's bucket names) departs from what the provider told."""
    wrong: list[str] = []
    _same(wrong, "input", told.input_total, counted.input_total)
    hidden = told.total - told.input_total
    if counted.output_total not in (told.output_total, hidden):
        wrong.append(f"output: provider {told.output_total}, asbru {counted.output_total}")
    if told.cache_read is not None:
        _same(wrong, "cache_read", told.cache_read, counted.cache_read)
    if told.cache_write is not None:
        _same(wrong, "cache_write", told.cache_write, counted.cache_write_5m + counted.cache_write_1h)
    for name in ("cache_write_1h", "audio_input", "audio_output"):
        expected = getattr(told, name)
        if expected is not None:
            _same(wrong, name, expected, getattr(counted, name))
    if told.reasoning is not None and told.total == told.input_total + told.output_total:
        _same(wrong, "reasoning", told.reasoning, counted.reasoning)
    for name in ("input", "cache_read", "output", "reasoning", "audio_input", "audio_output"):
        if getattr(counted, name) < 0:
            wrong.append(f"{name} is negative")
    return wrong


def _same(wrong: list[str], name: str, told: int, counted: int) -> None:
    if told != counted:
        wrong.append(f"{name}: provider {told}, asbru {counted}")
