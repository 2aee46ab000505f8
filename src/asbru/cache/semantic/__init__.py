"""The semantic cache: questions that are put otherwise and ask the same. Vectors find candidates, a gate judges them.

What a call is and who embeds is the path's business (`pipeline.caching`).
"""

from typing import TYPE_CHECKING

from asbru.cache.semantic.gate import TEXT_CHARS_MAX, Verdict, judge
from asbru.cache.semantic.store import CANDIDATES_MAX, Kept, Near, VectorStore

if TYPE_CHECKING:
    from asbru.cache.semantic import qdrant, redis, vectors  # load numpy

__all__ = [
    "CANDIDATES_MAX",
    "TEXT_CHARS_MAX",
    "Kept",
    "Near",
    "VectorStore",
    "Verdict",
    "judge",
    "qdrant",
    "redis",
    "vectors",
]
