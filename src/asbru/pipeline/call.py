"""What travels along the path: one call, from the door to its record.

A `Call` is the only mutable thing that the steps of the path share; each field says which step writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from asbru.core.carried import NOTHING_CARRIED, Carried
from asbru.core.chat import ChatRequest
from asbru.core.errors import AsbruError
from asbru.core.notes import Note
from asbru.core.ports import AnswerPort
from asbru.core.usage import Usage, UsageSource

if TYPE_CHECKING:
    from asbru.dialects import Dialect, RequestHead
    from asbru.governance import Caller
    from asbru.routing import Target


class Attempt:
    """One try at one target: for the record. Times in milliseconds."""

    __slots__ = ("key", "model", "ms", "outcome", "provider", "status")

    def __init__(self, target: Target, key: str, status: int, outcome: str, *, took_s: float) -> None:
        self.provider = target.provider.name
        self.model = target.model
        self.key = key
        self.status = status
        self.outcome = outcome
        self.ms = int(took_s * 1000)


class Call(msgspec.Struct, eq=False):
    """See the module. `operation`: chat, completions, embeddings or count_tokens. `home`: the provider that the
    surface imitates, for bare model names. `served_model`: the upstream's own name, aliases applied."""

    # The door
    surface: str
    operation: str
    dialect: Dialect
    body: bytes
    answer: AnswerPort
    body_bytes: int = 0
    home: str = ""
    query: bytes = b""
    id: bytes = b""
    started_ms: int = 0
    started_s: float = 0.0
    carried: Carried = NOTHING_CARRIED
    credentials: tuple[bytes, bytes, bytes] = (b"", b"", b"")
    accept_coding: bytes = b""
    content_coding: bytes = b""
    """Of the body, as the caller named it; `read_head` takes it off."""
    # serve
    caller: Caller | None = None
    head: RequestHead | None = None
    status: int = 0
    outcome: str = "cancelled"
    error: AsbruError | None = None
    # attempts, streaming
    canonical: ChatRequest | None = None
    target: Target | None = None
    served_model: str = ""
    key_name: str = ""
    attempts: tuple[Attempt, ...] = ()
    notes: tuple[Note, ...] = ()
    pass_through: bool = False
    first_token_s: float = 0.0
    usage: Usage | None = None
    usage_source: UsageSource = "none"
    cost_nanousd: int | None = None

    def let_go_of_body(self) -> None:
        """No attempt follows any more: a stream may last for minutes, and would hold megabytes that nobody reads."""
        self.body = b""
        self.canonical = None
