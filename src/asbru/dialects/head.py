"""The head of a request: what the path must know of it before it goes anywhere.

Not here: the canonical form, which only those read who translate or look at content (`codec`, `shape`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

from asbru.core.chat import Raw
from asbru.wire.multipart import Form

PathParameters: TypeAlias = Mapping[str, str]
"""What stood in a route's `{name}`s, unescaped."""
DEPLOYMENT: Final = "deployment"
"""The parameter of a model that a path names although bodies have a member for it."""


class RequestHead(msgspec.Struct, frozen=True):
    """What a pass-through call needs of a body: decoded alone, in a fraction of a microsecond.

    `wants_usage` tells that the caller asked for usage in the stream (OpenAI `stream_options.include_usage`);
    always True where the dialect reports it unasked. `choices`: how many answers were asked for (OpenAI `n`).
    `members`: the members of the body's object as they stand, views of it: what a rewrite starts from. Of a form its
    small fields, as JSON strings; `form` is where its parts stand, None where the body is no form.
    """

    model: str
    stream: bool
    wants_usage: bool
    max_tokens: int | None
    choices: int = 1
    members: dict[str, Raw] = {}
    form: Form | None = None
