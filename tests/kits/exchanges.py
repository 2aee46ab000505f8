"""What providers answer, as data: one file for each provider and dialect in `exchanges/`, and a fake that gives it.

A file says where its contents are from (`origin`): "recordings" (written anew after recorded traffic, nothing copied),
"documentation" (the provider's public pages) or "source" (the published source of a server). Nobody has asked the
provider itself for any of them. README.md beside the files explains the members.
"""

from __future__ import annotations

import base64
import json
import re
import struct
import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest
from tests.fakes.inside import Inside
from tests.fakes.strict.bedrock import frame

from asbru.app.boot import Options
from asbru.app.compile import compile_config
from asbru.app.snapshot import ProviderFacts, Snapshot
from asbru.dialects import discover as dialects
from asbru.providers import Access, Provider

FOLDER = Path(__file__).with_name("exchanges")
KEY = "secret-of-the-provider"
OPENAI, ANTHROPIC, RESPONSES = "openai_chat", "anthropic_messages", "openai_responses"
COHERE = "cohere"
GEMINI, BEDROCK, INVOKE = "gemini", "bedrock_converse", "bedrock_invoke"
IN_PATH = (GEMINI, BEDROCK, INVOKE)
"""Dialects whose model stands in the path."""
PATHS = {
    OPENAI: "/v1/chat/completions",
    ANTHROPIC: "/anthropic/v1/messages",
    RESPONSES: "/v1/responses",
    COHERE: "/cohere/v2/chat",
}
GEMINI_PATH = "/genai/v1beta/models/{}:{}"
OTHER = {
    OPENAI: ANTHROPIC,
    ANTHROPIC: OPENAI,
    RESPONSES: ANTHROPIC,
    GEMINI: ANTHROPIC,
    BEDROCK: OPENAI,
    INVOKE: OPENAI,
    COHERE: ANTHROPIC,
}
PIECE_BYTES = 7


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reply, whole or as a stream: its bytes, what it says, and the tokens that the provider reports."""

    body: str
    text: str
    usage: dict[str, int]
    reasoning: str = ""


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An error: its status and body, the message that a caller must read, and what its caller is answered with."""

    status: int
    body: str
    message: str
    shown: int | None = None


class Models(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The list of models: its bytes, and the names in it."""

    body: str
    names: tuple[str, ...]


class OtherCall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A call that is no chat: where it must arrive, what it asks beside the model, the reply as JSON, and what the
    provider says was used, by the names of the record's columns and by unit."""

    operation: str
    url: str
    request: str
    reply: str
    model: str = "m"
    usage: dict[str, int] = {}
    units: dict[str, int] = {}


class Exchange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file. `url`: where a chat call must arrive; `header`: how the key is shown; `limit`: what a translated call
    names its token limit; `refused`: members that must not arrive by that name; `back`: the member in which reasoning
    goes back to the model ("": it does not)."""

    origin: Literal["recordings", "documentation", "source"]
    sources: tuple[str, ...]
    model: str
    url: str
    header: str
    limit: str
    reply: Answer
    stream: Answer
    error: Refusal
    models: Models | None = None
    refused: tuple[str, ...] = ()
    back: str = ""
    calls: tuple[OtherCall, ...] = ()
    settings: dict[str, Any] = {}


def read(provider: Provider, access: Access) -> Exchange:
    """The file of a provider in one dialect."""
    path = FOLDER / f"{provider.name}.{access.dialect}.toml"
    return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Exchange)


def configured(provider: Provider, access: Access, exchange: Exchange, folder: Path) -> ProviderFacts:
    """The facts that a worker calls the provider by, with one key."""
    settings: dict[str, Any] = {"keys": [{"name": "k", "value": KEY}], **exchange.settings}
    if len(provider.access) > 1:
        settings["dialect"] = dialects()[access.dialect].setting
    path = folder / "config.json"
    path.write_text(json.dumps({"providers": {provider.name: settings}}))
    compiled = compile_config(Options(data_dir=folder / "data", config=path), {})
    assert compiled.warnings == []
    return compiled.snapshot.providers[0]


class Called:
    """One call through the data plane to a provider that answers with a script, and what came of it."""

    def __init__(
        self,
        facts: ProviderFacts,
        surface: str,
        body: dict[str, Any],
        *,
        script: bytes,
        monkeypatch: pytest.MonkeyPatch,
        path: str = "",
    ) -> None:
        inside = Inside(Snapshot(providers=(facts,)), monkeypatch)
        host = facts.base_url.split("/")[2].partition(":")[0]
        inside.scripts[host] = [tuple(script[at : at + PIECE_BYTES] for at in range(0, len(script), PIECE_BYTES))]
        if not path:
            path, body = path_of(surface, body)
        self.caller = inside.call(path, body)
        assert len(inside.requests) == 1, self.caller.body
        self.host, request = inside.requests[0]
        head, _, sent = request.partition(b"\r\n\r\n")
        self.line, *lines = head.decode().split("\r\n")
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.sent: dict[str, Any] = json.loads(sent)
        for settings in ("generationConfig", "inferenceConfig"):
            self.sent |= self.sent.pop(settings, {})
        self.record = inside.recorder.rows[0]


def path_of(surface: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Where a call on a surface is sent, and its body without what stands in the path."""
    body = dict(body)
    if surface == GEMINI:
        method = "streamGenerateContent?alt=sse" if body.pop("stream", False) else "generateContent"
        return GEMINI_PATH.format(body.pop("model"), method), body
    if surface == BEDROCK:
        return f"/bedrock/model/{body.pop('model')}/converse{'-stream' if body.pop('stream', False) else ''}", body
    if surface == INVOKE:
        ends = "-with-response-stream" if body.pop("stream", False) else ""
        return f"/bedrock/model/{body.pop('model')}/invoke{ends}", body
    return PATHS[surface], body


def http(status: int, body: str | bytes, content_type: str = "application/json") -> bytes:
    """A provider's answer on the wire."""
    data = body.encode() if isinstance(body, str) else body
    head = f"HTTP/1.1 {status} X\r\ncontent-type: {content_type}\r\ncontent-length: {len(data)}\r\n\r\n"
    return head.encode() + data


def asked(surface: str, model: str, **members: Any) -> dict[str, Any]:
    """A call on a surface."""
    if surface == RESPONSES:
        return {"model": model, "input": "hi", **members}
    if surface == GEMINI:
        stream = {"stream": True} if members.pop("stream", False) else {}
        content = {"role": "user", "parts": [{"text": "hi"}]}
        return {"model": model, **stream, "contents": [content], "generationConfig": members}
    if surface == BEDROCK:
        stream = {"stream": True} if members.pop("stream", False) else {}
        message = {"role": "user", "content": [{"text": "hi"}]}
        return {"model": model, **stream, "messages": [message], "inferenceConfig": members}
    if surface == INVOKE:
        members["anthropic_version"] = "bedrock-2023-05-31"
    limit = {"max_tokens": 64} if surface in (ANTHROPIC, INVOKE) else {}
    return {"model": model, "messages": [{"role": "user", "content": "hi"}], **limit, **members}


def said(surface: str, body: bytes) -> tuple[str, str]:
    """Text and reasoning of a reply, read without any code of Asbru's."""
    reply = json.loads(body)
    if surface in (ANTHROPIC, INVOKE):
        blocks = reply["content"]
        return (
            "".join(block.get("text", "") for block in blocks),
            "".join(block.get("thinking", "") for block in blocks),
        )
    if surface == RESPONSES:
        parts = [part for item in reply["output"] for part in item.get("content") or item["summary"]]
        return _texts(parts, "output_text"), _texts(parts, "summary_text")
    if surface == GEMINI:
        return _in_parts([reply])
    if surface == BEDROCK:
        blocks = reply["output"]["message"]["content"]
        thoughts = (
            block["reasoningContent"]["reasoningText"]["text"] for block in blocks if "reasoningContent" in block
        )
        return "".join(block.get("text", "") for block in blocks), "".join(thoughts)
    if surface == COHERE:
        parts = reply["message"]["content"]
        return _texts(parts, "text"), _texts(parts, "thinking")
    return _spoken(reply["choices"][0]["message"])


def streamed(surface: str, body: bytes) -> tuple[str, str]:
    """Text and reasoning of a stream."""
    if surface == BEDROCK:
        deltas = [event["delta"] for event in map(json.loads, payloads(body)) if "delta" in event]
        thoughts = (delta.get("reasoningContent", {}).get("text", "") for delta in deltas)
        return "".join(delta.get("text", "") for delta in deltas), "".join(thoughts)
    if surface == INVOKE:
        chunks = [base64.b64decode(json.loads(payload)["bytes"]) for payload in payloads(body)]
        return streamed(ANTHROPIC, b"".join(b"data: %b\n" % chunk for chunk in chunks))
    events = [json.loads(data) for data in re.findall(rb"^data: ?(\{.*\})\r?$", body, re.MULTILINE)]
    if surface == ANTHROPIC:
        deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
        return (
            "".join(delta.get("text", "") for delta in deltas),
            "".join(delta.get("thinking", "") for delta in deltas),
        )
    if surface == RESPONSES:
        kinds = ("response.output_text.delta", "response.reasoning_summary_text.delta")
        texts = ["".join(event["delta"] for event in events if event["type"] == kind) for kind in kinds]
        return texts[0], texts[1]
    if surface == GEMINI:
        return _in_parts(events)
    if surface == COHERE:
        contents = [event["delta"]["message"]["content"] for event in events if event["type"] == "content-delta"]
        return "".join(one.get("text", "") for one in contents), "".join(one.get("thinking", "") for one in contents)
    pairs = [_spoken(choice["delta"]) for event in events for choice in event["choices"]]
    return "".join(text for text, _ in pairs), "".join(thought for _, thought in pairs)


def frames(body: str) -> bytes:
    """An AWS event stream; each line of `body` is the name of an event and its payload, or an event in an envelope."""
    stream = b""
    for name, _, payload in (line.partition(" ") for line in body.splitlines() if line):
        told = {"bytes": base64.b64encode(payload.encode()).decode()} if name == "chunk" else json.loads(payload)
        stream += frame(name, told)
    return stream


def payloads(stream: bytes) -> list[bytes]:
    """The payloads of the messages of an AWS event stream."""
    found: list[bytes] = []
    while stream:
        size, headers = struct.unpack_from(">II", stream)
        found.append(stream[12 + headers : size - 4])
        stream = stream[size:]
    return found


def _in_parts(events: list[dict[str, Any]]) -> tuple[str, str]:
    parts = [part for event in events for one in event["candidates"] for part in one["content"]["parts"]]
    texts = [
        "".join(part["text"] for part in parts if part.get("thought", False) is thought) for thought in (False, True)
    ]
    return texts[0], texts[1]


def _texts(parts: list[dict[str, Any]], kind: str) -> str:
    return "".join(part.get("text") or part.get("thinking", "") for part in parts if part["type"] == kind)


def _spoken(message: dict[str, Any]) -> tuple[str, str]:
    content, thought = message.get("content"), message.get("reasoning_content") or message.get("reasoning") or ""
    if not isinstance(content, list):
        return content or "", thought
    parts = [(part.get("text", ""), part.get("thinking", ())) for part in content]
    thoughts = (item["text"] for _, items in parts for item in items)
    return "".join(text for text, _ in parts), "".join((thought, *thoughts))
