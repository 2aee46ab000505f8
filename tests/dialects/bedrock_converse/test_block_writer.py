"""Blocks of the Converse API where the golden cases do not look: the names of documents."""

from __future__ import annotations

import json
from typing import Any

from asbru.core.chat import ChatRequest, DocumentPart, MediaSource, Message, TextPart, ThinkingPart
from asbru.core.traits import Traits
from asbru.dialects.bedrock_converse import DIALECT


def document(title: str | None) -> DocumentPart:
    """A PDF."""
    return DocumentPart(source=MediaSource(media_type="application/pdf", data="JVBERi0="), title=title)


def names(*messages: Message) -> tuple[list[str], list[str]]:
    """The names of the documents that go to the provider, and the notes."""
    asked = ChatRequest(model="m", messages=messages, dialect="openai_chat")
    written = DIALECT.chat.write_request(asked, "m", Traits())
    body: dict[str, Any] = json.loads(written.body)
    blocks = [block for message in body["messages"] for block in message["content"]]
    return [one["document"]["name"] for one in blocks if "document" in one], [str(note) for note in written.notes]


def user(*parts: DocumentPart) -> Message:
    """What a user shows."""
    return Message(role="user", parts=parts)


def test_no_two_documents_have_one_name() -> None:
    """The API refuses a request in which two documents have the same name, whatever the case of its letters: the later
    one gets a number, and a note names it."""
    said = Message(role="assistant", parts=(TextPart(text="seen"),))
    found, notes = names(
        user(document(None), document("report.pdf")), said, user(document(None), document("Report.pdf"))
    )
    assert found == ["document", "report-pdf", "document-2", "Report-pdf-2"]
    assert "changed messages[2].parts[1].title (Report-pdf-2: an earlier document has the same name)" in notes


def test_a_conversation_keeps_the_names_it_had() -> None:
    """The names in a conversation's beginning are the same whatever follows, so that a prompt cache holds."""
    first = user(document("a"), document("a"))
    said = Message(role="assistant", parts=(TextPart(text="seen"),))
    before, _ = names(first)
    after, _ = names(first, said, user(document("a"), document("a-2")))
    assert after == [*before, "a-3", "a-2-2"]
    assert before == ["a", "a-2"]


def test_a_long_name_stays_within_its_length() -> None:
    """A number does not make a name longer than the API takes."""
    found, _ = names(user(document("x" * 300), document("x" * 300)))
    assert len(set(found)) == 2
    assert max(map(len, found)) <= 200


def test_turns_alternate_around_a_message_that_is_left_out() -> None:
    """A reply of which nothing can be carried (thinking that another provider signed) leaves no two turns of the user
    in a row, which the API refuses."""
    thought = ThinkingPart(text="hm", signature="sig", dialect="openai_responses")
    messages = (
        Message(role="user", parts=(TextPart(text="a"),)),
        Message(role="assistant", parts=(thought,)),
        Message(role="user", parts=(TextPart(text="b"),)),
    )
    asked = ChatRequest(model="m", messages=messages, dialect="openai_responses")
    written = DIALECT.chat.write_request(asked, "m", Traits())
    assert json.loads(written.body)["messages"] == [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]
    assert "dropped messages[1] (no content)" in [str(note) for note in written.notes]
