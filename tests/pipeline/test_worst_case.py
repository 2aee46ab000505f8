"""The most that the body of a call may count for."""

from __future__ import annotations

from typing import Any, cast

import pytest
from tests.fakes.forms import FORM_LINE, Field, form

from asbru.core.ports import ResponsePort
from asbru.dialects import discover
from asbru.pipeline.call import Call
from asbru.pipeline.read_head import read_head
from asbru.pipeline.worst_case import BYTES_PER_FILE_TOKEN, BYTES_PER_TOKEN, FILE_TOKENS, input_tokens_max

MODEL: Field = ("model", "openai/m")


def call_with(body: bytes, operation: str, content_type: bytes = b"application/json") -> Call:
    """A call whose head was read."""
    dialect = discover()["openai_chat"]
    found = dialect.operation(operation)
    assert found is not None
    call = Call("s", found, dialect, body, response=cast("ResponsePort", None))
    call.content_type = content_type
    rooms: Any = type("Rooms", (), {"bodies": None, "body_bytes_max": 1 << 30})
    call.head = read_head(call, rooms)
    return call


def test_json_counts_by_its_bytes() -> None:
    """A token for every few of them."""
    body = b'{"model":"openai/m","prompt":"%b"}' % (b"a" * 3000)
    assert input_tokens_max(call_with(body, "images")) == len(body) // BYTES_PER_TOKEN + 1


@pytest.mark.parametrize("files", [0, 1, 3])
def test_files_count_for_more_than_any_image_and_less_than_their_bytes(files: int) -> None:
    """However small a file is, an image in it may be large; audio of megabytes is not millions of tokens."""
    content = bytes(6_400_000)
    fields: list[Field] = [MODEL, *[("file", ("a.wav", content)) for _ in range(files)]]
    body = form(*fields)
    most = input_tokens_max(call_with(body, "transcriptions", FORM_LINE.partition(": ")[2].encode()))
    assert most == len("openai/m") // BYTES_PER_TOKEN + 1 + files * (
        FILE_TOKENS + len(content) // BYTES_PER_FILE_TOKEN
    )
