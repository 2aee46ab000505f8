"""Recorded traffic of Amazon Bedrock: one verdict for each row, by reading that is not Asbru's own.

    row                               what is demanded
    Converse, a request               read, written back the same; written in every other dialect without an exception
    Converse, a reply or a stream     read, written back the same, usage as it is told; streams also when cut anywhere
    Claude's own body                 the same, in its envelope
    an error                          its message and its status
    a count of tokens                 its head

What is left out, and why, is a table (`why_not`).
"""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
from tests.fakes.strict.bedrock import frame
from tests.kits.dialects import present

from asbru.core.errors import BadRequest
from asbru.core.reply import ReplyEnd
from asbru.core.traits import Traits
from asbru.dialects import Dialect, discover
from asbru.dialects.assemble import assemble

CONVERSE, INVOKE = "bedrock_converse", "bedrock_invoke"
CUTS_MAX = 4096
SAME = {"system": [], "inferenceConfig": {}, "additionalModelRequestFields": {}}
"""Members that say nothing when they are empty, and are left out."""


def why_not(raw: dict[str, Any]) -> str:
    """Why a row is none of the two dialects'; "" for one that is."""
    url = urlsplit(raw["url"] or "")
    if "bedrock-mantle" in url.netloc:
        return "OpenAI's dialects at another address"
    if raw["api"] == "other" or (raw["level"] == "fixture" and "results" in str(raw["response_body"])[:12]):
        return "an operation that Asbru does not have (rerank, agents, lists)"
    if raw["api"] in ("invoke", "invoke-stream") and not _is_claude(raw):
        return "the body of another maker, or of Claude before the Messages API"
    return ""


def _is_claude(raw: dict[str, Any]) -> bool:
    asked = _json(raw["request_body"])
    return isinstance(asked, dict) and "anthropic_version" in asked and "messages" in asked


def _json(body: Any) -> Any:
    try:
        return json.loads(body) if isinstance(body, str) else body
    except ValueError:
        return None


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def judge(raw: dict[str, Any]) -> None:
    """The verdict of one row: raises what was found."""
    dialects = discover()
    home = dialects[INVOKE if raw["api"].startswith("invoke") else CONVERSE]
    if raw["request_body"] is not None:
        _request(raw, home, dialects)
    if raw["status"] is not None and raw["status"] >= 400:
        _error(raw, home)
    elif raw["api"] == "count_tokens":
        assert isinstance(_json(raw["response_body"])["inputTokens"], int)
    elif raw["stream"]:
        _stream(raw, home)
    else:
        _reply(raw, home)


def _request(raw: dict[str, Any], home: Dialect, dialects: dict[str, Dialect]) -> None:
    body = _bytes(raw["request_body"])
    model = unquote(urlsplit(raw["url"]).path.split("/")[2])
    operation = home.operation("count_tokens" if raw["api"] == "count_tokens" else "chat")
    assert operation is not None
    if _json(raw["request_body"]) is None:
        try:
            operation.read_head(body, {"model": model}, b"")
        except BadRequest:
            return
        raise AssertionError("a body that is not JSON was read")
    head = operation.read_head(body, {"model": model}, b"")
    assert head.model == model
    if raw["api"] == "count_tokens":
        return
    request = home.chat.read_request(body)
    written = home.chat.write_request(request, model, Traits())
    assert written.notes == (), written.notes
    given = json.loads(body)
    if given.get("inferenceConfig", {}).get("stopSequences") == []:
        del given["inferenceConfig"]["stopSequences"]  # as good as none
    before, after = _plain(given), _plain(json.loads(written.body))
    assert before == after, (before, after)
    named = msgspec.structs.replace(request, model="m")
    for other in dialects.values():
        if other.operation("chat") is not None and other is not home:
            other.chat.write_request(named, "m", Traits(max_output_tokens=9))


def _plain(value: Any) -> Any:
    """Without what says nothing: nulls, empty settings, success, the type of a call of the caller's own."""
    value = {name: inner for name, inner in value.items() if inner != SAME.get(name, value)}
    text = json.dumps(present(value), sort_keys=True)
    for nothing in ('"status": "success", ', ', "type": "tool_use"', ', "type": "tool_result"'):
        text = text.replace(nothing, "")
    return json.loads(text)


def _error(raw: dict[str, Any], home: Dialect) -> None:
    error = home.errors.read(raw["status"], _bytes(raw["response_body"]))
    assert (error.message, error.status) == (_json(raw["response_body"])["message"], raw["status"])


def _counts(told: dict[str, Any]) -> tuple[int, int, int, int]:
    """What went in, came out, was read from and written to a cache, as the provider says it in either form."""
    names = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
    if "input_tokens" in told:
        names = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    counts = [told.get(name) or 0 for name in names]
    return counts[0], counts[1], counts[2], counts[3]


def _buckets(usage: Any) -> tuple[int, int, int, int]:
    return usage.input, usage.output_total, usage.cache_read, usage.cache_write_5m + usage.cache_write_1h


def _reply(raw: dict[str, Any], home: Dialect) -> None:
    body = _bytes(raw["response_body"])
    told = json.loads(body)
    reply = home.chat.read_reply(body)
    assert reply.usage == home.passing.usage_of(body)
    assert reply.usage is not None and _buckets(reply.usage) == _counts(told["usage"])
    written = home.chat.write_reply(reply)
    assert written.notes == (), written.notes
    again = home.chat.read_reply(written.body)
    assert msgspec.structs.replace(again, usage=None) == msgspec.structs.replace(reply, usage=None)


def _stream(raw: dict[str, Any], home: Dialect) -> None:
    if raw["body_enc"] == "base64":
        data = base64.b64decode(raw["response_body"])
    else:  # of a project's fixtures, which have server-sent events in the place of frames
        events = [json.loads(line[6:]) for line in raw["response_body"].splitlines() if line.startswith("data: ")]
        data = b"".join(frame(name, payload) for event in events for name, payload in event.items())
    whole = _read(home, data)
    assert isinstance(whole[-1], ReplyEnd), whole[-1]
    found = assemble(whole)
    assert found.complete and found.fault is None
    assert _read(home, data, range(1, len(data))) == whole
    for cut in range(1, min(len(data), CUTS_MAX), max(1, len(data) // 512)):
        assert _read(home, data, (cut,)) == whole, cut
        events = _read(home, data[:cut], clean=False)
        assert not any(isinstance(event, ReplyEnd) for event in events) or cut == len(data)
    usage = home.passing.merge_usage(home.passing.head_usage(data), home.passing.tail(data).usage)
    assert usage == found.reply.usage
    writer = home.chat.stream_writer(home.chat.read_request(_bytes(raw["request_body"] or _ASKED)))
    again = assemble(_read(home, writer.write(whole)))
    assert (again.complete, again.reply.choices, again.reply.usage) == (True, found.reply.choices, usage)


_ASKED = {"messages": [{"role": "user", "content": [{"text": "?"}]}]}


def _read(home: Dialect, data: bytes, cuts: Any = (), *, clean: bool = True) -> list[Any]:
    reader = home.chat.stream_reader()
    events: list[Any] = []
    for start, end in zip((0, *cuts), (*cuts, len(data)), strict=True):
        events += reader.feed(data[start:end])
    return events + reader.close(clean=clean)
