"""Moderation in canonical form: what is judged, and the verdict on each."""

from __future__ import annotations

import msgspec

from asbru.core.chat import Extra
from asbru.core.usage import Usage


class ModerationInput(msgspec.Struct, frozen=True):
    """What is judged as one: texts, and addresses of images (`https:` or `data:`)."""

    texts: tuple[str, ...]
    images: tuple[str, ...] = ()


class ModerationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be judged."""

    model: str
    inputs: tuple[ModerationInput, ...]
    dialect: str = ""
    extra: Extra = {}


class ModerationResult(msgspec.Struct, frozen=True):
    """The verdict on one input, by the provider's own categories."""

    flagged: bool
    categories: dict[str, bool]
    scores: dict[str, float]


class ModerationReply(msgspec.Struct, frozen=True, kw_only=True):
    """A result for each input, in their order."""

    results: tuple[ModerationResult, ...]
    id: str = ""
    model: str = ""
    usage: Usage | None = None
