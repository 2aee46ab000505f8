"""Parts of another dialect, said in words to a model that does not know their kind: results of searches, JSON that a
tool returned, text that is marked for a guardrail.

Not here: what such a part says, which the reader of its own dialect knows (`ForeignPart.text`).
"""

from __future__ import annotations

from asbru.core.chat import ForeignPart
from asbru.dialects.receipt import Receipt


def in_words(part: ForeignPart, path: str, receipt: Receipt) -> str | None:
    """What a part of another dialect says; None where it says nothing in words. Either is noted."""
    if part.text is None or not part.text.strip():
        receipt.dropped(path, f"{part.kind} has no equivalent")
        return None
    receipt.changed(path, f"{part.kind} became text")
    return part.text
