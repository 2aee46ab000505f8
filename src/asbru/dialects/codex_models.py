"""The list of models as Codex asks for it: `GET /v1/models?client_version=...`, what it plans its sessions by.

    context_window                         when a conversation is compacted
    supported_reasoning_levels             what a user may choose from
    input_modalities                       whether images may be attached

Codex falls back to guesses for a model that it does not find. What is not known is left out, or is what it would guess.
Read off the catalogue that Codex 0.171.0 brings along, and off what it accepts (November 2026).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from asbru.core.traits import CatalogueModel

PARAMETER: Final = b"client_version"
_EFFORTS: Final = ("low", "medium", "high")
_WORDS: Final = {
    "none": "No reasoning",
    "minimal": "Almost no reasoning",
    "low": "Fast responses with lighter reasoning",
    "medium": "Balances speed and reasoning depth",
    "high": "Greater reasoning depth for complex problems",
    "xhigh": "Extra high reasoning depth",
    "max": "Maximum reasoning depth",
}
_OUTPUT_TOKENS: Final = 10_000
"""How much of a tool's output Codex keeps, as for the models that it knows."""
INSTRUCTIONS: Final = """\
You are a coding agent. You work in the user's own files, by the tools that you are offered, until the task is done.

- Read what you need before you change anything: the files concerned, their tests, the project's own rules (AGENTS.md).
- Make the smallest change that does what was asked, in the style of the code around it. Fix causes, not symptoms.
- Leave alone what is not part of the task, also if it is wrong: mention it at the end.
- Never undo changes that you did not make, and run nothing that destroys work (`git reset --hard`, `rm -rf`) unless the
  user asks for it.
- Run the tests or commands that show whether the change works, from the narrowest on. Say so if you could not.
- Before a group of commands, say in one sentence what you are about to do. Keep a plan for longer tasks.
- If something essential is missing, ask; else decide, and say what you assumed.
- End with a short account: what changed and where (`path:line`), what was checked, what is left.
"""
"""The catalogue must have instructions for each model, and Codex uses them in place of its own."""


def write_catalogue(models: Sequence[CatalogueModel]) -> bytes:
    """The catalogue: models in their order, the first one preferred."""
    return msgspec.json.encode({"models": [_entry(model, at) for at, model in enumerate(models)]})


def _entry(model: CatalogueModel, at: int) -> dict[str, Any]:
    efforts = () if model.thinking == "none" else (model.efforts or _EFFORTS)
    known = [one for one in efforts if one in _WORDS]
    preferred = "medium" if "medium" in known else (known[0] if known else None)
    entry: dict[str, Any] = {
        "slug": model.name,
        "display_name": model.name,
        "description": f"{model.name}, through Asbru",
        "supported_reasoning_levels": [{"effort": one, "description": _WORDS[one]} for one in known],
        "shell_type": "unified_exec",
        "visibility": "list",
        "supported_in_api": True,
        "priority": at,
        "availability_nux": None,
        "upgrade": None,
        "base_instructions": INSTRUCTIONS,
        "supports_reasoning_summaries": bool(known),
        "support_verbosity": False,
        "default_verbosity": None,
        "apply_patch_tool_type": None,
        "truncation_policy": {"mode": "tokens", "limit": _OUTPUT_TOKENS},
        "supports_parallel_tool_calls": True,
        "experimental_supported_tools": [],
        "input_modalities": ["text", *(one for one in model.inputs if one == "image")],
    }
    if preferred is not None:
        entry["default_reasoning_level"] = preferred
    if model.context_tokens is not None:
        entry["context_window"] = model.context_tokens
    return entry
