"""What travels along the path: one call, from the door to its record.

A `Call` is the only mutable thing that the steps of the path share; each field says which step writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asbru.core.chat import ChatRequest
from asbru.core.errors import AsbruError
from asbru.core.forwarded import ForwardedHeaders
from asbru.core.notes import Note
from asbru.core.ports import ResponsePort
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


class Call:
    """See the module. `operation`: chat, completions, embeddings or count_tokens. `home`: the provider that the
    surface imitates, for bare model names. `served_model`: the upstream's own name, aliases applied."""

    # Defaults live on the class: most calls change few of them, and a call pays for each that it sets.
    # The door
    home = ""
    query = b""
    id = b""
    started_ms = 0
    started_s = 0.0
    forwarded = ForwardedHeaders()
    credentials: tuple[bytes, bytes, bytes] = (b"", b"", b"")
    accept_coding = b""
    content_coding = b""  # of the body, as the caller named it; read_head takes it off
    # serve
    caller: Caller | None = None
    head: RequestHead | None = None
    status = 0
    outcome = "cancelled"
    error: AsbruError | None = None
    # attempts, streaming
    canonical: ChatRequest | None = None
    target: Target | None = None
    served_model = ""
    key_name = ""
    attempts: tuple[Attempt, ...] = ()
    notes: tuple[Note, ...] = ()
    pass_through = False
    first_token_s = 0.0
    usage: Usage | None = None
    usage_source: UsageSource = "none"
    cost_nanousd: int | None = None

    def __init__(  # noqa: PLR0917 -- one caller, the door, for each call: keywords would cost it
        self, surface: str, operation: str, dialect: Dialect, body: bytes, response: ResponsePort
    ) -> None:
        self.surface = surface
        self.operation = operation
        self.dialect = dialect
        self.body = body
        self.body_bytes = len(body)
        self.response = response

    def let_go_of_body(self) -> None:
        """No attempt follows any more: a stream may last for minutes, and would hold megabytes that nobody reads."""
        self.body = b""
        if self.head is not None:
            self.head.members.clear()
        if self.canonical is not None:
            self.canonical = None
