"""Counting tokens here: close for text, by constants for the rest, and never an exception."""

from __future__ import annotations

import sys

import pytest

from asbru.catalog import Countable
from asbru.catalog.tokens import IMAGE_TOKENS, TokenCounter

TEXT = "The bridge burns red and trembles under many feet. " * 40


def countable(*texts: str, images: int = 0, documents: int = 0) -> Countable:
    """A request of these texts in one message."""
    return Countable(texts=texts, images=images, document_bytes=documents, messages=1, tools=0)


def test_long_text_is_counted_exactly() -> None:
    """The counter knows how many tokens o200k_base makes of a text, loaded beforehand or not."""
    assert TokenCounter().count_texts([TEXT]) == 441
    counter = TokenCounter()
    assert counter.warm() and counter.warm()
    assert counter.count_texts([TEXT]) == 441


def test_short_text_is_estimated() -> None:
    """For short texts four bytes are a token: calling the tokenizer would cost more than it tells."""
    assert TokenCounter().count_texts(["abcde", "", "x" * 299]) == 2 + 75


def test_missing_tokenizer_is_survived(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where toktok-rs is not installed, warm says so and counting goes on by bytes."""
    monkeypatch.setitem(sys.modules, "toktok", None)
    counter = TokenCounter()
    assert counter.warm() is False
    assert counter.count_texts([TEXT, "abcd"]) == len(TEXT) // 4 + 1


def test_images_and_documents_cost_constants() -> None:
    """An image costs the documented constant, a document by its bytes."""
    counter = TokenCounter()
    bare = counter.count(countable("abcd"))
    assert counter.count(countable("abcd", images=2)) == bare + 2 * IMAGE_TOKENS
    assert counter.count(countable("abcd", documents=4000)) == bare + 100


def test_odd_text_is_counted() -> None:
    """Lone surrogates and other odd text never raise."""
    counter = TokenCounter()
    counter.warm()
    assert counter.count_texts(["\ud800" * 400, "\x00" * 400, "🌉" * 400]) > 0
