"""How much to think: `thinkingConfig` to and from canonical reasoning.

    thinkingConfig           becomes
    thinkingLevel            effort, in lower case
    thinkingBudget           a budget of tokens; 0: disabled, -1: adaptive
    includeThoughts          how thinking is shown: summarized, omitted

A wish of another dialect is written as the model takes it (`Traits.thinking`): "adaptive" as a level, "budget" as a
budget, "none" not at all, None as it came. Sources: https://ai.google.dev/gemini-api/docs/thinking (levels and the
largest budget), https://ai.google.dev/gemini-api/docs/openai (which budget an effort stands for).
"""

from __future__ import annotations

from typing import Any, Final

from asbru.core.chat import Reasoning
from asbru.core.traits import Traits
from asbru.dialects.bounds import nearest_effort
from asbru.dialects.efforts import effort_of, note_unknown
from asbru.dialects.fields import Fields
from asbru.dialects.gemini.types import WHOLE, child
from asbru.dialects.receipt import Receipt

_LEVELS: Final = ("minimal", "low", "medium", "high")
_BUDGETS: Final = {"minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576, "xhigh": 24_576, "max": 24_576}
_BUDGET_MAX: Final = 24_576
"""That every model takes whose thinking has a budget."""
_DYNAMIC: Final = -1


def read_reasoning(config: Fields) -> Reasoning | None:
    """`thinkingConfig` of a `generationConfig`; None where there is none."""
    wish = child(config, "thinkingConfig")
    if wish is None:
        return None
    level, shown = wish.text("thinkingLevel"), wish.boolean("includeThoughts")
    budget = wish.settings({"thinkingBudget": ("budget", WHOLE)}).get("budget")
    found = Reasoning(
        effort=level.lower() if level else None,
        budget_tokens=None if budget in (0, _DYNAMIC) else budget,
        mode="disabled" if budget == 0 else "adaptive" if budget == _DYNAMIC else None,
        display=None if shown is None else "summarized" if shown else "omitted",
        extra=wish.rest_set(),
    )
    return None if found == Reasoning() else found  # an empty object asks for nothing


def write_reasoning(wish: Reasoning, traits: Traits, receipt: Receipt) -> dict[str, Any] | None:
    """The `thinkingConfig`; None (noted) where the model's default holds."""
    if receipt.native:
        return _own(wish)
    if traits.thinking == "none":
        receipt.dropped("reasoning", "the model does not reason")
        return None
    if wish.extra:
        note_unknown(wish, receipt)
    disabled = wish.mode == "disabled" or wish.effort == "none"
    if traits.thinking == "budget":
        written = _budget(wish, traits, receipt, disabled=disabled)
    elif traits.thinking == "adaptive":
        written = _level(wish, traits, receipt, disabled=disabled)
    else:
        written = _as_it_came(wish, traits, receipt, disabled=disabled)
    if written is None:
        return None
    if wish.display is None and not disabled:
        receipt.added("reasoning.display", "thoughts are shown")
    if wish.display not in (None, "summarized", "omitted"):
        receipt.changed("reasoning.display", "summarized")
    if not disabled or wish.display is not None:
        written["includeThoughts"] = wish.display != "omitted"
    return written


def _own(wish: Reasoning) -> dict[str, Any]:
    written: dict[str, Any] = {}
    if wish.display is not None:
        written["includeThoughts"] = wish.display != "omitted"
    budget = {"disabled": 0, "adaptive": _DYNAMIC}.get(wish.mode or "", wish.budget_tokens)
    if budget is not None:
        written["thinkingBudget"] = budget
    if wish.effort is not None:
        written["thinkingLevel"] = wish.effort.upper()
    return written | wish.extra


def _budget(wish: Reasoning, traits: Traits, receipt: Receipt, *, disabled: bool) -> dict[str, Any] | None:
    if disabled:
        if traits.efforts and "none" not in traits.efforts:
            receipt.dropped("reasoning", "it cannot be disabled: the model's default holds")
            return None
        if wish.effort is not None:
            receipt.changed("reasoning.effort", f"{wish.effort} becomes a budget of 0")
        return {"thinkingBudget": 0}
    if wish.budget_tokens is not None:
        if wish.effort is not None:
            receipt.dropped("reasoning.effort", "the model takes a budget")
        return {"thinkingBudget": _fit(wish.budget_tokens, receipt)}
    if wish.effort is not None:
        budget = _BUDGETS.get(wish.effort, _BUDGETS["high"])
        receipt.changed("reasoning.effort", f"{wish.effort} becomes a budget of {budget}")
        return {"thinkingBudget": budget}
    return {"thinkingBudget": _DYNAMIC}


def _fit(budget: int, receipt: Receipt) -> int:
    if budget <= _BUDGET_MAX:
        return budget
    receipt.changed("reasoning.budget_tokens", f"{budget} became {_BUDGET_MAX}: the largest budget")
    return _BUDGET_MAX


def _level(wish: Reasoning, traits: Traits, receipt: Receipt, *, disabled: bool) -> dict[str, Any]:
    levels = [effort for effort in traits.efforts or _LEVELS if effort != "none"]
    asked = wish.effort
    if disabled:
        asked = "minimal"
    elif asked is None and wish.budget_tokens is not None:
        asked = effort_of(wish.budget_tokens)
    if wish.budget_tokens is not None:
        receipt.changed("reasoning.budget_tokens", f"{wish.budget_tokens} becomes a level")
    if asked is None:
        return {}
    level = nearest_effort(asked, levels) or nearest_effort("high", levels) or "high"
    if disabled:
        receipt.changed("reasoning", f"it cannot be disabled: level {level}")
    elif level != wish.effort:
        receipt.changed("reasoning.effort", f"{wish.effort or asked} becomes {level}")
    return {"thinkingLevel": level.upper()}


def _as_it_came(wish: Reasoning, traits: Traits, receipt: Receipt, *, disabled: bool) -> dict[str, Any]:
    """For a model of which nothing is known."""
    if disabled or wish.budget_tokens is not None or wish.effort is None:
        return _budget(wish, Traits(), receipt, disabled=disabled) or {}
    return _level(wish, traits, receipt, disabled=False)
