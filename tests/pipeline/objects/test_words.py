"""Other words for files and batches, as a pure codec: odd values stay what they are, and nothing is made up."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest
from asbru.core.stored_words import AS_OPENAI, StoredWords
from asbru.pipeline.objects.words import ask, tell, write_form
from asbru.wire.multipart import read_form

WORDS = StoredWords(
    asked={"input_file_id": "input_files"},
    hours="timeout_hours",
    told={"input_files": "input_file_id", "output_file": "output_file_id"},
    listed=("input_files",),
    counts={"total": "total_requests", "failed": "failed_requests"},
    inside="job",
    error="error",
    times=("created_at",),
    statuses={"SUCCESS": "completed"},
    purposes={"batch": "batch-api"},
    file_name="file_name",
)
TYPE = b"multipart/form-data; boundary=b"


def form(*parts: tuple[str, str]) -> bytes:
    """A form of parts with these dispositions and texts."""
    return b"".join(
        f"--b\r\ncontent-disposition: form-data; {about}\r\n\r\n{text}\r\n".encode() for about, text in parts
    ) + (b"--b--\r\n")


def members(said: dict[str, Any]) -> dict[str, Raw]:
    """As they are decoded."""
    return {name: Raw(json.dumps(value).encode()) for name, value in said.items()}


def told(said: dict[str, Any], words: StoredWords = WORDS) -> dict[str, Any]:
    """A reply as its caller reads it."""
    return {name: json.loads(bytes(raw)) for name, raw in tell(members(said), words, "batch").items()}


def test_openais_own_words_stay() -> None:
    """The very members, also where a copy of the words came from another process."""
    same = members({"input_file_id": "f", "status": "BUSY"})
    assert ask(same, AS_OPENAI) is same and tell(same, StoredWords(), "batch") is same
    assert write_form(b"any", b"", AS_OPENAI) == b"any"


@pytest.mark.parametrize(("window", "hours"), [("24h", 24), ("7d", 168), ("", None), ("1w", None), (24, None)])
def test_a_window_becomes_hours(window: Any, hours: int | None) -> None:
    """Of hours or days; anything else is refused before it is sent."""
    asked = members({"input_file_id": "f", "completion_window": window})
    if hours is None:
        with pytest.raises(BadRequest, match="completion_window"):
            ask(asked, WORDS)
        return
    assert {name: json.loads(bytes(raw)) for name, raw in ask(asked, WORDS).items()} == {
        "input_files": ["f"],
        "timeout_hours": hours,
    }


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ({"input_files": ["f", "g"], "status": "SUCCESS"}, {"input_file_id": "f", "status": "completed"}),
        ({"input_files": [], "status": "NEW_WORD"}, {"input_file_id": None, "status": "new_word"}),
        ({"input_files": "f", "status": 7}, {"input_file_id": None, "status": 7}),
        ({"job": {"id": "a"}, "warning": "w"}, {"id": "a", "warning": "w"}),
        ({"job": "a"}, {"job": "a"}),
        ({"created_at": "2026-11-28T12:00:00Z"}, {"created_at": 1_795_867_200}),
        ({"created_at": "2026-11-28T12:00:00"}, {"created_at": 1_795_867_200}),
        ({"created_at": "soon"}, {"created_at": "soon"}),
        ({"created_at": 5}, {"created_at": 5}),
        ({"total_requests": 3}, {"request_counts": {"total": 3, "failed": 0}}),
        ({"error": ""}, {"errors": None}),
        ({"error": []}, {"errors": None}),
        ({"error": "why"}, {"errors": {"object": "list", "data": [{"message": "why"}]}}),
        ({"error": {"data": []}}, {"errors": {"data": []}}),
        ({"purpose": "batch-api"}, {"purpose": "batch"}),
        ({"purpose": "eval"}, {"purpose": "eval"}),
    ],
)
def test_replies(said: dict[str, Any], read: dict[str, Any]) -> None:
    """What has a counterpart becomes it; what is of another kind, or new, stays."""
    assert told(said) == {"object": "batch", **read}


@pytest.mark.parametrize(
    ("filename", "said"),
    [
        ('; filename="a b.jsonl"', "a b.jsonl"),
        ('; filename=""', "file.jsonl"),
        ("; filename*=utf-8''a", "file.jsonl"),
        ('; filename="--b"', "file.jsonl"),
        ("", "file.jsonl"),
    ],
)
def test_an_upload_says_its_name_and_purpose(filename: str, said: str) -> None:
    """In fields of the provider's; all else of the form stays, byte by byte."""
    body = form(('name="purpose"', "batch"), (f'name="file"{filename}', "1\r\n2"))
    written = write_form(body, TYPE, WORDS)
    assert isinstance(written, bytes)
    read = read_form(written, TYPE)
    fields = {part.name: written[part.start : part.end].decode() for part in read.parts}
    assert fields == {"file_name": said, "purpose": "batch-api", "file": "1\r\n2"}


def test_a_name_that_is_given_is_not_given_twice() -> None:
    """And a purpose without another word stays."""
    body = form(('name="file_name"', "x"), ('name="purpose"', "eval"), ('name="file"; filename="a"', "1"))
    assert write_form(body, TYPE, WORDS) == body


def test_what_is_no_form_is_refused() -> None:
    """It cannot be changed, and is not guessed at."""
    with pytest.raises(BadRequest):
        write_form(b"no", TYPE, WORDS)
