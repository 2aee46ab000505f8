"""Every text of a request is looked at: a canary in each string of each golden request, in every dialect."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asbru.core.errors import AsbruError
from asbru.dialects import discover
from asbru.pipeline.guarding.texts import Texts

CASES = Path(__file__).parents[2] / "cases"
CANARY = "canary ghp_0000"
DIALECTS = [name for name, dialect in discover().items() if dialect.surface.name and (CASES / name).is_dir()]


def requests_of(name: str) -> Iterator[Any]:
    """The bodies of the golden requests of a dialect."""
    for file in sorted((CASES / name).glob("request_*.json")):
        case = json.loads(file.read_text(encoding="utf-8"))
        body = case.get("wire", case.get("body", case))
        if isinstance(body, dict):
            yield body


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where strings are."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from places(inner, (*path, index))


def planted(body: Any, path: tuple[Any, ...]) -> Any:
    """The body with a canary in one place."""
    changed = copy.deepcopy(body)
    at = changed
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = f"{at[path[-1]]} {CANARY}"
    return changed


NO_TEXT = frozenset(
    (
        *("type", "id", "model", "role", "mode", "format", "detail", "ttl", "status", "data", "signature", "effort"),
        *("service_tier", "tool_choice", "name", "call_id", "tool_call_id", "tool_use_id", "file_id", "file_data"),
        *("fileUri", "mimeType", "image_url", "url", "thoughtSignature", "encrypted_content", "reasoning_effort"),
        *("thinkingLevel", "allowedFunctionNames", "function_call", "prompt_cache_key", "media_type", "display"),
        *("bytes", "uri", "toolUseId", "redactedContent", "anthropic_version"),
    )
)
"""Members that are no text of anyone's: ids, names that are looked up, encoded data (addresses here are `data:`)."""
SIGNED = ("signature", "Signature", "encrypted_content", "redacted")
"""What proves reasoning to its provider: a text beside it cannot change, and is not looked at."""


@pytest.mark.parametrize("name", DIALECTS)
def test_each_text_of_a_request_is_looked_at(name: str) -> None:
    """In whatever member it stands; what is not looked at is listed above."""
    looked_at = 0
    for body in requests_of(name):
        signed = any(word in json.dumps(body) for word in SIGNED)
        for path in places(body):
            try:
                request = discover()[name].chat.read_request(json.dumps(planted(body, path)).encode())
            except AsbruError:
                continue  # one of a few words, or a number as text
            found = Texts(request, "input").by_place
            if any(CANARY in text for texts in found.values() for text in texts):
                looked_at += 1
            else:
                member = next(step for step in reversed(path) if isinstance(step, str))
                assert member in NO_TEXT or (signed and member in ("text", "reasoning_content", "thinking")), path
    assert looked_at > 20


@pytest.mark.parametrize("name", DIALECTS)
def test_texts_are_put_back_where_they_were(name: str) -> None:
    """With nothing replaced it is the same object; with all replaced, each text is another."""
    for body in requests_of(name):
        try:
            request = discover()[name].chat.read_request(json.dumps(body).encode())
        except AsbruError:
            continue
        texts = Texts(request, "input")
        assert texts.replaced({place: list(found) for place, found in texts.by_place.items()}) is request
        changed = texts.replaced({place: [f"{one}!" for one in found] for place, found in texts.by_place.items()})
        expected = {place: [f"{one}!" for one in found] for place, found in texts.by_place.items()}
        assert Texts(changed, "input").by_place == expected
