"""Every text of a request is looked at: a canary in each string of each golden request, in every dialect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline.guarding.canaries import CANARY, NO_TEXT, member_of, places, planted

from asbru.core.errors import AsbruError
from asbru.dialects import discover
from asbru.pipeline.guarding.texts import Texts

CASES = Path(__file__).parents[2] / "cases"
DIALECTS = [name for name, dialect in discover().items() if dialect.surface.name and (CASES / name).is_dir()]


def requests_of(name: str) -> Iterator[Any]:
    """The bodies of the golden requests of a dialect."""
    for file in sorted((CASES / name).glob("request_*.json")):
        case = json.loads(file.read_text(encoding="utf-8"))
        body = case.get("wire", case.get("body", case))
        if isinstance(body, dict):
            yield body


SIGNED = ("signature", "Signature", "encrypted_content", "redacted")
"""What proves reasoning to its provider: a text beside it cannot change, and is not looked at."""


@pytest.mark.parametrize("name", DIALECTS)
def test_each_text_of_a_request_is_looked_at(name: str) -> None:
    """In whatever member it stands; what is not looked at is listed in `canaries`."""
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
                member = member_of(path)
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


def test_metadata_has_no_members_without_text() -> None:
    """Callers name its members: `id` and `type` there are texts like any other."""
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "metadata": {"id": CANARY, "nested": {"type": CANARY}},
    }
    request = discover()["openai_chat"].chat.read_request(json.dumps(body).encode())
    assert Texts(request, "input").by_place["input"].count(CANARY) == 2
