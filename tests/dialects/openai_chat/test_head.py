"""The head of a request: what is read, what is refused and in which words, what a rewrite touches."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.core.errors import BadRequest
from asbru.dialects import RequestHead
from asbru.dialects.openai_chat.head import read_completions_head, read_head, rewrite

NONE: frozenset[str] = frozenset()


def rewritten(body: bytes, model: str, ask_usage: bool, strip: frozenset[str]) -> bytes:
    """The body that is sent: the very object where nothing had to change."""
    members = rewrite(read_head(body), model, ask_usage, strip)
    return body if members is None else msgspec.json.encode(members)


def facts(head: RequestHead) -> tuple[str, bool, bool, int | None, int]:
    """What a head says, without the members it was read from."""
    return head.model, head.stream, head.wants_usage, head.max_tokens, head.choices


BAD = {
    "empty": (b"", "malformed JSON"),
    "malformed": (b'{"model":"x",', "malformed JSON"),
    "trailing": (b'{"model":"x"} x', "malformed JSON"),
    "a list": (b" []", "expected a JSON object, got an array"),
    "no model": (b"{}", "model: expected a string, got nothing"),
    "null model": (b'{"model":null}', "model: expected a string, got nothing"),
    "empty model": (b'{"model":""}', "model: expected the name of a model, got an empty string"),
    "number as model": (b'{"model":5}', "model: expected a string, got the number 5"),
    "stream as text": (b'{"model":"x","stream":"yes"}', "stream: expected a boolean, got a string"),
    "options as list": (
        b'{"model":"x","stream_options":[]}',
        "stream_options: expected an object, got an array",
    ),
    "usage as number": (
        b'{"model":"x","stream_options":{"include_usage":1}}',
        "stream_options.include_usage: expected a boolean, got the number 1",
    ),
    "limit as text": (b'{"model":"x","max_tokens":"5"}', "max_tokens: expected an integer, got a string"),
    "deep": (b'{"model":"x","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested"),
    "deep and open": (b'{"a":' + b"[" * 100_000, "nested"),
    "not UTF-8": (b'{"model":"x","user":"\xff"}', "expected UTF-8, got an invalid byte at position 21"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_head_is_refused_in_words(name: str) -> None:
    """Whatever is wrong with a body, the caller reads what was expected and what came."""
    body, words = BAD[name]
    with pytest.raises(BadRequest) as caught:
        read_head(body)
    assert words in caught.value.message


def test_a_head_is_read() -> None:
    """Model, stream, usage wish and the modern token limit are read, the rest is left alone."""
    body = b'{"model":"m","stream":true,"stream_options":{"include_usage":true},"max_tokens":5,'
    body += b'"max_completion_tokens":7,"messages":[{"role":"user","content":"\xc3\xa4"}]}'
    head = read_head(body)
    assert facts(head) == ("m", True, True, 7, 1)
    assert list(head.members) == [
        "model",
        "stream",
        "stream_options",
        "max_tokens",
        "max_completion_tokens",
        "messages",
    ]
    assert read_head(b'{"model":"m","n":3}').choices == 3
    nothing = b'{"model":"m","stream":null,"stream_options":null,"max_tokens":null,"n":null}'
    assert facts(read_head(nothing)) == ("m", False, False, None, 1)


@given(st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_no_bytes_make_the_head_fail_otherwise(body: bytes) -> None:
    """Arbitrary bytes give a head or a BadRequest, never another exception."""
    for call in (read_head, lambda data: rewritten(data, "m", True, NONE)):
        try:
            call(body)
        except BadRequest as error:
            assert error.message


def test_nothing_to_change_gives_the_identical_object() -> None:
    """A body that is right already is forwarded as the very same object."""
    body = b'{ "model" : "m", "stream_options": {"include_usage": true} }'
    assert rewritten(body, "m", False, NONE) is body
    assert rewritten(body, "m", True, frozenset(("store",))) is body


def test_a_rewrite_touches_only_what_it_must() -> None:
    """The model is set and fields are stripped; every other member keeps its very text."""
    body = b'{"temperature": 1.50, "model":"a","store":true,"x":{"b" : 1e2}}'
    written = rewritten(body, "b", False, frozenset(("store", "absent")))
    assert written == b'{"temperature":1.50,"model":"b","x":{"b" : 1e2}}'


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (None, {"include_usage": True}),
        ('"stream_options":null', {"include_usage": True}),
        (
            '"stream_options":{"include_obfuscation":false}',
            {"include_obfuscation": False, "include_usage": True},
        ),
        ('"stream_options":{"include_usage":false}', {"include_usage": True}),
    ],
)
def test_usage_is_asked_for_beside_other_options(options: str | None, expected: dict[str, bool]) -> None:
    """Asking for usage keeps the other stream options."""
    body = f'{{"model":"m","stream":true{"," + options if options else ""}}}'.encode()
    assert json.loads(rewritten(body, "m", True, NONE))["stream_options"] == expected


def test_stripped_options_are_not_asked_for() -> None:
    """A provider that refuses stream options is not sent any."""
    body = b'{"model":"m","stream":true,"stream_options":{"include_usage":true}}'
    assert b"stream_options" not in rewritten(body, "m", True, frozenset(("stream_options",)))


@given(
    st.sampled_from(["m", "a", "b"]), st.booleans(), st.frozensets(st.sampled_from(["user", "stream_options", "x"]))
)
def test_a_rewrite_leaves_the_head_as_it_was(model: str, ask_usage: bool, strip: frozenset[str]) -> None:
    """Every attempt starts from what the caller sent, whatever the one before made of it."""
    body = b'{"model":"m","user":"u","stream_options":{"include_usage":false},"messages":[]}'
    head = read_head(body)
    first = rewrite(head, model, ask_usage, strip)
    assert head == read_head(body)
    assert rewrite(head, model, ask_usage, strip) == first


@pytest.mark.parametrize(
    ("more", "choices"),
    [
        (b'"prompt":"a"', 1),
        (b'"prompt": [ "a", "b" ]', 2),
        (b'"prompt":[[1],[2],[3]],"n":2', 6),
        (b'"prompt":[1,2,3]', 1),
        (b'"prompt":[],"n":2', 2),
        (b'"prompt":["a","b"],"n":2,"best_of":5', 10),
        (b'"prompt":"a","best_of":5,"stream":true', 1),
        (b'"prompt":null,"best_of":null', 1),
    ],
)
def test_choices_of_a_completion(more: bytes, choices: int) -> None:
    """All that are written; of a stream, which has no `best_of`, those that it tells the end of."""
    assert read_completions_head(b'{"model":"m",%b}' % more).choices == choices


def test_a_completion_whose_number_is_none_is_refused() -> None:
    """In the caller's words: nothing is sent."""
    with pytest.raises(BadRequest, match="expected a prompt and the number of its completions"):
        read_completions_head(b'{"model":"m","prompt":"a","best_of":"x"}')
