"""The length of texts, in characters or words.

Not in tokens, which depend on the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from asbru.guardrails.checks.kit import Check, WholeJudge
from asbru.guardrails.findings import Finding, Judge

__all__ = ["CHECK"]


class LengthSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of each text."""

    chars_min: Annotated[int | None, Meta(description="Least number of characters.")] = None
    chars_max: Annotated[int | None, Meta(description="Greatest number of characters.")] = None
    words_min: Annotated[int | None, Meta(description="Least number of words.")] = None
    words_max: Annotated[int | None, Meta(description="Greatest number of words.")] = None


class _LengthJudge(WholeJudge):
    def __init__(self, settings: LengthSettings) -> None:
        self._settings = settings

    def judge(self, texts: Sequence[str]) -> list[Finding]:
        """See `Judge`."""
        found = ((index, self._wrong(text)) for index, text in enumerate(texts))
        return [Finding(index, 0, len(texts[index]), kind) for index, kind in found if kind]

    def _wrong(self, text: str) -> str:
        set_ = self._settings
        chars, words = len(text), 0
        if set_.words_min is not None or set_.words_max is not None:
            words = len(text.split())
        if (set_.chars_max is not None and chars > set_.chars_max) or (
            set_.words_max is not None and words > set_.words_max
        ):
            return "too_long"
        if (set_.chars_min is not None and chars < set_.chars_min) or (
            set_.words_min is not None and words < set_.words_min
        ):
            return "too_short"
        return ""


def _make(settings: LengthSettings, credential: str) -> Judge:
    del credential
    bounds = (settings.chars_min, settings.chars_max, settings.words_min, settings.words_max)
    if all(bound is None for bound in bounds):
        raise ValueError("expected at least one of `chars_min`, `chars_max`, `words_min`, `words_max`")
    if any(bound is not None and bound < 0 for bound in bounds):
        raise ValueError("expected bounds of 0 or more")
    return _LengthJudge(settings)


CHECK = Check(
    name="length",
    sentence="Texts that are too long or too short.",
    settings=LengthSettings,
    make=_make,
    spans=False,
)
