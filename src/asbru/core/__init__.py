"""Floor 0: the words everything else is said in. Pure structs and arithmetic; no I/O, no clock, no randomness.

The chat format has its own doors because it is large: import it as `from asbru.core import chat, reply`.
"""

from asbru.core import (
    chat,
    errors,
    folders,
    future,
    ids,
    money,
    notes,
    ports,
    reply,
    secret_text,
    traits,
    usage,
)

__all__ = [
    "chat",
    "errors",
    "folders",
    "future",
    "ids",
    "money",
    "notes",
    "ports",
    "reply",
    "secret_text",
    "traits",
    "usage",
]
