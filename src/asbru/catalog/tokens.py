"""Counting tokens here, for upstreams that cannot: an estimate, and marked as one.

Text is counted with o200k_base (compiled into toktok-rs, nothing is downloaded), which is exact for recent OpenAI
models and within about a fifth for others; what is not text has documented constants. Where toktok-rs is missing or
fails, and for short texts, four bytes are a token. Counting blocks: 4 to 40 us per KiB of text, the first time 0.3 s
more; so an event loop gives it to an executor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from asbru.catalog.content import Countable

ENCODING: Final = "o200k_base"

BYTES_PER_TOKEN: Final = 4
"""The fallback, and the rule for texts under `SHORT_BYTES`, where calling the tokenizer costs more than it tells."""
SHORT_BYTES: Final = 300
IMAGE_TOKENS: Final = 1600
"""An image of 1.15 megapixels, the most that Anthropic scales to; smaller ones are overrated."""
DOCUMENT_BYTES_PER_TOKEN: Final = 40
"""A PDF page of about 80 KB is some 2,000 tokens; its pages cannot be counted without opening it."""
MESSAGE_TOKENS: Final = 4
"""The marks around a message."""
TOOL_TOKENS: Final = 8
"""The marks around a tool's definition."""
REPLY_TOKENS: Final = 3
"""The marks that open the answer."""


class TokenCounter:
    """Counts tokens. Cheap to make; the first count, or `warm` before it, loads the vocabulary."""

    __slots__ = ("_batch", "_tried")

    def __init__(self) -> None:
        self._batch: Callable[[list[str]], list[int]] | None = None
        self._tried = False

    def warm(self) -> bool:
        """Load the tokenizer, once; False where there is none and the fallback counts."""
        if not self._tried:
            # Two threads may both load: the vocabulary is cached below, and either result is the right one.
            self._batch = _load()
            self._tried = True
        return self._batch is not None

    def count(self, countable: Countable) -> int:
        """Input tokens of a request, estimated."""
        return (
            self.count_texts(countable.texts)
            + countable.images * IMAGE_TOKENS
            + countable.document_bytes // DOCUMENT_BYTES_PER_TOKEN
            + countable.messages * MESSAGE_TOKENS
            + countable.tools * TOOL_TOKENS
            + REPLY_TOKENS
        )

    def count_texts(self, texts: Sequence[str]) -> int:
        """Tokens of all texts together; never raises."""
        self.warm()
        long: list[str] = []
        total = 0
        for text in texts:
            size = len(text.encode("utf-8", "replace"))
            if size < SHORT_BYTES or self._batch is None:
                total += -(-size // BYTES_PER_TOKEN)
            else:
                long.append(text)
        if long and self._batch is not None:
            try:
                total += sum(self._batch(long))
            except Exception:  # noqa: BLE001 -- an estimate may be coarse, it may not fail a call; no one to tell
                total += sum(-(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN) for text in long)
        return total


def _load() -> Callable[[list[str]], list[int]] | None:
    try:
        import toktok  # pyright: ignore[reportMissingTypeStubs] -- typed, but ships no py.typed
    except ImportError:
        return None

    def batch(texts: list[str]) -> list[int]:
        # One thread: every worker of a node may be counting, and its threads would fight for the same cores.
        return toktok.batch_count(texts, ENCODING, threads=1)

    try:
        batch(["warm"])
    except Exception:  # noqa: BLE001 -- a broken vocabulary is a missing one; `warm` tells its caller
        return None
    return batch
