"""What travels along the path: one call, from the door to its record, and its attempts.

A `Call` is the only mutable thing that the steps of the path share; each field says which step writes it. What belongs
to one request to one provider stands in an `Attempt`: each is appended when it begins, and none is ever taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from asbru.core.chat import ChatRequest
from asbru.core.errors import AsbruError, GatewayError
from asbru.core.notes import Note
from asbru.core.ports import ResponsePort
from asbru.core.usage import Usage
from asbru.wire.forwarded import ForwardedHeaders

if TYPE_CHECKING:
    from asbru.dialects import Dialect, Operation, RequestHead
    from asbru.governance import Caller
    from asbru.pipeline.caching import CallCache
    from asbru.pipeline.endpoint import Endpoint
    from asbru.pipeline.guarding.tally import Tally
    from asbru.pipeline.ports import Lease
    from asbru.pipeline.said import Said
    from asbru.pipeline.stages import Stage
    from asbru.pipeline.tools.agent_loop import AgentLoop
    from asbru.routing import Key, Target
    from asbru.routing.affinity import SessionName
    from asbru.telemetry.tracing import CallTrace

_NO_PARAMETERS: Mapping[str, str] = {}
_NO_NAMES: Mapping[str, str] = {}
_NOT_CHARGED = ("status", "fault")
"""Kinds of errors that providers send in place of a reply, and do not charge for."""


class Attempt:
    """One request to one target with one key. `served_model`: the upstream's own name for the model, aliases applied;
    `traits`: what it takes and refuses.

    `request_passes` and `response_passes`: whether the body goes, and the response comes, as it is; else it is
    translated. `outcome`: ok, error (told inside the stream), cut, cancelled (the caller went away), the kind of
    `UpstreamError` that ended it before any content, or the code of our own refusal. `reason`: why it failed, in words,
    bounded. `waited_s`: the time spent waiting for the provider, of a stream until it ended.
    `parameters`: what stands in the `{name}`s of the provider's path, where a translated request says it.
    `history`: see `histories`.
    `renamed`: names of tools that were written otherwise, and the caller's own for each. `estimate`: what a
    stream that told no usage may have used, where it was counted.
    """

    # Slots: nearly all of it is read in every call, and a default on the class is slow to read.
    __slots__ = (
        "cost_nanousd",
        "endpoint",
        "estimate",
        "history",
        "key",
        "notes",
        "outcome",
        "parameters",
        "reason",
        "renamed",
        "request_passes",
        "response_passes",
        "sent",
        "served_model",
        "started_s",
        "status",
        "target",
        "took_s",
        "traits",
        "usage",
        "waited_s",
    )

    def __init__(self, target: Target, key: Key, endpoint: Endpoint, started_s: float) -> None:
        self.target = target
        self.key = key
        self.endpoint = endpoint
        self.served_model = model = key.aliases.get(target.model, target.model)
        route = target.provider
        self.traits = route.only_traits or route.traits[model]
        self.started_s = started_s
        self.request_passes = self.response_passes = True
        self.history = 0
        self.status = 0
        self.outcome = "cancelled"
        self.reason = ""
        self.sent = False
        self.took_s = self.waited_s = 0.0
        self.usage: Usage | None = None
        self.estimate: Usage | None = None
        self.cost_nanousd: int | None = None
        self.notes: tuple[Note, ...] = ()
        self.renamed: Mapping[str, str] = _NO_NAMES
        self.parameters: Mapping[str, str] = _NO_PARAMETERS

    @property
    def billed(self) -> bool:
        """Whether the provider may charge for it: something was sent, and no error came in place of a reply. Then a
        usage of None is unknown; else nothing was used."""
        return self.sent and self.outcome not in _NOT_CHARGED


class PassedOver(NamedTuple):
    """A target that nothing was sent to, and why. `key`: which of its keys this is about, "" for none; `at`: how many
    attempts had been made by then."""

    target: Target
    key: str
    reason: str
    at: int


class Call:
    """See the module. `parameters`: what stood in the route's `{name}`s."""

    # Defaults live on the class: most calls change few of them, and a call pays for each that it sets.
    # The door
    parameters: Mapping[str, str] = _NO_PARAMETERS
    query = b""
    id = b""
    parent_id = ""  # of the call that made this one
    started_ms = 0
    started_s = 0.0
    forwarded = ForwardedHeaders()
    credentials: tuple[bytes, bytes, bytes] = (b"", b"", b"")
    run = ""  # the session or run of an agent that the caller says it belongs to
    watched: Mapping[str, str] = _NO_PARAMETERS  # headers that the call is decided by
    accept_coding = b""
    method = b"POST"
    every_header: Sequence[
        tuple[bytes, bytes]
    ] = ()  # of a call that goes to its provider as it came; else what tools are handed
    content_type = b""  # of the body, where its operation takes more than JSON
    content_coding = b""  # of the body, as the caller named it; read_head takes it off
    trace: CallTrace | None = None  # None: tracing is off, or it begins here and is not sampled
    unsampled = b""  # then the id of its trace, 32 hex digits
    reply_of: tuple[Attempt, Callable[[], Said]] | None = None  # of a sampled call: what an attempt's reply says
    # serve
    caller: Caller | None = None
    head: RequestHead | None = None
    lease: Lease | None = None
    status = 0
    outcome = "cancelled"
    error: AsbruError | None = None
    # stages
    stages: tuple[Stage, ...] = ()
    request_changed = False  # a stage put other content into `canonical`
    agent: AgentLoop | None = None  # None: no tool is called for it
    beside_error = b""  # a member of JSON that the body of an error has as well
    added_bytes = 0  # about how much longer `canonical` is for tools that are offered, and turns of the loop
    offered: frozenset[str] = frozenset()  # tools of MCP servers that were added to `canonical`, by name
    guarded: Tally | None = None  # what guardrail rules did
    # caching
    cached: CallCache | None = None  # None: the cache has no part in the call
    # attempts, streaming
    canonical: ChatRequest | None = None
    shaped: Any = None  # the same of an operation that is no chat, as its shape reads it
    target: Target | None = None  # the one in hand, also when nothing is sent to it
    attempts: tuple[Attempt, ...] = ()
    session: SessionName | None = None  # where it is to be remembered what serves the call
    route: tuple[str, ...] = ()  # how its targets were chosen, for people
    passed_over: tuple[PassedOver, ...] = ()
    not_allowed: tuple[Target, ...] = ()  # fallbacks that the caller's key leaves out
    notes: tuple[Note, ...] = ()  # of the call; those of an attempt stand in it
    first_token_s = 0.0

    def __init__(  # noqa: PLR0917 -- one caller, the door, for each call: keywords would cost it
        self, surface: str, operation: Operation, dialect: Dialect, body: bytes, response: ResponsePort
    ) -> None:
        self.surface = surface
        self.operation = operation
        self.dialect = dialect
        self.body = body
        self.body_bytes = len(body)
        self.response = response

    @property
    def all_notes(self) -> tuple[Note, ...]:
        """What the caller and the record are told: the call's notes, and those of the attempt that counts."""
        return self.notes + self.attempts[-1].notes if self.attempts else self.notes

    def read_canonical(self) -> ChatRequest:
        """The request in canonical form, read once. Only for operations that have one."""
        if self.canonical is None:
            operation = self.operation
            read = operation.read_request or (operation.codec and operation.codec.read_request)
            assert read is not None, f"{operation.name} has no canonical form"
            request, head = read(self.body), self.head
            if head is not None and not request.model:  # where model and stream stand in the path
                request = msgspec.structs.replace(request, model=head.model, stream=head.stream)
            self.canonical = request
        return self.canonical

    def read_shaped(self) -> Any:
        """The request of an operation with a shape in canonical form, read once."""
        if self.shaped is None:
            shape = self.operation.shape
            assert shape is not None, f"{self.operation.name} has no shape"
            shaped, head = shape.read_request(self.body, self.content_type), self.head
            if head is not None and not shaped.model:
                shaped = msgspec.structs.replace(shaped, model=head.model)
            self.shaped = shaped
        return self.shaped

    def fail(self) -> None:
        """A bug ended the call: its record says so, and the door tells the caller."""
        self.status, self.outcome = 500, "error"
        self.error = GatewayError("an internal error occurred in the gateway")

    def let_go_of_body(self) -> None:
        """No attempt follows any more: a stream may last for minutes, and would hold megabytes that nobody reads."""
        self.body = b""
        if self.head is not None:
            self.head.members.clear()
        if self.canonical is not None:
            self.canonical = None
        if self.shaped is not None:
            self.shaped = None
