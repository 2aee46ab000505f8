"""Members of an object: absent, null, wrong, and what is left."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest, UpstreamError
from asbru.dialects.fields import (
    BOOLEAN,
    TEXTS,
    Fields,
    kind_of,
    open_body,
    open_object,
    refuse_reply,
    refuse_request,
)


def fields_of(body: bytes) -> Fields:
    return open_body(body, refuse_request)


def test_members_are_taken_out_and_the_rest_is_left() -> None:
    """Each read takes its member; null counts as absent; the rest keeps its text, nulls only where asked."""
    fields = fields_of(b'{"a":"x","b":null,"c": [1.0],"d":{"e":5},"f":false,"g":null,"h":["i",1],"j":[{}]}')
    assert (fields.text("a"), fields.text("b"), fields.text("gone")) == ("x", None, None)
    assert "c" in fields
    assert "b" not in fields
    child = fields.need_child("d")
    assert (child.path, child.integer("e")) == ("d", 5)
    assert fields.boolean("f") is False
    assert fields.items("h") == [Raw(b'"i"'), Raw(b"1")]
    children = fields.children("j")
    assert children is not None
    assert [one.path for one in children] == ["j[0]"]
    assert fields.rest() == {"c": Raw(b"[1.0]"), "g": Raw(b"null")}
    assert fields.rest_set() == {"c": Raw(b"[1.0]")}


def test_a_peek_leaves_the_member_but_not_a_null() -> None:
    """What is looked at stays; a null is nothing, and goes; a peek for a string takes any other kind for nothing."""
    fields = fields_of(b'{"a":"x","b":null,"c":5}')
    assert (fields.peek("a"), fields.peek("b")) == (Raw(b'"x"'), None)
    assert (fields.peek_text("a"), fields.peek_text("c"), fields.peek_text("d")) == ("x", None, None)
    assert fields.rest() == {"a": Raw(b'"x"'), "c": Raw(b"5")}


def test_settings_are_read_by_their_names() -> None:
    """Members of a table come out under their canonical names; nulls and unknown ones do not."""
    fields = fields_of(b'{"stop":["a"],"on":true,"off":null,"x":1}')
    known = {"stop": ("stops", TEXTS), "on": ("on", BOOLEAN), "off": ("off", BOOLEAN)}
    assert fields.settings(known) == {"stops": ("a",), "on": True}
    assert fields.rest() == {"x": Raw(b"1")}


@pytest.mark.parametrize(
    ("text", "kind"),
    [("1", "a number"), ("-1", "a number"), ('"', "a string"), (" {", "an object"), ("[", "an array"),
     ("true", "true"), ("false", "false"), ("null", "null"), ("", "nothing"), (" ", "nothing")],
)  # fmt: skip
def test_kinds_have_words(text: str, kind: str) -> None:
    """Every kind of value has a word for messages."""
    assert kind_of(text.encode()) == kind


COMPLAINTS: list[tuple[Callable[[Fields], object], str]] = [
    (lambda fields: fields.text("n"), "p.n: expected a string, got the number 1.5"),
    (lambda fields: fields.integer("n"), "p.n: expected an integer, got the number 1.5"),
    (lambda fields: fields.boolean("n"), "p.n: expected a boolean, got the number 1.5"),
    (lambda fields: fields.integer("b"), "p.b: expected an integer, got true"),
    (lambda fields: fields.child("l"), "p.l: expected an object, got an array"),
    (lambda fields: fields.items("s"), "p.s: expected an array, got a string"),
    (lambda fields: fields.children("l"), "p.l[0]: expected an object, got the number 1"),
    (
        lambda fields: fields.settings({"l": ("l", TEXTS)}),
        "p.l: expected an array of strings, got an array with other",
    ),
    (lambda fields: fields.need_text("gone"), "p.gone: expected a string, got nothing"),
    (lambda fields: fields.need_child("gone"), "p.gone: expected an object, got nothing"),
    (lambda fields: fields.need_items("gone"), "p.gone: expected an array, got nothing"),
    (lambda fields: fields.text("u"), "p.u: expected a string, got unreadable JSON ("),
    (lambda fields: open_object(b"{", "p.x", refuse_request), "p.x: expected an object, got malformed JSON ("),
]


@pytest.mark.parametrize(("read", "words"), COMPLAINTS, ids=[words for _, words in COMPLAINTS])
def test_a_complaint_names_path_and_kinds(read: Callable[[Fields], object], words: str) -> None:
    """What is wrong is told with its path, what was expected and what came, numbers with their value."""
    fields = open_object(b'{"n":1.5,"b":true,"l":[1],"s":"x","u":"\xff"}', "p", refuse_request)
    with pytest.raises(BadRequest) as caught:
        read(fields)
    assert caught.value.message.startswith(words)
    assert caught.value.param == words.partition(":")[0]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "expected a JSON object, got malformed JSON ("),
        (b" []", "expected a JSON object, got an array"),
        (b'{"a":' + b"[" * 100_000, "expected JSON nested at most a few hundred levels deep, got more"),
        (b'{"a":"\xff"}', "expected UTF-8, got an invalid byte at position 6"),
    ],
    ids=["empty", "an array", "deep", "not UTF-8"],
)
def test_blame_follows_the_side(body: bytes, words: str) -> None:
    """The same bad body is the caller's fault as a request and the provider's as a reply."""
    with pytest.raises(BadRequest) as asked:
        open_body(body, refuse_request)
    assert asked.value.message.startswith(f"the body: {words}")
    assert asked.value.param is None
    with pytest.raises(UpstreamError) as replied:
        open_body(body, refuse_reply("some_dialect"))
    error = replied.value
    assert error.message.startswith(f"the provider's answer: {words}")
    assert (error.kind, error.code, error.dialect) == ("protocol", "upstream_protocol", "some_dialect")


def test_a_provider_is_told_by_path() -> None:
    """A wrong member of a reply is named as the provider's."""
    with pytest.raises(UpstreamError) as caught:
        open_body(b'{"a":1}', refuse_reply("some_dialect")).text("a")
    assert caught.value.message == "the provider's answer, a: expected a string, got the number 1"
