"""What an answer says beside text, tool calls and usage: the model's name, logprobs, signatures of thinking.

Each is read here from the bytes, the recorded ones and those that were written, with nothing but `json`; so what a
reader and a writer lose together is seen all the same. A stream's pieces are joined.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from tests.recordings.assembled import dump
from tests.recordings.corpus import ANTHROPIC
from tests.recordings.reading import events

Facts = dict[str, Any]

_CARRIER = re.compile("^asbru:[^:]*:")


def facts(data: bytes, dialect: str, *, stream: bool) -> Facts:
    """The facts of an answer; a fact that it does not tell is not among them."""
    objects = [event.parsed() for event in events(data)] if stream else [json.loads(data)]
    told = [one for one in objects if isinstance(one, dict)]
    found = _anthropic(told) if dialect == ANTHROPIC else _openai(told)
    return {name: value for name, value in found.items() if value}


def lost(where: str, recorded: Facts, written: Facts, said: str) -> list[str]:
    """The facts that are not as they were, and that no note names."""
    return [
        f"{where}: {name} {dump(value)} -> {dump(written.get(name))}"
        for name, value in recorded.items()
        if written.get(name) != value and name not in said
    ]


def _openai(told: list[dict[str, Any]]) -> Facts:
    logprobs: dict[str, list[Any]] = {}
    signature = ""
    for choice in (choice for answer in told for choice in answer.get("choices") or ()):
        for kind, tokens in (choice.get("logprobs") or {}).items():
            if isinstance(tokens, list) and tokens:
                logprobs.setdefault(f"{choice.get('index', 0)} {kind}", []).extend(tokens)
        shown = choice.get("message") or choice.get("delta") or {}
        signature += "".join(_signatures(shown.get("reasoning_details") or ()))
    models = [answer["model"] for answer in told if answer.get("model")]
    return {"model": models[0] if models else None, "logprobs": logprobs, "signature": signature}


def _signatures(blocks: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Signatures and hidden thinking, of Anthropic's blocks or of the details that carry them in chat; those of other
    makers without the mark that says whose they are."""
    for block in blocks:
        found = (block[name] for name in ("signature", "data") if isinstance(block.get(name), str))
        yield from (_CARRIER.sub("", value) for value in found)


def _anthropic(told: list[dict[str, Any]]) -> Facts:
    model, signature = None, ""
    for event in told:
        message = event.get("message") or event
        model = model or message.get("model")
        blocks = [*(message.get("content") or ()), event.get("content_block") or {}]
        delta = event.get("delta") or {}
        signature += "".join(_signatures([*blocks, delta]))
    return {"model": model, "signature": signature}
