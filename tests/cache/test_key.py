"""What makes two requests the same: the normalisation, and nothing beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.cache import key
from asbru.core.chat import Raw
from asbru.dialects import discover

DIALECTS = discover()


def digest(body: dict[str, Any] | bytes, dialect: str = "openai_chat") -> bytes:
    """The digest of a chat on a surface."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return key.digest_of_chat(DIALECTS[dialect].chat.read_request(data))


def ask(text: str = "hi", **members: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], **members}


TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ask(), ask(stream=True, stream_options={"include_usage": True})),
        (ask(), {**ask(), "model": "other"}),
        (ask(), {"messages": [{"content": [{"type": "text", "text": "hi"}], "role": "user"}], "model": "m"}),
        (
            ask(tools=[TOOL]),
            b'{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[{"function":{"parameters":'
            b'{ "properties" : {},"type":"object"},"name":"f"},"type":"function"}]}',
        ),
        (ask(unknown={"a": 1, "b": 2}), ask(unknown={"b": 2, "a": 1})),
    ],
)
def test_the_same(one: dict[str, Any], other: dict[str, Any] | bytes) -> None:
    """The name of the model, the form of the reply, and how JSON is written do not count."""
    assert digest(one) == digest(other)


@pytest.mark.parametrize(
    "other",
    [
        ask("Hi"),
        ask("hi "),
        ask("hi\u0301"),
        ask(temperature=1),
        ask(n=2),
        ask(stop=["x"]),
        ask(tools=[TOOL]),
        ask(user="u"),
        ask(seed=1),
        ask(unknown=1),
        ask(response_format={"type": "json_object"}),
        {"model": "m", "messages": [{"role": "system", "content": "hi"}]},
        {"model": "m", "messages": [{"role": "user", "content": "h"}, {"role": "user", "content": "i"}]},
    ],
)
def test_not_the_same(other: dict[str, Any]) -> None:
    """Everything that a model or a provider sees counts."""
    assert digest(ask()) != digest(other)


def test_the_order_of_the_properties_of_a_schema_counts() -> None:
    """A model writes them in that order, so that reasons may come before what they lead to; how the members of a schema
    itself are ordered means nothing."""

    def shaped(*names: str, inside: bool = False) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "object", "properties": {name: {"type": "string"} for name in names}}
        if inside:
            schema = {"type": "array", "items": schema}
        return ask(response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": schema}})

    for inside in (False, True):
        assert digest(shaped("why", "so", inside=inside)) != digest(shaped("so", "why", inside=inside))
    turned = shaped("why", "so")
    form = turned["response_format"]["json_schema"]
    form["schema"] = dict(reversed(form["schema"].items()))
    assert digest(turned) == digest(shaped("why", "so"))
    one, other = (
        {"input": Raw(b'{"properties":{"a":1,"b":2}}')},
        {"input": Raw(b'{"properties":{"b":2,"a":1}}')},
    )
    assert key.digest_of_members("d", one) != key.digest_of_members("d", other)


def test_text_cannot_pass_for_structure() -> None:
    """A text that reads like a member of the encoded form changes nothing but itself."""
    assert digest(ask('"extra":{"a":1}'), "openai_chat") != digest(ask('"extra":{}'))
    plain, marked = ask('"plain":true'), ask('"plain":false')
    assert digest(plain) != digest(marked)


def test_dialects_share_unless_a_member_is_one_dialects_own() -> None:
    """The same question on another surface is the same; with a member only one of them knows it is not."""
    chat = ask(max_tokens=5)
    assert digest(chat) == digest(chat, "anthropic_messages")
    assert digest({**chat, "odd": 1}) != digest({**chat, "odd": 1}, "anthropic_messages")


def test_parts_of_a_digest_cannot_run_into_each_other() -> None:
    """Where one part ends and the next begins counts."""
    assert key.digest_of_bytes(b"ab", b"c") != key.digest_of_bytes(b"a", b"bc")
    assert key.digest_of_bytes(b"", b"a") != key.digest_of_bytes(b"a", b"")
    assert key.digest_of_bytes(b"1,1:a") != key.digest_of_bytes(b"1", b"a")


def test_other_operations_by_their_members() -> None:
    """Members in any order; the model's name is no part of it, the dialect is."""
    one = {"model": Raw(b'"m"'), "input": Raw(b'["a", "b"]'), "dimensions": Raw(b"3")}
    other = {"dimensions": Raw(b"3"), "input": Raw(b'["a","b"]'), "model": Raw(b'"n"')}
    assert key.digest_of_members("d", one) == key.digest_of_members("d", other)
    assert key.digest_of_members("d", one) != key.digest_of_members("e", one)
    assert key.digest_of_members("d", one) != key.digest_of_members("d", {**one, "input": Raw(b'["b","a"]')})
