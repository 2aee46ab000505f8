"""Every text of a request is looked at: a canary in each string of each golden request, in every dialect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.pipeline.guarding.canaries import CANARY, NO_TEXT, member_of, places, planted

from asbru.core.errors import AsbruError
from asbru.core.traits import Traits
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


PLAIN_NAMES = ("id", "type", "status", "data", "format", "model", "role", "kind", "object", "mode", "signature")
"""Names of members without text, which those who describe tools give to properties as well."""


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_a_property_may_be_called_like_a_member_without_text(name: str) -> None:
    """What describes a property of a tool is looked at, whatever the property is called: the description of a parameter
    `id` or `type` is as good a place for an injection as any."""
    schema = {"type": "object", "properties": {name: {"type": "string", "description": CANARY, "enum": [CANARY]}}}
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": schema}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}},
        "unheard_of": {name: {"nested": CANARY}},
    }
    found = Texts(discover()["openai_chat"].chat.read_request(json.dumps(body).encode()), "input").by_place
    assert found["tool_descriptions"].count(CANARY) == 2
    assert found["input"].count(CANARY) == 3


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_what_tools_name_is_replaced_everywhere(name: str) -> None:
    """Objects that a tool or a model made up (JSON results of Converse, calls of Anthropic's own tools) have no member
    without text, and none is left as it was in the raw form that goes back to the same dialect."""
    result = {"toolResult": {"toolUseId": "a", "content": [{"json": {"rows": [{name: CANARY}]}}]}}
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "bash", "input": {name: CANARY}}
    bodies: dict[str, Any] = {
        "bedrock_converse": {"messages": [{"role": "user", "content": [result]}]},
        "anthropic_messages": {"model": "m", "max_tokens": 9, "messages": [{"role": "assistant", "content": [call]}]},
    }
    for dialect, body in bodies.items():
        codec = discover()[dialect].chat
        texts = Texts(codec.read_request(json.dumps(body).encode()), "input")
        places = texts.by_place.items()
        clean = texts.replaced({place: [one.replace(CANARY, "x") for one in found] for place, found in places})
        assert CANARY not in codec.write_request(clean, "m", Traits()).body.decode()


def test_the_choice_of_a_tool_is_no_text() -> None:
    """What names a tool stays as it is, or the tool would not be found."""
    choice = {"type": "function", "function": {"name": CANARY}}
    body = {"model": "m", "input": "hi", "unheard_of": {"tool_choice": choice}}
    found = Texts(discover()["openai_responses"].chat.read_request(json.dumps(body).encode()), "input").by_place
    assert CANARY not in found["input"]


@pytest.mark.parametrize(
    "text",
    [
        f"data: {CANARY}",
        f"data:text/plain,{CANARY}",
        f"data:image/png;base64,iVBORw0KGgo= {CANARY}",
        f"data:image/png;base64,{'A' * 400} {CANARY}",
        f"data:\n  key: {CANARY}",
    ],
)
def test_a_text_may_begin_like_an_address(text: str) -> None:
    """What begins with "data:" is looked at in every place (a manifest of Kubernetes begins so), but for data in base64
    that is whole."""
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": json.dumps({"x": text})}}
    body = {
        "model": "m",
        "messages": [
            {"role": "user", "content": text},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": text}]},
        ],
        "metadata": {"x": text},
    }
    found = Texts(discover()["openai_chat"].chat.read_request(json.dumps(body).encode()), "input").by_place
    assert found == {"input": [text, "x", text], "tool_arguments": ["x", text], "tool_results": [text]}


def test_data_in_base64_is_no_text() -> None:
    """An image is not looked at, wherever it stands."""
    image = f"data:image/png;base64,{'iVBORw0K' * 100}"
    content = [{"type": "image_url", "image_url": {"url": image}}, {"type": "made_up", "made_up": {"link": image}}]
    body = {"model": "m", "messages": [{"role": "user", "content": content}]}
    found = Texts(discover()["openai_chat"].chat.read_request(json.dumps(body).encode()), "input").by_place
    assert image not in found.get("input", [])
