"""Words and phrases from a list, in any case, as whole words."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from asbru.guardrails.checks.kit import Check, Shape, ShapeJudge
from asbru.guardrails.findings import Judge

__all__ = ["CHECK"]


_TOGETHER = 100


class WordSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which words are looked for."""

    words: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=200)], ...],
        Meta(min_length=1, max_length=5000, description="Words and phrases."),
    ]
    kind: Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$", description="What findings are called.")] = (
        "word"
    )
    case_sensitive: Annotated[bool, Meta(description="Whether capitals make another word.")] = False


def _make(settings: WordSettings, credential: str) -> Judge:
    del credential
    words = [_pattern(word) for word in settings.words if word.strip()]
    if not words:
        raise ValueError("expected words, got only white space")
    groups = [words[at : at + _TOGETHER] for at in range(0, len(words), _TOGETHER)]
    fold = "" if settings.case_sensitive else "(?i)"
    return ShapeJudge([Shape(settings.kind, f"{fold}(?:{'|'.join(group)})") for group in groups])


def _pattern(word: str) -> str:
    """The word between borders; white space in it is any white space."""
    text = r"\s{1,10}".join("".join(map(_escaped, part)) for part in word.split())
    first, last = word.strip()[0], word.strip()[-1]
    return f"{_border(first)}{text}{_border(last)}"


def _escaped(char: str) -> str:
    return re.escape(char) if char.isascii() else char


def _border(char: str) -> str:
    return r"\b" if char.isascii() and (char.isalnum() or char == "_") else ""


CHECK = Check(name="words", sentence="Words and phrases of a list.", settings=WordSettings, make=_make)
