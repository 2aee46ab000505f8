"""The semantic cache: questions that are put otherwise and ask the same. Vectors find candidates, a gate judges them.

What a call is and who embeds is the path's business (`pipeline.caching`).
"""

from typing import TYPE_CHECKING

from asbru.cache.semantic.gate import TEXT_CHARS_MAX, Verdict, judge

if TYPE_CHECKING:
    from asbru.cache.semantic import vectors  # loads numpy

__all__ = ["TEXT_CHARS_MAX", "Verdict", "judge", "vectors"]
