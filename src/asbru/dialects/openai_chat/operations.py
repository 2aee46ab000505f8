"""The two operations of the family that are only ever passed through: completions and embeddings.

Their heads are read here; `rewrite`, `usage_of`, `tail`, `prelude`, `withhold` and the errors are those of
chat, for the wire is the same. Not here: any translation to another dialect, which these calls do not have.
"""

from __future__ import annotations

import msgspec

from asbru.core.errors import BadRequest
from asbru.dialects.contract import RequestHead
from asbru.dialects.openai_chat.fields import open_object, refuse_request
from asbru.dialects.openai_chat.head import read_head


def read_completions_head(body: bytes) -> RequestHead:
    """The head of `POST /completions`: as chat's; the prompt must be there."""
    head = read_head(body)
    _need(body, "prompt", "a string or a list")
    return head


def read_embeddings_head(body: bytes) -> RequestHead:
    """The head of `POST /embeddings`: never a stream, no token limit; the input must be there."""
    head = read_head(body)
    _need(body, "input", "a string or a list")
    return msgspec.structs.replace(head, stream=False, wants_usage=False, max_tokens=None)


def _need(body: bytes, name: str, expected: str) -> None:
    fields = open_object(body, refuse_request)
    if name not in fields:
        raise BadRequest(f"{name}: expected {expected}, got nothing", param=name)
