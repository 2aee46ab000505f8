"""When a stream has shown something: the border after which no fallback is possible."""

from __future__ import annotations

import pytest

from asbru.core.chat import TextPart, ToolCallPart
from asbru.core.reply import (
    ChoiceStop,
    PartDelta,
    PartStart,
    PartStop,
    Ping,
    ReplyStart,
    StreamEvent,
    UsageReport,
    is_content,
)
from asbru.core.usage import Usage


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (ReplyStart(id="r", model="m"), False),
        (Ping(), False),
        (UsageReport(usage=Usage()), False),
        (PartStart(index=0, part=TextPart(text="")), False),
        (PartStop(index=0), False),
        (PartStart(index=0, part=TextPart(text="a")), True),
        (PartStart(index=0, part=ToolCallPart(id="a", name="f", arguments="")), True),
        (PartDelta(index=0, text="a"), True),
        (ChoiceStop(stop="stop"), True),
    ],
)
def test_only_what_is_seen_is_content(event: StreamEvent, expected: bool) -> None:
    """Frames, pings, counts and empty starts show nothing; words, calls and ends do."""
    assert is_content(event) == expected
