"""What travels along the path: one call, from the door to its record.

A `Call` is the only mutable thing that the steps of the path share; each field says which step writes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asbru.core.chat import ChatRequest
from asbru.core.errors import AsbruError
from asbru.core.notes import Note
from asbru.core.ports import AnswerPort
from asbru.core.usage import Usage, UsageSource

if TYPE_CHECKING:
    from asbru.dialects import Dialect, RequestHead
    from asbru.governance import Caller
    from asbru.routing import Target

CARRIED_ALWAYS, CARRIED_TO_OPENAI, CARRIED_TO_ANTHROPIC = 1, 2, 3


class Attempt:
    """One try at one target: for the record. Times in milliseconds."""

    __slots__ = ("key", "model", "ms", "outcome", "provider", "status")

    def __init__(self, target: Target, key: str, status: int, outcome: str, ms: int) -> None:
        self.provider = target.provider.name
        self.model = target.model
        self.key = key
        self.status = status
        self.outcome = outcome
        self.ms = ms


class Call:
    """See the module. `operation`: chat, completions, embeddings or count_tokens. `home`: the provider that the
    surface imitates, for bare model names. `served_model`: the upstream's own name, aliases applied."""

    __slots__ = (
        "accept_coding",
        "answer",
        "attempts",
        "body",
        "caller",
        "canonical",
        "cost_nanousd",
        "credentials",
        "dialect",
        "error",
        "first_token_s",
        "head",
        "headers",
        "home",
        "id",
        "key_name",
        "notes",
        "operation",
        "outcome",
        "pass_through",
        "served_model",
        "started_ms",
        "started_s",
        "status",
        "surface",
        "target",
        "usage",
        "usage_source",
    )

    def __init__(
        self,
        surface: str,
        operation: str,
        dialect: Dialect,
        body: bytes,
        answer: AnswerPort,
    ) -> None:
        # The door
        self.surface = surface
        self.operation = operation
        self.dialect = dialect
        self.body = body
        self.answer = answer
        self.home = ""
        self.id = ""
        self.started_ms = 0
        self.started_s = 0.0
        self.headers: list[tuple[int, bytes, bytes]] = []
        self.credentials: tuple[bytes, bytes, bytes] = (b"", b"", b"")
        self.accept_coding = b""
        # serve
        self.caller: Caller | None = None
        self.head: RequestHead | None = None
        self.status = 0
        self.outcome = "cancelled"
        self.error: AsbruError | None = None
        # attempts, streaming
        self.canonical: ChatRequest | None = None
        self.target: Target | None = None
        self.served_model = ""
        self.key_name = ""
        self.attempts: list[Attempt] = []
        self.notes: list[Note] = []
        self.pass_through = False
        self.first_token_s = 0.0
        self.usage: Usage | None = None
        self.usage_source: UsageSource = "none"
        self.cost_nanousd: int | None = None
