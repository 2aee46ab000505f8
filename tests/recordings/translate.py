"""Translation without sockets: every recorded request there and back, every recorded answer across.

Requests: read -> write to the other dialect -> read -> write back -> read; the normal forms of `expressible`
are compared. Answers: read -> write in the other dialect -> read, whole and streamed; `assembled` compares.
Each check returns reasons, [] when the row passes.
"""

from __future__ import annotations

import json
from typing import Any

from tests.recordings.assembled import dump, machine, of_events, of_reply
from tests.recordings.corpus import ANTHROPIC, OPENAI, Row
from tests.recordings.cuts import feed_all, grammar
from tests.recordings.expressible import conflicts, noted_only, same_turn, shared, without_thinking
from tests.recordings.lost import facts, lost
from tests.recordings.reading import differences, is_error_in_200, tokens

from asbru.core.errors import BadRequest, UpstreamError
from asbru.core.notes import Note
from asbru.core.traits import Traits

MODEL = "target-model"
TRAITS = Traits(system_anywhere=True, max_output_tokens=1_000_000, cache_marks=True)
"""A target that takes all that its dialect has: cache marks where OpenAI-dialect providers differ."""
REASONS_MAX = 4

# A note may use the wire's word for what the canonical form calls otherwise.
WORDS = {
    "n": ("n", "choices"),
    "effort": ("effort", "reasoning"),
    "thinking": (
        "thinking",
        "reasoning",
        "reasoning_content",
        "signature",
        "redacted_thinking",
        "reasoning_details",
    ),
    "reasoning": ("reasoning", "reasoning_effort", "thinking", "effort", "output_config", "budget_tokens"),
    "response_format": ("response_format", "output_config", "format", "output_format", "json_schema"),
    "detail": ("detail", "image_url"),
    "image": ("image", "source", "parts", "file_id"),
    "foreign": ("parts", "content", "foreign"),
    "tool_result": ("tool_result", "content", "parts"),
    "document": ("document", "source", "file", "parts", "title"),
    "audio": ("audio", "input_audio", "parts"),
    "refusal": ("refusal", "parts"),
    "stop": ("stop", "stop_sequences"),
}


def other_of(dialect: str) -> str:
    """The other of the two dialects."""
    return ANTHROPIC if dialect == OPENAI else OPENAI


def check_request(row: Row, dialects: dict[str, Any]) -> list[str]:
    """The recorded request through the other dialect and back."""
    home, away = dialects[row.dialect], dialects[other_of(row.dialect)]
    if row.request is None:
        return _refused(row, home)
    body = dict(row.request)
    if not isinstance(body.get("model"), str):
        body["model"] = MODEL  # recorded by a client that named the model in the path
    try:
        first = home.chat.read_request(json.dumps(body, ensure_ascii=False).encode())
        there = away.chat.write_request(first, MODEL, TRAITS)
        second = away.chat.read_request(there.body)
        back = home.chat.write_request(second, MODEL, TRAITS)
        third = home.chat.read_request(back.body)
        own = home.chat.read_request(home.chat.write_request(first, first.model, TRAITS).body)
    except BadRequest as error:
        refused = row.status == 400  # its own provider would not take it either
        return [] if refused else [f"request: BadRequest: {error}"[:300]]
    except Exception as error:  # noqa: BLE001 -- becomes the row's reason: any exception is a finding
        return [f"request: {type(error).__name__}: {error}"[:300]]
    notes = (*there.notes, *back.notes)
    reasons = [f"request, own dialect: {r}" for r in _unequal(shared(first), shared(own))]
    reasons += [f"request, own dialect: {r}" for r in _silent(noted_only(first), noted_only(own), ())]
    normal = {name: value for name, value in shared(first).items() if name not in conflicts(first)}
    if normal["max_tokens"] is None and any("max_tokens" in n.field for n in there.notes):
        del normal["max_tokens"]  # Anthropic requires one: it was added, and the note says so
    reasons += [f"request, there: {r}" for r in _unequal(normal, shared(second), row.dialect == OPENAI)]
    if not reasons:
        reasons += [f"request, back: {r}" for r in _unequal(normal, shared(third), False)]
    reasons += [f"request: {r}" for r in _silent(noted_only(first), noted_only(third), notes)]
    return reasons[:REASONS_MAX]


def _refused(row: Row, home: Any) -> list[str]:
    """A recorded request that is not JSON must be refused as the caller's mistake."""
    try:
        home.chat.read_request(row.request_text.encode())
    except BadRequest:
        return []
    except Exception as error:  # noqa: BLE001 -- becomes the row's reason: any exception is a finding
        return [f"request: malformed JSON gives {type(error).__name__}"]
    return ["request: malformed JSON was accepted"]


def _unequal(first: dict[str, Any], again: dict[str, Any], thinking: bool = True) -> list[str]:
    """The fields of the table that changed."""
    reasons: list[str] = []
    for name, value in first.items():
        now = again[name]
        if name == "messages":
            turns = (value, now) if thinking else (without_thinking(value), without_thinking(now))
            reasons += _unequal_turns(*turns)
        elif value != now:
            reasons.append(f"{name} changed: {_first_difference(value, now)}")
    return reasons


def _unequal_turns(turns: list[dict[str, Any]], again: list[dict[str, Any]]) -> list[str]:
    if len(turns) != len(again):
        roles = [[t["role"] for t in side] for side in (turns, again)]
        return [f"messages changed: turns {dump(roles[0])} -> {dump(roles[1])}"]
    for turn, now in zip(turns, again, strict=True):
        if not same_turn(turn, now):
            return [f"messages changed: {_first_difference(turn['parts'], now['parts'])}"]
    return []


def _first_difference(value: Any, now: Any) -> str:
    """Both sides at the first place where they part."""
    if isinstance(value, list) and isinstance(now, list) and len(value) == len(now):
        for index, (a, b) in enumerate(zip(value, now, strict=True)):
            if a != b:
                return f"[{index}]{_first_difference(a, b)}"
    if isinstance(value, dict) and isinstance(now, dict):
        for key in value:
            if value[key] != now.get(key):
                return f".{key}{_first_difference(value[key], now.get(key))}"
    return f" {dump(value)} -> {dump(now)}"


def _silent(first: dict[str, Any], again: dict[str, Any], notes: tuple[Note, ...]) -> list[str]:
    """What is gone or changed with no note that names it."""
    said = " ".join(f"{n.field} {n.reason}" for n in notes)
    reasons: list[str] = []
    for name, value in first.items():
        if again.get(name) == value or any(word in said for word in WORDS.get(name, (name,))):
            continue
        reasons.append(f"{name} lost without a note: {dump(value)} -> {dump(again.get(name))}")
    return reasons


def check_answer(row: Row, dialects: dict[str, Any]) -> list[str]:
    """The recorded answer (whole, streamed or an error) in its own and the other dialect."""
    home, away = dialects[row.dialect], dialects[other_of(row.dialect)]
    try:
        if row.shape == "error":
            return _error(row, home, away)
        if row.stream:
            return _stream(row, home, away, dialects)[:REASONS_MAX]
        return _whole(row, home, away)[:REASONS_MAX]
    except Exception as error:  # noqa: BLE001 -- becomes the row's reason: any exception is a finding
        return [f"answer: {type(error).__name__}: {error}"[:300]]


def check_passing(row: Row, home: Any) -> list[str]:
    """An operation that only passes (embeddings, counting): its head is read, its usage is the provider's."""
    try:
        operation = home.operation(row.operation)
        if row.request is not None and isinstance(row.request.get("model"), str):
            head = operation.read_head(json.dumps(row.request).encode(), {}, b"")
            if head.model != row.request["model"]:
                return [f"head: model {head.model}"]
        if row.shape == "error":
            return []
        return usage_reasons(row, home.passing.usage_of(row.answer), "usage_of")
    except Exception as error:  # noqa: BLE001 -- becomes the row's reason: any exception is a finding
        return [f"{row.operation}: {type(error).__name__}: {error}"[:300]]


def _is_error_body(data: Any, dialect: str) -> bool:
    """Whether a body is an error answer in the dialect's form."""
    if not isinstance(data, dict) or not isinstance(data.get("error"), dict):
        return False
    return "message" in data["error"] and (dialect == OPENAI or data.get("type") == "error")


def _error(row: Row, home: Any, away: Any) -> list[str]:
    """An error answer keeps status and body, and has the other dialect's form there."""
    error = home.errors.read(row.status, row.answer)
    reasons: list[str] = []
    if error.status != row.status or error.body != row.answer or not error.message:
        reasons.append(f"error: status {error.status}, body kept {error.body == row.answer}")
    for dialect in (home, away):
        if not _is_error_body(json.loads(dialect.errors.write(error, "req-1")), dialect.name):
            reasons.append(f"error: not {dialect.name}'s form")
    return reasons


def _whole(row: Row, home: Any, away: Any) -> list[str]:
    if is_error_in_200(row):
        return _error_in_200(row, home)
    reply = home.chat.read_reply(row.answer)
    reasons = usage_reasons(row, reply.usage, "read_reply")
    reasons += usage_reasons(row, home.passing.usage_of(row.answer), "usage_of")
    own_body = home.chat.write_reply(reply).body
    own = home.chat.read_reply(own_body)
    reasons += _same_reply("answer, own dialect", of_reply(reply), of_reply(own), ())
    written = away.chat.write_reply(reply)
    across = away.chat.read_reply(written.body)
    recorded = facts(row.answer, row.dialect, stream=False)
    reasons += lost("answer, own dialect", recorded, facts(own_body, row.dialect, stream=False), "")
    there = facts(written.body, away.name, stream=False)
    reasons += lost("answer, other dialect", recorded, there, _words_said(written.notes))
    return reasons + _same_reply("answer, other dialect", of_reply(reply), of_reply(across), written.notes)


def _error_in_200(row: Row, home: Any) -> list[str]:
    """An error inside a 200 is read as the provider's error."""
    try:
        home.chat.read_reply(row.answer)
    except UpstreamError:
        return []
    return ["answer: an error inside a 200 was read as an answer"]


def usage_reasons(row: Row, usage: Any, source: str) -> list[str]:
    """Where asbru's usage departs from the provider's."""
    told = tokens(row)
    if told is None:
        return [] if usage is None else [f"usage, {source}: {dump(of_reply_usage(usage))} where none was reported"]
    if usage is None:
        return [f"usage, {source}: none, the provider reported {dump(told.total)} tokens"]
    return [f"usage, {source}: {wrong}" for wrong in differences(told, usage)]


def of_reply_usage(usage: Any) -> dict[str, int]:
    """Totals for a reason."""
    return {"input": usage.input_total, "output": usage.output_total}


def _words_said(notes: tuple[Note, ...]) -> str:
    """Facts that the notes name, by the names of `lost`."""
    said = " ".join(f"{note.field} {note.reason}" for note in notes)
    return said + (" signature" if any(word in said for word in WORDS["thinking"]) else "")


def _same_reply(where: str, value: dict[str, Any], now: dict[str, Any], notes: tuple[Note, ...]) -> list[str]:
    """Text, tool calls, stop and usage equal; thinking and foreign parts equal or named by a note."""
    said = " ".join(f"{n.field} {n.reason}" for n in notes)
    reasons: list[str] = []
    if len(value["choices"]) > 1 and len(now["choices"]) == 1 and "choices" in said:
        value = {**value, "choices": value["choices"][:1]}
    if len(value["choices"]) != len(now["choices"]):
        return [f"{where}: {len(value['choices'])} choices became {len(now['choices'])}"]
    for a, b in zip(value["choices"], now["choices"], strict=True):
        reasons += [f"{where}: {r}" for r in _same_choice(a, b, said)]
    usage, again = value["usage"] or {}, now["usage"] or {}
    for name, count in usage.items():
        if again.get(name) != count and not (name == "reasoning" and again.get("output_total") is not None):
            reasons.append(f"{where}: usage.{name} {count} -> {again.get(name)}")
    return reasons


def _same_choice(a: dict[str, Any], b: dict[str, Any], said: str) -> list[str]:
    reasons: list[str] = []
    if a["text"] + a["refusal"] != b["text"] + b["refusal"]:
        reasons.append(f"text {dump(a['text'] + a['refusal'])} -> {dump(b['text'] + b['refusal'])}")
    if a["tools"] != b["tools"] and "free text became an object" not in said:
        reasons.append(f"tools {dump(a['tools'])} -> {dump(b['tools'])}")
    declined = a["refusal"] and b["stop"] == "refusal"  # Anthropic says it by the stop reason
    if a["stop"] != b["stop"] and not declined and "stop" not in said and "finish_reason" not in said:
        reasons.append(f"stop {a['stop']} -> {b['stop']}")
    if a["thinking"] != b["thinking"] and not any(w in said for w in WORDS["thinking"]):
        reasons.append(f"thinking lost without a note: {dump(a['thinking'])} -> {dump(b['thinking'])}")
    if a["other"] != b["other"] and not said:
        reasons.append(f"parts {a['other']} -> {b['other']} without a note")
    return reasons


def _stream(row: Row, home: Any, away: Any, dialects: dict[str, Any]) -> list[str]:
    """The recorded stream, written again in both dialects: order, content and usage."""
    found = feed_all(home, [row.answer])
    reports = [e.usage for e in found if type(e).__name__ == "UsageReport"]
    starts = [e.usage for e in found if type(e).__name__ == "ReplyStart" and e.usage is not None]
    reasons = usage_reasons(row, (reports or starts or [None])[-1], "reader")
    if any(type(e).__name__ == "StreamFault" for e in found):
        return reasons + _faulty_stream(found, dialects)
    if not any(type(e).__name__ == "ReplyEnd" for e in found):
        return reasons  # without the terminal sign there is no whole stream to translate
    request = home.chat.read_request(_asking_body(row))
    value = of_events(found)
    for dialect in (home, away):
        writer = dialect.chat.stream_writer(request)
        data = b"".join(writer.write([event]) for event in found)
        include_usage = request.include_usage or dialect.name == ANTHROPIC
        reasons += machine(dialect.name, data, include_usage)
        again = feed_all(dialect, [data])
        reasons += grammar(again)
        where = f"stream written as {dialect.name}"
        said = _words_said(writer.notes) if dialect is away else ""
        recorded = facts(row.answer, row.dialect, stream=True)
        reasons += lost(where, recorded, facts(data, dialect.name, stream=True), said)
        expected = value if include_usage else {**value, "usage": None}
        reasons += _same_reply(where, expected, of_events(again), writer.notes)
    return reasons


def _asking_body(row: Row) -> bytes:
    """The row's request, or a stand-in where it was not JSON."""
    body = dict(row.request or {"messages": [{"role": "user", "content": "hi"}], "stream": True})
    if not isinstance(body.get("model"), str):
        body["model"] = MODEL
    return json.dumps(body).encode()


def _faulty_stream(found: list[Any], dialects: dict[str, Any]) -> list[str]:
    """A fault inside a stream ends the written stream as an error event, with no sign of success."""
    reasons: list[str] = []
    for name, dialect in dialects.items():
        request = dialect.chat.read_request(_plain_request(name))
        writer = dialect.chat.stream_writer(request)
        data = b"".join(writer.write([event]) for event in found)
        if b"[DONE]" in data or b"message_stop" in data:
            reasons.append(f"stream written as {name}: a fault ends with the sign of success")
        if b'"error"' not in data:
            reasons.append(f"stream written as {name}: the fault is gone")
    return reasons


def _plain_request(dialect: str) -> bytes:
    body: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "stream": True}
    if dialect == ANTHROPIC:
        body["max_tokens"] = 16
    return json.dumps(body).encode()
