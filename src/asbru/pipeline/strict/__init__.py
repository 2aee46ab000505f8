"""`x-asbru-strict: true`: a caller that would rather be refused than lose a part of its request on the way to a target.

What a target cannot take is dropped and noted otherwise. Not here: what is changed or added, and notes on replies.
"""

from __future__ import annotations

from typing import Final

from asbru.core.errors import BadRequest, UnsupportedByProvider
from asbru.pipeline.call import Attempt, Call

STRICT_HEADER: Final = "x-asbru-strict"
_TOLD_MAX: Final = 10
_YES, _NO = ("true", "1"), ("false", "0", "")


def check_losses(call: Call, attempt: Attempt) -> None:
    """Raise `UnsupportedByProvider` if the caller is strict and something was dropped; another target may take all."""
    asked = call.watched.get(STRICT_HEADER, "").strip().lower()
    if asked in _NO:
        return
    if asked not in _YES:
        raise BadRequest(f"{STRICT_HEADER}: expected true or false, got '{asked[:50]}'", param=STRICT_HEADER)
    lost = [note for note in attempt.notes if note.kind == "dropped"]
    if not lost:
        return
    told = "; ".join(f"{note.field} ({note.reason})" if note.reason else note.field for note in lost[:_TOLD_MAX])
    more = f"; and {len(lost) - _TOLD_MAX} more" if len(lost) > _TOLD_MAX else ""
    raise UnsupportedByProvider(
        f"'{attempt.target}' cannot be sent all of the request, as {STRICT_HEADER} asks: {told}{more}",
        code="strict_refused",
        param=lost[0].field,
    )


__all__ = ["STRICT_HEADER", "check_losses"]
