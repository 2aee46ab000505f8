"""How many searches a rerank is at most, before it is sent: what limits reserve, in all dialects that have it.

Source: https://cohere.com/pricing
"""

from __future__ import annotations

from typing import Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.usage import Unit
from asbru.dialects.contract import RequestHead
from asbru.dialects.fields import DECODE_ERRORS

DOCUMENTS_PER_SEARCH: Final = 100
"""A search ranks so many documents by one query."""
DOCUMENT_TOKENS: Final = 500
"""What of a text, with the query, counts as one document; a longer one counts as several."""

_items = msgspec.json.Decoder(list[Raw]).decode


def searches_max(head: RequestHead, body: bytes) -> tuple[tuple[Unit, int], ...]:
    """The searches that the documents make at most, if each byte of theirs were a token."""
    del body
    try:
        documents = _items(head.members["documents"])
        query_bytes = len(head.members["query"])
    except (KeyError, *DECODE_ERRORS):  # then the provider refuses the call
        return (("search", 1),)
    room = max(DOCUMENT_TOKENS - query_bytes, DOCUMENT_TOKENS // 2)
    count = sum(-(-len(one) // room) for one in documents)
    return (("search", max(1, -(-count // DOCUMENTS_PER_SEARCH))),)
