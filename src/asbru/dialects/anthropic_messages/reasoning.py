"""Thinking: the API's `thinking` and `output_config.effort` to and from canonical reasoning.

What a request of this dialect says is written back word for word. For one of another dialect, effort becomes:

    effort     Traits.thinking None or "adaptive"              "budget" (models before adaptive thinking)
    none       thinking disabled                               thinking disabled
    minimal    adaptive, effort low                            enabled, 1,024 tokens
    low        adaptive, effort low                            enabled, 2,048
    medium     adaptive, effort medium                         enabled, 8,192
    high       adaptive, effort high                           enabled, 16,384
    xhigh      adaptive, effort xhigh                          enabled, 32,768
    max        adaptive, effort max                            enabled, 65,536
    other      left out                                        left out

A budget is at least 1,024 and under `max_tokens`: a chosen one takes at most three quarters of it, and where no
1,024 fit the thinking is left out. With traits "none" it is always left out. Where traits name the efforts a model
takes, another one becomes the nearest of them; a model whose efforts lack "none" cannot be disabled. Traits that name a
style also turn a request of this dialect into it (a fallback between generations of models). Every such step is noted.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.chat import (
    ChatRequest,
    Extra,
    Part,
    Reasoning,
    RedactedThinkingPart,
    ThinkingPart,
    ToolResultPart,
)
from asbru.core.traits import Traits
from asbru.dialects.anthropic_messages.types import NAME, SIGNERS
from asbru.dialects.bounds import nearest_effort
from asbru.dialects.efforts import note_unknown
from asbru.dialects.fields import Fields
from asbru.dialects.receipt import Receipt

BUDGET_TOKENS_MIN: Final = 1024

_EFFORT_BUDGET: Final = {
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 16384,
    "xhigh": 32768,
    "max": 65536,
}
_EFFORT_WORD: Final = {**{effort: effort for effort in _EFFORT_BUDGET}, "minimal": "low"}


def read_reasoning(thinking: Fields | None, effort: str | None) -> Reasoning | None:
    """`thinking` and `effort`; a thinking type that is not known stays in `extra` under `type`."""
    if thinking is None:
        return None if effort is None else Reasoning(effort=effort)
    kind = thinking.peek("type")
    word = thinking.need_text("type")
    mode = word if word in ("enabled", "disabled", "adaptive") else None
    left: Extra = {} if mode is not None or kind is None else {"type": kind}
    return Reasoning(
        effort=effort,
        mode=mode,
        budget_tokens=thinking.integer("budget_tokens"),
        display=thinking.text("display"),
        extra={**left, **thinking.rest()},
    )


class Thought(msgspec.Struct, frozen=True):
    """What a request says about thinking on the wire; None where it says nothing."""

    thinking: dict[str, Any] | None = None
    effort: str | None = None

    @property
    def is_on(self) -> bool:
        """Whether the model is asked to think."""
        return self.thinking is not None and self.thinking.get("type") in ("enabled", "adaptive")


_NOTHING: Final = Thought()


def write_reasoning(request: ChatRequest, traits: Traits, max_tokens: int, receipt: Receipt) -> Thought:
    """The wire form for a target of these traits (see the table)."""
    reasoning, style = request.reasoning, traits.thinking
    if reasoning is None:
        return _NOTHING
    if style == "none":
        receipt.dropped("reasoning", "the model does not think")
        return Thought()
    if not receipt.native:
        return _chosen(request, reasoning, traits=traits, max_tokens=max_tokens, receipt=receipt)
    if style == "budget" and reasoning.mode == "adaptive":
        return _budgeted(reasoning.effort or "high", max_tokens, receipt)
    if style == "adaptive" and reasoning.mode == "enabled":
        receipt.changed("thinking", "a budget became adaptive thinking")
        return Thought(_members(reasoning, mode="adaptive", budget=None), reasoning.effort)
    effort = reasoning.effort
    if style == "budget" and effort is not None and effort not in traits.efforts:
        receipt.dropped("output_config.effort", "the model takes a budget")
        effort = None
    if reasoning.budget_tokens is not None and max_tokens <= BUDGET_TOKENS_MIN:
        receipt.dropped("thinking", f"no budget of {BUDGET_TOKENS_MIN} fits under max_tokens {max_tokens}")
        return Thought(effort=effort)
    budget = _fit(reasoning.budget_tokens, max_tokens, receipt)
    return Thought(_members(reasoning, mode=reasoning.mode, budget=budget), effort)


def _members(reasoning: Reasoning, *, mode: str | None, budget: int | None) -> dict[str, Any] | None:
    members: dict[str, Any] = {}
    if mode is not None:
        members["type"] = mode
    if budget is not None:
        members["budget_tokens"] = budget
    if reasoning.display is not None:
        members["display"] = reasoning.display
    members.update(reasoning.extra)
    return members or None


def _fit(budget: int | None, max_tokens: int, receipt: Receipt) -> int | None:
    """A budget the caller gave, inside the API's limits."""
    if budget is None:
        return None
    fitted = max(BUDGET_TOKENS_MIN, min(budget, max_tokens - 1))
    if fitted != budget:
        receipt.changed("reasoning.budget_tokens", f"{budget} became {fitted}")
    return fitted


def _chosen(
    request: ChatRequest, reasoning: Reasoning, *, traits: Traits, max_tokens: int, receipt: Receipt
) -> Thought:
    """For a request of another dialect."""
    note_unknown(reasoning, receipt)
    if reasoning.effort == "none" or reasoning.mode == "disabled":
        return _disabled(reasoning, traits, receipt)
    if request.tool_choice is not None and request.tool_choice.mode in ("any", "tool"):
        receipt.dropped("reasoning", "a forced tool call excludes thinking")
        return Thought()
    if traits.thinking == "budget":
        if _lacks_thinking(request):
            receipt.dropped("reasoning", "the turn's own thinking is not at hand")
            return Thought()
        if reasoning.budget_tokens is not None and max_tokens > BUDGET_TOKENS_MIN:
            return Thought(_shown(reasoning, "enabled", _fit(reasoning.budget_tokens, max_tokens, receipt)))
        return _budgeted(reasoning.effort or "medium", max_tokens, receipt, reasoning)
    word = _chosen_effort(reasoning, traits, receipt)
    if word is None and reasoning.effort is not None:
        return _unknown_effort(reasoning, receipt)
    if reasoning.mode == "enabled":
        receipt.changed("reasoning.mode", "enabled became adaptive")
    return Thought(_shown(reasoning, "adaptive", None), word)


def _chosen_effort(reasoning: Reasoning, traits: Traits, receipt: Receipt) -> str | None:
    """The effort asked for, or that of the budget, as the model has it."""
    word = _EFFORT_WORD.get(reasoning.effort or "")
    if word is not None:
        word = nearest_effort(word, traits.efforts) or word
        if word != reasoning.effort:
            receipt.changed("reasoning.effort", f"became {word}")
    elif reasoning.budget_tokens is not None:
        word = _effort_of_budget(reasoning.budget_tokens)
        word = nearest_effort(word, traits.efforts) or word
        receipt.changed("reasoning.budget_tokens", f"{reasoning.budget_tokens} became effort {word}")
    return word


def _disabled(reasoning: Reasoning, traits: Traits, receipt: Receipt) -> Thought:
    """No thinking, or as little as the model allows."""
    if traits.thinking == "budget" or not traits.efforts or "none" in traits.efforts:
        return Thought({"type": "disabled"})
    word = nearest_effort("none", traits.efforts)
    receipt.changed("reasoning", f"the model always thinks: effort {word}")
    return Thought(_shown(reasoning, "adaptive", None), word)


def _shown(reasoning: Reasoning, mode: str, budget: int | None) -> dict[str, Any]:
    display = reasoning.display if reasoning.display in ("summarized", "omitted") else None
    bare = Reasoning(display=display)
    return _members(bare, mode=mode, budget=budget) or {}


def _budgeted(effort: str, max_tokens: int, receipt: Receipt, reasoning: Reasoning | None = None) -> Thought:
    budget = _EFFORT_BUDGET.get(effort)
    if budget is None:
        return _unknown_effort(reasoning, receipt)
    if max_tokens <= BUDGET_TOKENS_MIN:
        receipt.dropped("reasoning", f"no budget of {BUDGET_TOKENS_MIN} fits under max_tokens {max_tokens}")
        return Thought()
    budget = max(BUDGET_TOKENS_MIN, min(budget, max_tokens * 3 // 4))
    receipt.changed("reasoning.effort", f"became a budget of {budget} tokens")
    return Thought(_shown(reasoning or Reasoning(), "enabled", budget))


def _unknown_effort(reasoning: Reasoning | None, receipt: Receipt) -> Thought:
    """The model's default holds, and how thinking would be shown goes, too."""
    receipt.dropped("reasoning.effort", "no equivalent")
    if reasoning is not None and reasoning.display is not None:
        receipt.dropped("reasoning.display", "no thinking is asked for")
    return Thought()


def _effort_of_budget(budget: int) -> str:
    """The effort whose budget is the largest not above `budget`."""
    found = "low"
    for effort, tokens in _EFFORT_BUDGET.items():
        if tokens <= budget:
            found = _EFFORT_WORD[effort]
    return found


def _lacks_thinking(request: ChatRequest) -> bool:
    """Whether the last message answers tool calls without the thinking that led to them, which the API then wants."""
    last = request.messages[-1] if request.messages else None
    if last is None or not any(isinstance(part, ToolResultPart) for part in last.parts):
        return False
    said = next((one.parts for one in reversed(request.messages) if one.role == "assistant"), ())
    return not (said and _is_signed(said[0]))


def _is_signed(part: Part) -> bool:
    if isinstance(part, RedactedThinkingPart):
        return part.dialect == NAME
    return isinstance(part, ThinkingPart) and part.dialect in SIGNERS and bool(part.signature)
