"""The choice among some of the tools (OpenAI's `allowed_tools`, Gemini's `allowedFunctionNames`), for dialects that
cannot say it.

That a tool must be called is worth more than which: a caller who asks for a call cannot read a text. So what remains is
"any tool", or the one tool that is left to choose. Not here: the forms themselves (each dialect's `tools.py`).
"""

from __future__ import annotations

import msgspec

from asbru.core.chat import ChatRequest, ToolChoice
from asbru.dialects.receipt import Receipt


def fit_choice(request: ChatRequest, receipt: Receipt) -> ChatRequest:
    """The request with such a choice of another dialect in words that all have; noted where it says less."""
    choice = request.tool_choice
    if choice is None or not choice.allowed or not choice.forced or receipt.native:
        return request
    if len(choice.allowed) == 1:
        return msgspec.structs.replace(request, tool_choice=ToolChoice(mode="tool", name=choice.allowed[0]))
    names = ", ".join(choice.allowed)
    receipt.changed("tool_choice", f"any tool, not only {names[:80]}")
    return msgspec.structs.replace(request, tool_choice=ToolChoice(mode="any"))
