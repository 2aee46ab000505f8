"""Which judge each recording has, or the rule by which it has none: the whole file, a line at a time.

    judge        rows
    corpus       OpenAI chat and Anthropic messages, also through a gateway (`corpus`, `checks`, `gateway`)
    google       calls of the Gemini API and of Vertex AI (`google`)
    bedrock, responses, cohere, fixtures    the modules of these names; without sockets

A rule is about a kind of rows, never about one.
"""

from __future__ import annotations

import json
import lzma
import multiprocessing
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.recordings import bedrock, cohere, fixtures, responses
from tests.recordings.corpus import LINE_CHARS_MAX, Row, main_feature

PROCESSES = 2
JUDGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "bedrock": bedrock.judge,
    "openai_responses": responses.judge,
    "cohere": cohere.judge,
    "fixtures": fixtures.judge,
}
RULES: tuple[tuple[str, Callable[[dict[str, Any]], bool]], ...] = (
    ("WebSocket frames of realtime sessions", lambda raw: raw["level"] == "ws"),
    ("a fixture that its project has put together of several replies, or shortened", fixtures.is_made_up),
    ("a fixture in no format that Asbru translates", lambda raw: raw["level"] == "fixture"),
    ("no answer was recorded", lambda raw: raw["response_body"] in (None, "") or not raw["status"]),
    (
        "OpenAI's Assistants, with their threads and vector stores",
        lambda raw: raw["api"] in _ASSISTANTS or "/threads/" in _path(raw),
    ),
    ("realtime sessions", lambda raw: raw["api"] == "realtime"),
    ("text completions, which are not translated", lambda raw: raw["api"] == "completions"),
    ("files, images, audio and lists, which are judged by tests of their own", lambda raw: raw["api"] in _OBJECTS),
    ("Bedrock: a body of another maker, or an operation of no dialect", lambda raw: raw["provider"] in _BEDROCK),
    (
        "Responses: an operation on a stored response",
        lambda raw: raw["api"] == "responses",
    ),
    (
        "APIs that their provider has replaced: Cohere's version 1, Anthropic's text completions",
        lambda raw: (raw["provider"] == "cohere" and _path(raw).startswith("/v1/")) or _path(raw) == "/v1/complete",
    ),
    (
        "Gemini: objects that it keeps (cached contents, stores of files)",
        lambda raw: (
            raw["provider"] == "gemini" and ("/fileSearchStores" in _path(raw) or "/cachedContents" in _path(raw))
        ),
    ),
    (
        "no model is called: parsed documents, instances, a list of models",
        lambda raw: bool(_NO_MODEL.search(_path(raw))),
    ),
    (
        "a format for its models that only this provider has: Ollama, Replicate, watsonx, SageMaker, Hugging Face",
        lambda raw: raw["provider"] in _OWN_FORMATS,
    ),
)
_NO_MODEL = re.compile(r"^/api/parsing/|^/ml/v4/instances/|/foundation_model_specs$|^/available-models$")
_OWN_FORMATS = ("ollama", "replicate", "watsonx", "sagemaker", "huggingface")
_BEDROCK = ("bedrock", "bedrock?")
"""The second: through a gateway."""
_ASSISTANTS = ("assistants", "vector_stores", "threads")
_OBJECTS = ("files", "images", "models", "audio-stt", "rerank", "embeddings", "batches")


def _path(raw: dict[str, Any]) -> str:
    return urlsplit(raw["url"] or "").path


@dataclass(slots=True)
class Sources:
    """Rows with the judge of each, and the count of what is left out by rule. `rows` is every line of the file."""

    rows: int = 0
    found: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    excluded: Counter[str] = field(default_factory=Counter)


def load(path: Path, known: frozenset[str]) -> Sources:
    """All rows but those in `known`, which have a judge already. Raises `LookupError` for a row that has neither a
    judge nor a rule."""
    sources = Sources()
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        while line := lines.readline(LINE_CHARS_MAX):
            raw = json.loads(line)
            sources.rows += 1
            if raw["id"] in known:
                continue
            judge = judge_of(raw)
            if judge is None:
                sources.excluded[_rule_of(raw)] += 1
            else:
                sources.found.append((judge, raw))
    return sources


def _rule_of(raw: dict[str, Any]) -> str:
    for words, applies in RULES:
        if applies(raw):
            return words
    raise LookupError(f"neither a judge nor a rule for {raw['id']}: {raw['provider']} {raw['method']} {raw['url']}")


def judge_of(raw: dict[str, Any]) -> str | None:
    """The name of a row's judge; None for a row that has none."""
    path = _path(raw)
    answered = raw["response_body"] not in (None, "") and not raw["truncated"]
    if raw["provider"] in _BEDROCK and raw["api"] != "responses":
        return "bedrock" if not bedrock.why_not(raw) else None
    if (
        raw["api"] == "responses"
        and raw["level"] == "wire"
        and raw["usable"]
        and raw["method"] == "POST"
        and answered
    ):
        return "openai_responses"
    if raw["provider"] == "cohere" and answered and (path in cohere.SERVED or not raw["url"]):
        return "cohere"
    return "fixtures" if fixtures.home_of(raw) and answered else None


def row(judge: str, raw: dict[str, Any]) -> Row:
    """How the row is counted."""
    shape = "error" if (raw["status"] or 200) >= 400 else "stream" if raw["stream"] else "json"
    found = {"id": raw["id"], "provider": raw["provider"], "dialect": judge, "status": raw["status"] or 200}
    empty = {"content_type": "", "answer": b"", "exact": False, "request": None, "request_text": ""}
    return Row(**found, **empty, feature=main_feature(raw, shape), shape=shape)


def run(sources: Sources, progress: Callable[[int], None]) -> Iterator[tuple[str, list[str]]]:
    """(id, reasons) of every row, in any order. The rows reach the processes by fork, not by pickling."""
    context = multiprocessing.get_context("fork")
    with context.Pool(PROCESSES, initializer=_Work.adopt, initargs=(sources.found,)) as pool:
        for done, result in enumerate(pool.imap_unordered(_Work.one, range(len(sources.found)), chunksize=8), 1):
            progress(done)
            yield result


class _Work:
    """What a forked process works on: set once by the pool's initializer."""

    found: list[tuple[str, dict[str, Any]]]

    @staticmethod
    def adopt(found: list[tuple[str, dict[str, Any]]]) -> None:
        """Keep the work of this process."""
        _Work.found = found

    @staticmethod
    def one(number: int) -> tuple[str, list[str]]:
        """The verdict of one row by its number."""
        name, raw = _Work.found[number]
        try:
            JUDGES[name](raw)
        except Exception as error:  # noqa: BLE001 -- becomes the row's reason: any exception is a finding
            return raw["id"], [f"{type(error).__name__}: {error}"[:400]]
        return raw["id"], []
