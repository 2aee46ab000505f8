"""How Claude refuses the thinking of earlier turns, wherever it is served: the words are the same in the dialects of
Anthropic and of Bedrock. See `contract.Errors`.
"""

from __future__ import annotations

from typing import Final

FOREIGN_THINKING: Final = ("`signature` in `thinking` block", "`data` in `redacted_thinking` block")
MISSING_THINKING: Final = ("expected `thinking` or `redacted_thinking`",)
