"""What a target takes, as every writer heeds it: its largest output, its efforts, the length of names, sampling.

Only what is translated is fitted: a request of the writer's own dialect says what its caller means.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

import msgspec

from asbru.core.chat import ChatRequest
from asbru.core.traits import Traits
from asbru.dialects.receipt import Receipt

_DIGEST: Final = "asbru_"
_STRENGTH: Final = {"none": 0, "minimal": 1, "low": 2, "medium": 3, "default": 3, "high": 4, "xhigh": 5, "max": 6}
"""Efforts of all dialects, weakest first; `default` is the one effort of models that only switch reasoning on."""


def fit_output(max_tokens: int, traits: Traits, receipt: Receipt) -> int:
    """`max_tokens`, lowered to the target's largest output."""
    largest = traits.max_output_tokens
    if receipt.native or not largest or max_tokens <= largest:
        return max_tokens
    receipt.changed("max_tokens", f"{max_tokens} became {largest}: the model's largest output")
    return largest


def fit_sampling(request: ChatRequest, traits: Traits, receipt: Receipt) -> ChatRequest:
    """`request` without the sampling settings that the target refuses."""
    if traits.sampling or receipt.native:
        return request
    gone = [name for name in ("temperature", "top_p", "top_k") if getattr(request, name) is not None]
    for name in gone:
        receipt.dropped(name, "the model takes no sampling settings")
    return msgspec.structs.replace(request, **dict.fromkeys(gone)) if gone else request


def fit_user(user: str, chars_max: int, receipt: Receipt) -> str:
    """The name of the user; a digest of it where it is longer than the target takes."""
    if receipt.native or len(user) <= chars_max:
        return user
    receipt.changed("user", f"longer than {chars_max} characters: became a digest")
    return (_DIGEST + sha256(user.encode("utf-8", "replace")).hexdigest())[:chars_max]


def strip_one(traits: Traits, member: str) -> Traits:
    """The traits of a target that refuses one more member of requests."""
    return msgspec.structs.replace(traits, strip=traits.strip | {member})


def nearest_effort(asked: str, taken: Iterable[str]) -> str | None:
    """The effort among `taken` nearest to `asked`, the weaker of two; `none` only where it is asked for. None where
    there is none, or where `asked` is no effort that we know."""
    if asked in (taken := tuple(taken)):
        return asked
    strength = _STRENGTH.get(asked)
    known = [effort for effort in taken if _STRENGTH.get(effort)]
    if strength is None or not known:
        return None
    return min(known, key=lambda effort: (abs(_STRENGTH[effort] - strength), _STRENGTH[effort]))
