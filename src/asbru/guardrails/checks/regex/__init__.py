"""Patterns of your own, in RE2's syntax: no pattern can take more than linear time."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from asbru.guardrails.checks.kit import Check, Shape, ShapeJudge
from asbru.guardrails.findings import Judge

__all__ = ["CHECK"]


class RegexSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is looked for."""

    patterns: Annotated[
        dict[
            Annotated[str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")],
            Annotated[str, Meta(min_length=1, max_length=2000)],
        ],
        Meta(
            min_length=1,
            max_length=200,
            description="Regular expressions by the kind of what they find. The first group, if any, is what is found.",
        ),
    ]


def _make(settings: RegexSettings, credential: str) -> Judge:
    del credential
    shapes = [Shape(kind, pattern) for kind, pattern in settings.patterns.items()]
    for shape in shapes:
        try:
            one = ShapeJudge([shape])
        except ValueError as error:
            raise ValueError(f"the pattern '{shape.kind}' cannot be used: {error}") from None
        if one.judge([""]) or one.held("") < 0:
            raise ValueError(f"the pattern '{shape.kind}' matches an empty text")
    return ShapeJudge(shapes)


CHECK = Check(name="regex", sentence="What your own patterns match.", settings=RegexSettings, make=_make)
