"""Members of an object: absent, null, wrong, and what is left."""

from __future__ import annotations

import pytest

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest, UpstreamError
from asbru.dialects.openai_chat.fields import kind_of, open_object, refuse_answer, refuse_request


def test_members_are_taken_out_and_the_rest_is_left() -> None:
    """Each read takes its member; null counts as absent; the rest keeps its text."""
    fields = open_object(b'{"a":"x","b":null,"c": [1.0],"d":{"e":5}}', refuse_request)
    assert (fields.text("a"), fields.text("b"), fields.text("gone")) == ("x", None, None)
    assert "c" in fields
    assert "b" not in fields
    child = fields.need_child("d")
    assert (child.path, child.whole("e")) == ("d", 5)
    assert fields.rest() == {"c": Raw(b"[1.0]")}


@pytest.mark.parametrize(
    ("text", "kind"),
    [("1", "a number"), ("-1", "a number"), ('"', "a string"), ("{", "an object"), ("[", "a list"),
     ("true", "true"), ("false", "false"), ("null", "null"), ("", "nothing")],
)  # fmt: skip
def test_kinds_have_words(text: str, kind: str) -> None:
    """Every kind of value has a word for messages."""
    assert kind_of(text.encode()) == kind


def test_blame_follows_the_side() -> None:
    """The same wrong value is the caller's fault in a request and the provider's in an answer."""
    with pytest.raises(BadRequest):
        open_object(b'{"a":1}', refuse_request).text("a")
    with pytest.raises(UpstreamError) as caught:
        open_object(b'{"a":1}', refuse_answer).text("a")
    assert (caught.value.kind, caught.value.code) == ("protocol", "upstream_protocol")
