"""How much to think, as an effort: what the formats of the OpenAI family make of other dialects' wishes.

Not here: how a request of the family itself says it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from asbru.core.chat import Raw, Reasoning
from asbru.core.traits import Traits
from asbru.dialects.bounds import nearest_effort
from asbru.dialects.fields import DECODE_ERRORS
from asbru.dialects.receipt import Receipt

_EFFORTS: Final = ("none", "minimal", "low", "medium", "high")
"""Efforts where the target's own are not known."""
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_CHATS_OWN: Final = ("reasoning", "thinking")
_LOW_TOKENS_MAX: Final = 4_096
_MEDIUM_TOKENS_MAX: Final = 16_384


def write_effort(wish: Reasoning, traits: Traits, receipt: Receipt) -> str | None:
    """The effort to ask a target of these traits for; None (noted) where its default holds."""
    if traits.thinking == "none":
        receipt.dropped("reasoning", "the model does not reason")
        return None
    note_unknown(wish, receipt)
    if wish.display is not None:
        receipt.dropped("reasoning.display", "there is no such member")
    efforts = traits.efforts or _EFFORTS
    if wish.mode == "disabled":
        weakest = nearest_effort("none", traits.efforts)
        if weakest is None:
            receipt.dropped("reasoning.mode", "it cannot be disabled: the model's default holds")
            return None
        receipt.changed("reasoning.mode", f"disabled becomes effort {weakest}")
        return weakest
    if wish.effort is not None:
        effort = nearest_effort(wish.effort, efforts) or nearest_effort("high", efforts)
        if effort != wish.effort:
            receipt.changed("reasoning.effort", f"{wish.effort} becomes {effort}")
        return effort
    if wish.budget_tokens is not None:
        effort = nearest_effort(effort_of(wish.budget_tokens), efforts)
        receipt.changed("reasoning.budget_tokens", f"{wish.budget_tokens} becomes effort {effort}")
        return effort
    if wish.mode is not None:
        receipt.dropped("reasoning.mode", f"{wish.mode} without an effort: the model's default holds")
    return None


def note_unknown(wish: Reasoning, receipt: Receipt) -> None:
    """Name what is unknown of a wish. Chat keeps the unknown members of its `reasoning` and `thinking` objects under
    these names."""
    for name, raw in wish.extra.items():
        try:
            members = _members(raw) if name in _CHATS_OWN else None  # one without members is a spelling
        except DECODE_ERRORS:
            members = None
        if members is None:
            receipt.foreign("reasoning", {name: raw})
        else:
            receipt.foreign(name, members)


def effort_of(budget_tokens: int) -> str:
    """The effort nearest to a budget of thinking tokens."""
    if budget_tokens < _LOW_TOKENS_MAX:
        return "low"
    return "medium" if budget_tokens < _MEDIUM_TOKENS_MAX else "high"
