"""The corpus: which recorded exchanges are replayed, and what each one holds.

The compressed file is read once, a line at a time; only rows of the two dialects are kept. A row is left out
for one of the reasons in `why_not` and counted there; everything else gets a verdict. Not here: any
judgement.
"""

from __future__ import annotations

import json
import lzma
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

OPENAI = "openai_chat"
ANTHROPIC = "anthropic_messages"

CHAT = "chat"

FILE = "provider-traffic.jsonl.xz"
LINE_CHARS_MAX = 64 * 1024 * 1024
ROWS_MAX = 100_000

# Main feature of a row: the first of these it has; the order goes from the rarest to the most common.
FEATURES = (
    "midstream_error",
    "audio",
    "document_in",
    "image_in",
    "server_tools",
    "refusal_filter",
    "logprobs",
    "parallel_tools",
    "structured",
    "cache_req",
    "cache_tokens",
    "thinking",
    "tool_call",
    "tools_req",
    "stream",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One recorded exchange. `request` is None where the recorded body is not JSON (`request_text` holds it).

    `answer` is the body as bytes; `exact` tells that they are the provider's own (recorded as text),
    otherwise they were dumped from a parsed object. `shape`: json, stream or error.
    """

    id: str
    provider: str
    dialect: str
    feature: str
    shape: str
    status: int
    content_type: str
    answer: bytes
    exact: bool
    request: dict[str, Any] | None
    request_text: str
    operation: str = CHAT
    beta: tuple[tuple[str, str], ...] = ()

    @property
    def stream(self) -> bool:
        """Whether the answer is an event stream."""
        return self.shape == "stream"

    @property
    def asked_usage(self) -> bool:
        """Whether the caller asked for usage in the stream (always so in Anthropic's dialect)."""
        if self.dialect == ANTHROPIC:
            return True
        options = (self.request or {}).get("stream_options") or {}
        return bool(options.get("include_usage"))

    @property
    def choices(self) -> int:
        """How many answers the caller asked for."""
        return (self.request or {}).get("n") or 1


@dataclass(slots=True)
class Corpus:
    """The rows to replay, and the count of what was left out by reason."""

    rows: list[Row] = field(default_factory=list)
    excluded: Counter[str] = field(default_factory=Counter)


def find() -> Path | None:
    """The recordings' file: ASBRU_RECORDINGS (folder or file), else `../shared/recordings`; None: absent."""
    named = os.environ.get("ASBRU_RECORDINGS")
    root = Path(__file__).resolve().parents[2]
    folder = Path(named) if named else root.parent / "shared" / "recordings"
    path = folder / FILE if folder.is_dir() else folder
    return path if path.is_file() else None


def load(path: Path) -> Corpus:
    """All rows of both dialects, in the file's order."""
    corpus = Corpus()
    for raw in lines_of(path):
        try:
            row = _row_or_reason(raw)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            row = f"not of the form of a recording: {type(error).__name__} {error}"
        if isinstance(row, str):
            corpus.excluded[row] += 1
        elif row is not None and len(corpus.rows) < ROWS_MAX:
            corpus.rows.append(row)
    return corpus


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """Wire rows as they were recorded, one at a time."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        while line := lines.readline(LINE_CHARS_MAX):
            raw = json.loads(line)
            if raw["level"] == "wire":
                yield raw


def _row_or_reason(raw: dict[str, Any]) -> Row | str | None:
    """The row; or why it is left out; None for the other APIs of the file."""
    dialect = dialect_of(raw)
    return None if dialect is None else why_not(raw, dialect) or row_of(raw, dialect)


def operation_of(raw: dict[str, Any]) -> str:
    """What was asked: "chat", "embeddings" or "count_tokens"."""
    path = urlsplit(raw["url"] or "").path
    return next((name for name in ("embeddings", "count_tokens") if path.endswith(f"/{name}")), CHAT)


def dialect_of(raw: dict[str, Any]) -> str | None:
    """The dialect a row claims by its API or its path; None for the other APIs of the file."""
    path = urlsplit(raw["url"] or "").path
    if raw["api"] == "chat" or path.endswith(("/chat/completions", "/v1/embeddings")):
        return OPENAI
    if raw["api"] == "messages" or path.endswith(("/v1/messages", "/v1/messages/count_tokens")):
        return ANTHROPIC
    return None


def why_not(raw: dict[str, Any], dialect: str) -> str | None:
    """The reason a row cannot be replayed in its dialect, or None. Deliberately short."""
    path = urlsplit(raw["url"] or "").path
    if operation_of(raw) == "embeddings":
        if raw["status"] == 200 and b'"prompt_tokens"' not in _bytes(raw["response_body"]):
            return f"not OpenAI embeddings: {raw['provider']} speaks its own format at {path}"
    elif dialect == OPENAI and not path.endswith("/chat/completions") and not _looks_openai(raw):
        return f"not OpenAI chat: {raw['provider']} speaks its own format at {path}"
    if dialect == ANTHROPIC and "/threads/" in path:
        return "not Anthropic messages: OpenAI Assistants thread messages"
    if raw["truncated"]:
        return "the recorder cut the answer"
    if raw["response_body"] in (None, ""):
        return "no answer was recorded"
    if raw["body_enc"] not in ("text", "json"):
        return f"answer stored as {raw['body_enc']}"
    if not raw["status"]:
        return "no status was recorded"
    return None


def _looks_openai(raw: dict[str, Any]) -> bool:
    """Whether the answer has OpenAI's shape: an object with `choices`, or chunks that have it."""
    body = raw["response_body"]
    if isinstance(body, str):
        return '"choices"' in body and '"chat.completion' in body
    return isinstance(body, dict) and "choices" in body


def row_of(raw: dict[str, Any], dialect: str, *, operation: str | None = None) -> Row:
    """A row of a dialect, whatever is judged of it. `operation`: what was asked, where its path tells otherwise."""
    body = raw["response_body"]
    exact = isinstance(body, str)
    answer = _bytes(body)
    headers = {k.lower(): str(v) for k, v in (raw["response_headers"] or {}).items()}
    sent = {k.lower(): str(v) for k, v in (raw["request_headers"] or {}).items()}
    begins_as_stream = answer.startswith((b"data:", b"event:"))
    content_type = headers.get("content-type", "text/event-stream" if begins_as_stream else "application/json")
    shape = "stream" if content_type.startswith("text/event-stream") else "json"
    if raw["status"] >= 400:
        shape = "error"
    request, text = _request(raw["request_body"])
    return Row(
        id=raw["id"],
        provider=raw["provider"],
        dialect=dialect,
        feature=main_feature(raw, shape),
        shape=shape,
        status=raw["status"],
        content_type=content_type,
        answer=answer,
        exact=exact,
        request=request,
        request_text=text,
        operation=operation_of(raw) if operation is None else operation,
        beta=tuple((k, v) for k, v in sent.items() if k in ("anthropic-beta", "anthropic-version")),
    )


def _bytes(body: Any) -> bytes:
    """A recorded body, as text or as parsed object, in bytes."""
    return body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()


def _request(body: Any) -> tuple[dict[str, Any] | None, str]:
    """The request as an object, and as text where the recorder stored text."""
    if isinstance(body, dict):
        return body, ""
    text = str(body or "")
    try:
        parsed = json.loads(text)
    except ValueError:
        return None, text
    return (parsed, text) if isinstance(parsed, dict) else (None, text)


def main_feature(raw: dict[str, Any], shape: str) -> str:
    """The one feature a row counts under: "error", else the first of `FEATURES` it has, else "text"."""
    if shape == "error":
        return "error"
    has = set(raw["features"] or ())
    return next((name for name in FEATURES if name in has), "text")
