"""The head of a request: what a pass-through call reads of a body.

Not here: messages, tools and the rest (`request.py`).
"""

from __future__ import annotations

from asbru.dialects.contract import PathParameters, RequestHead
from asbru.dialects.flat_head import flat_head

read_head = flat_head("max_tokens")


def read_whole_head(body: bytes, parameters: PathParameters | None = None, query: bytes = b"") -> RequestHead:
    """The head of what cannot be streamed and makes no tokens."""
    head = read_head(body, parameters, query)
    return RequestHead(head.model, False, True, None, 1, head.members)
