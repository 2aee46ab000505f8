"""Messages of the Cohere dialect where the golden cases do not look."""

from __future__ import annotations

import json

from asbru.core.chat import ChatRequest, Message, TextPart, ThinkingPart
from asbru.core.traits import Traits
from asbru.dialects.cohere import DIALECT


def test_a_reply_of_which_nothing_is_left_is_left_out() -> None:
    """Of a reply that was thinking alone, signed by another provider, no empty message goes to Cohere; a note names
    it."""
    ask = Message(role="user", parts=(TextPart(text="q"),))
    thought = Message(role="assistant", parts=(ThinkingPart(text="hm", signature="s", dialect="anthropic_messages"),))
    asked = ChatRequest(model="m", messages=(ask, thought, ask), dialect="anthropic_messages")
    written = DIALECT.chat.write_request(asked, "m", Traits())
    assert [one["role"] for one in json.loads(written.body)["messages"]] == ["user", "user"]
    assert "dropped messages[1] (no content)" in [str(note) for note in written.notes]
