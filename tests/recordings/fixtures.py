"""Answers without their requests, as projects keep them: each is judged in the dialect whose shape it has.

It is read and written back, its usage is found, and callers of every other dialect are told it. Not here: fixtures that
have no such shape (`home_of` gives "").
"""

from __future__ import annotations

import json
import re
from typing import Any

from tests.kits import matrix
from tests.kits.dialects import Case, discover
from tests.kits.facts import same_reply
from tests.recordings import responses
from tests.recordings.cuts import grammar

from asbru.dialects.assemble import assemble

_SHAPES: tuple[tuple[str, re.Pattern[bytes]], ...] = (
    ("openai_responses", re.compile(rb'"object"\s*:\s*"response"')),
    ("openai_chat", re.compile(rb'"object"\s*:\s*"chat\.completion')),
    ("gemini", re.compile(rb'"candidates"\s*:\s*\[')),
    ("anthropic_messages", re.compile(rb'"type"\s*:\s*"message(?:_start)?"')),
)
_BEGINS = re.compile(rb'"type"\s*:\s*"(?:response\.created|message_start)"')


def home_of(raw: dict[str, Any]) -> str:
    """The dialect of a fixture by its answer, or ""."""
    if raw["level"] != "fixture" or raw["body_enc"] not in ("text", "json") or not raw["response_body"]:
        return ""
    if is_made_up(raw):
        return ""
    data = bytes_of(raw)
    return next((name for name, shape in _SHAPES if shape.search(data)), "")


def is_made_up(raw: dict[str, Any]) -> bool:
    """Whether a fixture is a stream that no provider sent so: several replies in one, or lines that are not whole."""
    if raw["level"] != "fixture" or not raw["stream"] or not isinstance(raw["response_body"], str):
        return False
    try:
        data = bytes_of(raw)
    except ValueError:
        return True
    return len(_BEGINS.findall(data)) > 1


def bytes_of(raw: dict[str, Any]) -> bytes:
    """The answer; lines of bare JSON, as some projects keep streams, as the events that they were."""
    body = raw["response_body"]
    if not isinstance(body, str):
        return json.dumps(body).encode()
    lines = [line for line in body.splitlines() if line.strip()]
    if raw["stream"] and lines and all(line.startswith("{") for line in lines):
        events = (json.loads(line) for line in lines)
        named = ((f"event: {one['type']}\n" if "type" in one else "", json.dumps(one)) for one in events)
        return "".join(f"{name}data: {data}\n\n" for name, data in named).encode()
    return body.encode()


def judge(raw: dict[str, Any]) -> None:
    """The verdict of one row: raises what was found."""
    subjects, data = discover(), bytes_of(raw)
    if home_of(raw) == "openai_responses":
        responses.judge_answer(raw["id"], data)
        return
    own = subjects[home_of(raw)]
    others = [subject for subject in subjects.values() if subject is not own]
    if data.lstrip().startswith(b"{"):
        case = Case(raw["id"], "reply", data, {})
        reply = own.read_reply(data)
        assert own.usage_of(data) == reply.usage
        same_reply(reply, own.read_reply(own.write_reply(reply).body))
        for other in others:
            matrix.reply_reaches(own, case, other)
        return
    events = own.read_stream(data)
    assert grammar(events) == []
    found = assemble(events)
    again = assemble(own.read_stream(own.write_stream(events)[0]))
    same_reply(found.reply, again.reply)
    if found.complete and found.fault is None:
        for other in others:
            matrix.stream_reaches(own, Case(raw["id"], "stream", data, {}), other)
