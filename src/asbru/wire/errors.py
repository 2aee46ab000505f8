"""What every framing raises; apart from them, for they know nothing of each other."""

from __future__ import annotations


class FramingError(ValueError):
    """The bytes are no stream of this framing, or an event in them is over its bound."""
