"""What there is to count in a count_tokens request."""

from __future__ import annotations

import json

from asbru.catalog import countable, texts_of
from asbru.dialects.anthropic_messages import DIALECT

REQUEST = {
    "model": "m",
    "system": "S",
    "tools": [
        {"name": "f", "description": "D", "input_schema": {"type": "object"}},
        {"type": "bash_20250124", "name": "b"},
    ],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "T"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
                {
                    "type": "document",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": "A" * 400},
                },
                {
                    "type": "document",
                    "title": "N",
                    "source": {"type": "text", "media_type": "text/plain", "data": "P"},
                },
            ],
        },
        {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}}]},
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "1",
                    "content": [
                        {"type": "text", "text": "R"},
                        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}},
                    ],
                }
            ],
        },
    ],
}


def test_everything_a_model_reads_is_counted() -> None:
    """Texts at every depth, images, documents, messages and tools; never base64."""
    request = DIALECT.chat.read_request(json.dumps(REQUEST).encode())
    found = countable(request)
    server = '{"type": "bash_20250124", "name": "b"}'
    assert list(texts_of(request)) == [
        "S",
        "T",
        "N",
        "P",
        "f",
        '{"a": 1}',
        "R",
        "f",
        "D",
        '{"type": "object"}',
        server,
    ]
    assert (found.images, found.document_bytes, found.messages, found.tools) == (2, 300, 4, 2)


def test_answer() -> None:
    """The answer is one number."""
    operation = DIALECT.operation("count_tokens")
    assert operation is not None and operation.write_count is not None
    assert operation.write_count(12) == b'{"input_tokens":12}'
