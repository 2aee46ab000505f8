"""Completions and embeddings: their heads, and that the family's usage is read from them."""

from __future__ import annotations

import pytest

from asbru.core.errors import BadRequest
from asbru.core.usage import Usage
from asbru.dialects.contract import RequestHead
from asbru.dialects.openai_chat import DIALECT, read_completions_head, read_embeddings_head


def test_a_completions_head() -> None:
    """Model, stream and limit are read; a missing prompt is refused."""
    body = b'{"model":"m","prompt":"p","stream":true,"max_tokens":3}'
    assert read_completions_head(body) == RequestHead("m", True, False, 3)
    with pytest.raises(BadRequest, match="prompt: expected a string or a list, got nothing"):
        read_completions_head(b'{"model":"m"}')


def test_an_embeddings_head() -> None:
    """Embeddings never stream; a missing input is refused."""
    assert read_embeddings_head(b'{"model":"m","input":["a"],"stream":true}') == RequestHead("m", False, False, None)
    with pytest.raises(BadRequest, match="input: expected a string or a list, got nothing"):
        read_embeddings_head(b'{"model":"m","input":null}')


def test_embeddings_usage_is_input_only() -> None:
    """An embeddings answer reports prompt tokens alone."""
    body = b'{"object":"list","data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":8,"total_tokens":8}}'
    assert DIALECT.usage_of(body) == Usage(input=8, reasoning_known=False)
