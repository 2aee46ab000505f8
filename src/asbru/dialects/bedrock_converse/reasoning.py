"""The wish to reason, as models on Bedrock take it.

    request of this dialect   as it came: `thinking` among the additional fields, `outputConfig.effort`
    Traits.thinking           written for a request of another dialect
    "adaptive"                additional `thinking: {type: adaptive}`, and `outputConfig.effort`
    "budget"                  additional `thinking: {type: enabled, budget_tokens}`
    "none"                    left out
    None                      as "adaptive" where the model's efforts are known; else left out: the API has no word
                              that all models know

A budget is at least 1,024 and under the limit of the output. Every such step is noted.
"""

from __future__ import annotations

from typing import Any, Final

from asbru.core.chat import ChatRequest, Reasoning, RedactedThinkingPart, ThinkingPart, ToolResultPart
from asbru.core.traits import Traits
from asbru.dialects.bedrock_converse.types import CLAUDE, NAME
from asbru.dialects.bounds import nearest_effort
from asbru.dialects.efforts import effort_of, note_unknown
from asbru.dialects.receipt import Receipt

_BUDGET_MIN: Final = 1024
_BUDGETS: Final = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16384, "xhigh": 32768, "max": 65536}
_EFFORTS: Final = ("low", "medium", "high", "max")
"""Efforts where the target's own are not known."""


def style_of(traits: Traits) -> str | None:
    """How the model is asked to think; None where nobody knows. Only Claude is asked in one of these ways."""
    return traits.thinking or ("adaptive" if traits.efforts else None)


def thinks_as_claude(traits: Traits) -> bool:
    """Whether the model takes Claude's settings and signatures."""
    return style_of(traits) in ("adaptive", "budget")


def write_reasoning(request: ChatRequest, traits: Traits, receipt: Receipt) -> tuple[dict[str, Any], str | None]:
    """The additional fields that ask for it, and the effort."""
    wish = request.reasoning
    if wish is None:
        return {}, None
    if receipt.native:
        return _own(wish), wish.effort
    note_unknown(wish, receipt)
    style = style_of(traits)
    if style in (None, "none"):
        why = "the model does not reason" if style else "the API has no word for it that all models know"
        receipt.dropped("reasoning", why)
        return {}, None
    if wish.display is not None:
        receipt.dropped("reasoning.display", "no equivalent")
    if wish.effort == "none" or wish.mode == "disabled":
        if wish.effort not in (None, "none"):
            receipt.dropped("reasoning.effort", "it is disabled")
        return {"thinking": {"type": "disabled"}}, None
    if request.tool_choice is not None and request.tool_choice.mode in ("any", "tool"):
        receipt.dropped("reasoning", "a forced tool call excludes thinking")
        return {}, None
    if style == "budget":
        return _budgeted(request, wish, traits, receipt), None
    return _adaptive(wish, traits, receipt)


def _own(wish: Reasoning) -> dict[str, Any]:
    if wish.mode is None:
        return {}
    thinking: dict[str, Any] = {"type": wish.mode}
    if wish.budget_tokens is not None:
        thinking["budget_tokens"] = wish.budget_tokens
    if wish.display is not None:
        thinking["display"] = wish.display
    return {"thinking": thinking}


def _adaptive(wish: Reasoning, traits: Traits, receipt: Receipt) -> tuple[dict[str, Any], str | None]:
    effort = wish.effort
    if effort is None and wish.budget_tokens is not None:
        effort = effort_of(wish.budget_tokens)
        receipt.changed("reasoning.budget_tokens", f"{wish.budget_tokens} became effort {effort}")
    elif wish.budget_tokens is not None:
        receipt.dropped("reasoning.budget_tokens", "an effort is given")
    if effort is not None:
        found = nearest_effort(effort, traits.efforts or _EFFORTS)
        if found is None:
            receipt.dropped("reasoning.effort", "no equivalent")
        elif found != effort:
            receipt.changed("reasoning.effort", f"{effort} became {found}")
        effort = found
    return {"thinking": {"type": "adaptive"}}, effort


def _lacks_thinking(request: ChatRequest) -> bool:
    """Whether the last message answers tool calls without the thinking that led to them, which Claude then wants."""
    last = request.messages[-1] if request.messages else None
    if last is None or not any(isinstance(part, ToolResultPart) for part in last.parts):
        return False
    said = next((one.parts for one in reversed(request.messages) if one.role == "assistant"), ())
    first = said[0] if said else None
    return not (
        isinstance(first, RedactedThinkingPart | ThinkingPart)
        and first.dialect in (NAME, CLAUDE)
        and (isinstance(first, RedactedThinkingPart) or bool(first.signature))
    )


def _budgeted(request: ChatRequest, wish: Reasoning, traits: Traits, receipt: Receipt) -> dict[str, Any]:
    if _lacks_thinking(request):
        receipt.dropped("reasoning", "the turn's own thinking is not at hand")
        return {}
    limit = request.max_tokens or traits.max_output_tokens or 0
    asked = wish.budget_tokens or _BUDGETS.get(wish.effort or "medium", _BUDGETS["medium"])
    if limit and limit <= _BUDGET_MIN:
        receipt.dropped("reasoning", f"no budget of {_BUDGET_MIN} fits under {limit} tokens of output")
        return {}
    most = limit - 1 if wish.budget_tokens else limit * 3 // 4
    budget = max(_BUDGET_MIN, min(asked, most) if limit else asked)
    if budget != wish.budget_tokens:
        receipt.changed("reasoning", f"became a budget of {budget} tokens")
    elif wish.effort is not None:
        receipt.dropped("reasoning.effort", "a budget is given")
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}
