"""Conversations that Asbru remembers, so that a caller sends only what is new, whichever provider is asked.

    middle       the middle of the path: the whole conversation is asked, what it has become is remembered
    keeping      a response on its way, whose end is held until it is remembered
    remembered   what one connection remembers
    background   responses that a provider works on after it has answered

Not here: what items are (`dialects`), and where stored conversations are kept (`asbru.stored`).
"""

from asbru.pipeline.conversations.middle import conversation_call
from asbru.pipeline.conversations.remembered import Remembered

__all__ = ["Remembered", "conversation_call"]
