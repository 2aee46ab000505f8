"""Content parts: data URLs there and back, and what documents and foreign parts become in chat."""

from __future__ import annotations

import pytest

from asbru.core.chat import (
    AudioPart,
    CacheMark,
    DocumentPart,
    ForeignPart,
    ImagePart,
    MediaSource,
    Part,
    Raw,
    TextPart,
)
from asbru.core.traits import Traits
from asbru.dialects.openai_chat.parts import PartWriter, read_source, write_source
from asbru.dialects.receipt import Receipt

PDF = MediaSource(media_type="application/pdf", data="JVBERi0=")


def write(part: Part, dialect: str = "anthropic_messages", *, marks: bool = False) -> tuple[object, list[str]]:
    receipt = Receipt("openai_chat", dialect)
    written = PartWriter(receipt, Traits(cache_marks=marks)).write(part, "p")
    return written, [str(note) for note in receipt.notes]


@pytest.mark.parametrize(
    "url",
    [
        "data:image/png;base64,AA==",
        "data:;base64,AA==",
        "data:text/plain;charset=utf-8;base64,AA==",
        "data:text/plain,hello",
        "data:nonsense",
        "https://example.org/a.png?b=;base64,",
    ],
)
def test_a_url_comes_back_as_it_was(url: str) -> None:
    """Every URL is written exactly as it was read, base64 or not."""
    assert write_source(read_source(url), "image/png") == url


def test_base64_is_taken_apart() -> None:
    """Only base64 data URLs become data with a media type."""
    assert read_source("data:image/png;base64,AA==") == MediaSource(media_type="image/png", data="AA==")
    assert read_source("data:text/plain,hi") == MediaSource(url="data:text/plain,hi")


def test_documents_become_files() -> None:
    """A PDF is written as a file with the name chat requires."""
    expected = {
        "type": "file",
        "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "document.pdf"},
    }
    assert write(DocumentPart(source=PDF)) == (expected, [])


@pytest.mark.parametrize(
    ("part", "notes"),
    [
        (DocumentPart(source=MediaSource(url="https://x")), ["dropped p (chat takes no documents by URL)"]),
        (DocumentPart(source=MediaSource(file_id="f")), ["dropped p (a file id of another provider)"]),
        (
            ImagePart(source=MediaSource(file_id="f")),
            ["dropped p (chat takes images by URL or data, not by file id)"],
        ),
        (
            ForeignPart(dialect="anthropic_messages", kind="search_result", raw=Raw(b"{}")),
            ["dropped p (search_result is known to anthropic_messages only)"],
        ),
        (AudioPart(id="a"), ["dropped p (chat has no such content part)"]),
    ],
)
def test_what_chat_cannot_hold_is_dropped_and_noted(part: Part, notes: list[str]) -> None:
    """A part without a form in chat is left out and named."""
    assert write(part) == (None, notes)


def test_a_text_document_becomes_text() -> None:
    """A document made of text is written as a text part under its title, and what else it had is noted."""
    part = DocumentPart(
        parts=(TextPart(text="a"), ImagePart(source=PDF)), title="T", context="c", citations=Raw(b"{}")
    )
    written, notes = write(part)
    assert written == {"type": "text", "text": "T\n\na"}
    assert notes == [
        "dropped p.context (chat files have no such member)",
        "dropped p.citations (chat files have no such member)",
        "dropped p.parts[1] (only text of such a document is carried)",
        "changed p (a text document is written as text)",
    ]


def test_marks_and_unknown_members() -> None:
    """Cache marks and unknown members ride along at home; elsewhere each is noted unless the target reads
    marks."""
    part = TextPart(text="t", cache=CacheMark(), extra={"x": Raw(b"1")}, citations=Raw(b"[]"))
    own, _ = write(part, "openai_chat")
    assert own == {"type": "text", "text": "t", "cache_control": {"type": "ephemeral"}, "x": Raw(b"1")}
    assert write(part)[1] == [
        "dropped p.citations (chat has no citations in a request)",
        "dropped p.cache (the upstream takes no cache marks)",
        "dropped p.x (known to anthropic_messages only)",
    ]
    assert write(part, marks=True)[0] == {
        "type": "text", "text": "t", "cache_control": {"type": "ephemeral"}
    }  # fmt: skip
