"""What every dialect offers: pure functions and facts about one wire format, as records that the path can hold.

    Dialect
    |- surface      where callers reach it, and which provider it imitates
    |- operations   what can be asked: routes, upstream paths, how a head is read, what stands in a body
    |    '- codec   translation to and from the canonical form, where the operation has one
    |- passing      what must be known and changed of bytes that go through as they came
    |- errors       a provider's errors read, and ours written
    '- models       the list of models in this form

All functions are total: bad input raises `core.errors.BadRequest` (requests) or `core.errors.UpstreamError` with kind
"protocol" (responses). A dialect is one folder; nothing outside names it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias

import msgspec

from asbru.core.chat import ChatRequest, Raw
from asbru.core.conversing import Conversing
from asbru.core.errors import AsbruError, UnsupportedByProvider, UpstreamError
from asbru.core.notes import Note
from asbru.core.reply import ChatReply, StreamEvent, StreamFault
from asbru.core.traits import CatalogueModel, Traits
from asbru.core.usage import Unit, Usage
from asbru.dialects.client_profiles import ClientProfile, LimitHeaders, Shown, shown_to
from asbru.dialects.listed_models import read_model_ids
from asbru.wire.framing import SSE, Framing
from asbru.wire.multipart import Form


class RequestHead(msgspec.Struct, frozen=True):
    """What a pass-through call needs of a body: decoded alone, in a fraction of a microsecond.

    `wants_usage` tells that the caller asked for usage in the stream (OpenAI `stream_options.include_usage`);
    always True where the dialect reports it unasked. `choices`: how many answers were asked for (OpenAI `n`).
    `members`: the members of the body's object as they stand, views of it: what a rewrite starts from. Of a form its
    small fields, as JSON strings; `form` is where its parts stand, None where the body is no form.
    """

    model: str
    stream: bool
    wants_usage: bool
    max_tokens: int | None
    choices: int = 1
    members: dict[str, Raw] = {}
    form: Form | None = None


class Written(msgspec.Struct, frozen=True):
    """A request body for the wire, with the receipt of what could not be carried."""

    body: bytes
    notes: tuple[Note, ...] = ()


class WrittenReply(msgspec.Struct, frozen=True):
    """An answer's body for the wire, with the receipt."""

    body: bytes
    notes: tuple[Note, ...] = ()


class StreamReader(Protocol):
    """Wire bytes to canonical events; obeys the grammar in `core.reply`. Split-invariant."""

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """The events that `chunk` completes. Garbage becomes a `StreamFault` (type "protocol_error")."""
        ...

    def close(self, *, clean: bool = True) -> list[StreamEvent]:
        """The end of the bytes: closing events only if the stream was complete in this dialect's own terms.

        `clean` tells that the provider ended the body by itself: only then may a finished answer stand for the
        terminator that some providers never send.
        """
        ...


class StreamWriter(Protocol):
    """Canonical events to wire bytes."""

    def write(self, events: Sequence[StreamEvent]) -> bytes:
        """The bytes for `events` (possibly b""). Includes the dialect's terminator on `ReplyEnd`, and its error
        event on `StreamFault`."""
        ...

    @property
    def notes(self) -> tuple[Note, ...]:
        """What could not be carried so far."""
        ...


class TailFacts(msgspec.Struct, frozen=True):
    """What the end of a stream tells.

    `complete`: the dialect's terminator was seen: the stream is whole, whatever happened to the connection.
    `finished`: every choice has its finish reason: the stream is whole if its body ended cleanly, and cut if not.
    """

    usage: Usage | None
    complete: bool
    finished: bool = False
    fault: StreamFault | None = None


class TailReader(Protocol):
    """See `Passing.tail`."""

    def __call__(self, data: bytes, choices: int = 1) -> TailFacts:
        """The facts from the last bytes of a stream that was asked for `choices` answers."""
        ...


PathParameters: TypeAlias = Mapping[str, str]
"""What stood in a route's `{name}`s, unescaped."""


def no_finish(data: bytes) -> bool:
    """`finishes` of a dialect whose answers have one choice."""
    del data
    return False


def no_head_usage(data: bytes) -> Usage | None:
    """`head_usage` of a dialect that reports no usage at the start of a stream."""
    del data
    return None


def nothing_malformed(events: bytes) -> int:
    """`malformed_at` of a dialect that cannot tell."""
    del events
    return -1


def tail_usage_wins(head: Usage | None, tail: Usage | None) -> Usage | None:
    """`merge_usage` of a dialect whose last report is whole."""
    return head if tail is None else tail


def nothing_without(traits: Traits, member: str) -> Traits | None:
    """`without` of a dialect that needs every member it writes."""
    del traits, member


def no_error_inside(body: bytes) -> UpstreamError | None:
    """`inside` of a dialect whose errors have a status of their own."""
    del body


def unnamed(error: UpstreamError, value: str) -> UpstreamError:
    """`name` of a dialect whose bodies say all."""
    del value
    return error


def no_error_written(error: AsbruError, request_id: str) -> bytes:
    """`write` of a dialect without a surface: no caller speaks it."""
    del error, request_id
    return b""


def no_stream_error(error: AsbruError) -> bytes:
    """`write_stream` of one."""
    del error
    return b""


class Codec(msgspec.Struct, frozen=True, kw_only=True):
    """Translation: a chat operation in canonical form, in both directions.

    `write_request(request, model, traits)` writes the body for `model`, the provider's own name, as its traits allow.
    `without(traits, member)` is the traits of a target that refuses a member that `write_request` wrote at the top;
    None where no request can do without it.
    `stream_writer(request)` writes the stream for the caller who sent `request`.
    """

    read_request: Callable[[bytes], ChatRequest]
    write_request: Callable[[ChatRequest, str, Traits], Written]
    read_reply: Callable[[bytes], ChatReply]
    write_reply: Callable[[ChatReply], WrittenReply]
    stream_reader: Callable[[], StreamReader]
    stream_writer: Callable[[ChatRequest], StreamWriter]
    without: Callable[[Traits, str], Traits | None] = nothing_without


class Passing(msgspec.Struct, frozen=True, kw_only=True):
    """Pass-through: bytes stay as they are, and what must be known of them is read.

    `rewrite(head, model, ask_usage, strip)` replaces the model (always), asks the stream for usage (if `ask_usage`)
    and removes the members called `strip`; it returns the members to send, or None when nothing had to change and the
    body goes on as it came. `head` stays as it was.
    `usage_of(body)` reads usage from a complete JSON response, tail first, whole body as a fallback; None if absent.
    `head_usage(data)` reads usage from the first whole events of a stream, where the dialect tells it there (input
    tokens in Anthropic's `message_start`); `merge_usage(head, tail)` joins it with what `tail` found.
    `tail(data, choices)` reads the last bytes of a stream (whole events); `data` may begin in the middle of an event.
    `unfit`: bytes by which a request tells that it cannot go as it came, for it holds what a provider of the dialect
    refuses: it is read and written anew. They may stand there by chance; that costs only time.
    The first is not one of them, but a part of all: a body without it is searched once.
    `finishes(data)` tells whether whole events hold a finish reason: asked only where `choices` is above one, so that
    the choices that end early are not forgotten.
    `prelude(data)` looks at the first whole events of a stream: a `StreamFault`, True once content was seen,
    else False.
    `malformed_at(events)` tells where among whole events the first one begins that no reader could read, -1 for none.
    It is not asked about a piece that ends with `quick_end`, three bytes with the framing's border (b"": all are).
    `withhold(events)` removes the usage-only chunk that Asbru asked for from whole events; identity object when none.
    """

    rewrite: Callable[[RequestHead, str, bool, frozenset[str]], dict[str, Raw] | None]
    usage_of: Callable[[bytes], Usage | None]
    tail: TailReader
    prelude: Callable[[bytes], StreamFault | bool]
    withhold: Callable[[bytes], bytes]
    unfit: tuple[bytes, ...] = ()
    malformed_at: Callable[[bytes], int] = nothing_malformed
    quick_end: bytes = b""
    finishes: Callable[[bytes], bool] = no_finish
    head_usage: Callable[[bytes], Usage | None] = no_head_usage
    merge_usage: Callable[[Usage | None, Usage | None], Usage | None] = tail_usage_wins


def nothing_rewritten(head: RequestHead, model: str, ask_usage: bool, strip: frozenset[str]) -> dict[str, Raw] | None:
    """`rewrite` of a dialect whose bodies go on as they came, or never do."""
    del head, model, ask_usage, strip


def no_tail(data: bytes, choices: int = 1) -> TailFacts:
    """`tail` of a dialect without streams."""
    del data, choices
    return TailFacts(usage=None, complete=False)


def no_prelude(data: bytes) -> StreamFault | bool:
    """`prelude` of one."""
    del data
    return True


def nothing_withheld(events: bytes) -> bytes:
    """`withhold` of one."""
    return events


NOTHING_PASSES = Passing(
    rewrite=nothing_rewritten, usage_of=no_head_usage, tail=no_tail, prelude=no_prelude, withhold=nothing_withheld
)
"""Of a dialect that callers do not speak: everything is translated."""


class Errors(msgspec.Struct, frozen=True, kw_only=True):
    """`read(status, body)` turns a provider's error response into an `UpstreamError` that keeps status, type, code,
    message and body; `inside(body)` does so for an error that came with status 200 in place of a reply, and is None
    for a reply. `kind_header`: the header of a response that names its error, in lower case, b"" where the body says
    all; `name(error, value)` the error with that name. `write(error, request_id)` gives the body of an error response;
    `write_stream(error)` the bytes that end a stream with it; a dialect without a surface writes none.
    `foreign_thinking` and `missing_thinking`: parts of codes or messages, in lower case, by which a provider refuses
    thinking of earlier turns that another has signed, and earlier turns without it."""

    read: Callable[[int, bytes], UpstreamError]
    inside: Callable[[bytes], UpstreamError | None] = no_error_inside
    kind_header: bytes = b""
    name: Callable[[UpstreamError, str], UpstreamError] = unnamed
    write: Callable[[AsbruError, str], bytes] = no_error_written
    write_stream: Callable[[AsbruError], bytes] = no_stream_error
    foreign_thinking: tuple[str, ...] = ()
    missing_thinking: tuple[str, ...] = ()


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of a body without a canonical form (prompts, inputs to embed), for those who must look at content.

    `read(body)` gives them in order; `write(body, texts)` the same body with as many others in their places.
    """

    read: Callable[[bytes], tuple[str, ...]]
    write: Callable[[bytes, Sequence[str]], bytes]


class EventFacts(msgspec.Struct, frozen=True):
    """What whole events of a stream tell, whose events each have a type.

    `content`: something that is not an error was seen. `ends`: how many of them end an answer. `done`: the stream's own
    terminator was seen.
    """

    content: bool = False
    ends: int = 0
    done: bool = False
    usage: Usage | None = None
    fault: StreamFault | None = None


class WrittenForm(msgspec.Struct, frozen=True):
    """A body for the wire that may not be JSON, with its type and the receipt. `parameters`: what stands in the
    `{name}`s of the operation's path, where the body does not say it."""

    body: bytes
    content_type: bytes = b"application/json"
    notes: tuple[Note, ...] = ()
    parameters: dict[str, str] = {}


def nothing_to_read(body: bytes, content_type: bytes) -> Any:
    """`read_request` and `read_reply` of a dialect that only providers, or only callers, speak."""
    del body, content_type
    raise UnsupportedByProvider("this call cannot be translated; use a provider of the same dialect")


def nothing_to_write(*values: Any) -> WrittenForm:
    """`write_request` and `write_reply` of one."""
    del values
    raise UnsupportedByProvider("this call cannot be translated; use a provider of the same dialect")


def always_ready(body: bytes) -> str:
    """`pending` of what is answered once it is done."""
    del body
    return ""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Translation of an operation that is not a chat, in both directions. The canonical values are those of
    `core.shapes`, of one kind for each name of an operation.

    `read_request(body, content_type)`; `write_request(request, model, traits)`, `model` by the provider's own name;
    `read_reply(body, content_type)`, which raises `UpstreamError` for what is none; `write_reply(reply, request)`. A
    dialect without callers reads no requests and writes no replies; one whose replies are bytes reads none.
    `pending(body)`: where to ask again, below the provider's base URL, for what the provider has only begun; "": it is
    done.
    """

    read_request: Callable[[bytes, bytes], Any] = nothing_to_read
    write_request: Callable[[Any, str, Traits], WrittenForm] = nothing_to_write
    read_reply: Callable[[bytes, bytes], Any] = nothing_to_read
    write_reply: Callable[[Any, Any], WrittenForm] = nothing_to_write
    pending: Callable[[bytes], str] = always_ready


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """An operation on objects that a provider keeps (files, batches), of which each belongs to the key that made it.

    `kind`: what it gives ("file"); `act`: what is done. `opened`: members of the request that hold ids, `sealed`: those
    of the reply, at the top, by name, with the kind of what they name. `links`: members of the reply that hold an
    address of the provider, with the path that takes its place, below the base URL of clients; `{id}` is the object's.
    `label`: the member of an object that lists may be narrowed to; `after`: the parameter of a list that names the
    object before it; `list_members`: what a list holds besides its objects. `spends`: the provider uses models for it.
    """

    kind: str
    act: Literal["create", "list", "read", "content", "delete"]
    opened: dict[str, str] = {}
    sealed: dict[str, str] = {}
    label: str = ""
    links: dict[str, str] = {}
    after: str = "after"
    list_members: dict[str, str] = {}
    spends: bool = False


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be asked for. Operations of two dialects with the same `name` mean the same; `surface` is
    what the dialect itself calls it, in records ("openai.chat", "anthropic.messages"). A dialect that is asked for the
    same thing in two ways has an operation for each; its providers are asked by the first in translated calls.

    `routes`: where callers ask for it, below each base of the surface; may hold `{model}` (the rest of the path, but
    for what follows in the route) and other `{name}`s (one segment); `bare_routes`: those below no base. `path`: where
    a provider is asked, below its base URL, and `stream_path` where a stream is asked for (default: `path`); both may
    hold `{model}` and a query.
    `read_head(body, parameters, query)`: what the path must know; `streams`: whether it can be streamed.
    `codec`: its translation; None: it goes only to providers of the same dialect. `read_request`: its canonical
    request, for those who look at content without translating (by default the codec's). `texts`: its texts where it has
    no canonical form. `speaks`: whether its reply holds a model's words. `write_count`: the body of a count that Asbru
    made itself, where the provider does not count.

    What is no chat (decision 0011): `methods` by which it is asked for, of its routes and of the provider; `takes` and
    `gives`: what the bodies of request and reply are ("text": JSON or what the caller asked for in its place, read
    whole; "bytes": whatever the provider sends, as it comes); `shape`: its translation; `usage_of(body)`: its usage in
    a whole reply, where it is not told as a chat's is; `charge(head, body)`: the usage that follows from the request
    alone, where no reply tells any; `units_max(head, body)`: the most units that a call may be charged, which limits
    reserve (by default those of `charge`); `by_token`: whether it may be charged by token; `output_tokens_max(head)`:
    the most that may come out of what speaks no words (images, speech); `stored`: it is about objects that the provider
    keeps. `converses`: its requests may go on from an earlier response, which Asbru remembers
    (`pipeline.conversations`), and it can be asked for over a WebSocket.

    `read_form(form, body)`: the head, where the body is a form; `form_texts`: the fields of a form that hold texts.
    `read_events(events)`: what whole events of its stream tell, where they are not a chat's. Such an operation may be
    answered whole where a stream was asked for: some models cannot stream.
    """

    name: str
    surface: str
    path: str
    read_head: Callable[[bytes, PathParameters, bytes], RequestHead]
    routes: tuple[str, ...] = ()
    stream_path: str = ""
    streams: bool = False
    speaks: bool = True
    codec: Codec | None = None
    read_request: Callable[[bytes], ChatRequest] | None = None
    texts: Texts | None = None
    write_count: Callable[[int], bytes] | None = None
    methods: tuple[bytes, ...] = (b"POST",)
    takes: Literal["json", "form", "json_or_form", "nothing"] = "json"
    gives: Literal["json", "text", "bytes"] = "json"
    shape: Shape | None = None
    usage_of: Callable[[bytes], Usage | None] | None = None
    charge: Callable[[RequestHead, bytes], Usage | None] | None = None
    stored: Stored | None = None
    units_max: Callable[[RequestHead, bytes], tuple[tuple[Unit, int], ...]] | None = None
    by_token: bool = True
    output_tokens_max: Callable[[RequestHead], int] | None = None
    read_form: Callable[[Form, bytes], RequestHead] | None = None
    form_texts: tuple[str, ...] = ()
    read_events: Callable[[bytes], EventFacts] | None = None
    converses: Conversing | None = None
    bare_routes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What it is called in messages."""
        return self.name.replace("_", " ")


class Surface(msgspec.Struct, frozen=True, kw_only=True):
    """Where callers reach a dialect. `name` stands in records ("openai.chat"); `root` is where its errors are spoken on
    unknown paths ("": nowhere, it shares another's); `request_id` is the header by which its SDKs know a response, in
    lower case; `bases` are what SDKs take for a base URL; `models_bases` those whose `/models` is this dialect's;
    `home` is the provider that it imitates, for bare model names; `clients`: how those that call here take a refusal;
    `limits`: how they read their limits; `key_parameter`: the parameter of the query in which clients may show their
    key instead of a header ("": none)."""

    name: str
    home: str
    root: str
    bases: tuple[str, ...]
    models_bases: tuple[str, ...]
    request_id: bytes = b"x-request-id"
    clients: tuple[ClientProfile, ...] = ()
    limits: LimitHeaders = LimitHeaders({})
    key_parameter: str = ""

    def shown_to(self, user_agent: bytes, status: int) -> Shown:
        """What a refusal with `status` is sent with to a client."""
        return shown_to(user_agent, status, self.clients)


NO_SURFACE = Surface(name="", home="", root="", bases=(), models_bases=())
"""Of a dialect that only providers speak."""


class ModelsForm(msgspec.Struct, frozen=True, kw_only=True):
    """How models are listed: `write_all(names)` the list, `write_one(name)` one of them. `catalogue`: the parameter of
    a query by which a client asks for a list in its own form, and what writes it. A provider is asked for its own at
    `path`, below its base URL; `read(body)` gives the names in its answer, None where it is no list.
    """

    write_all: Callable[[Sequence[str]], bytes] = msgspec.json.encode
    write_one: Callable[[str], bytes] = msgspec.json.encode
    catalogue: tuple[bytes, Callable[[Sequence[CatalogueModel]], bytes]] | None = None
    path: str = "/models"
    read: Callable[[bytes], tuple[str, ...] | None] = read_model_ids


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """One wire format. `name` is its folder's, `setting` the word for it in the configuration, `framing` that of its
    streams. One that only providers speak has no surface (`NO_SURFACE`), and nothing of it passes; one that is no
    model's has no chat.

    `header_prefixes`: headers of a caller, by the beginning of their names in lower case, that go along to providers of
    this dialect, but for `headers_withheld`.
    `kin`: the dialect whose canonical form it has, where it is one in an envelope of a cloud's ("": its own). Callers
    of the one are served by providers of the other without loss.
    `take_headers(body, value_of)`: a translated body with what this dialect says in it and others say in headers;
    `value_of` gives a caller's header by its name in lower case.
    """

    name: str
    setting: str
    operations: tuple[Operation, ...]
    errors: Errors
    surface: Surface = NO_SURFACE
    passing: Passing = NOTHING_PASSES
    models: ModelsForm = ModelsForm()
    framing: Framing = SSE
    header_prefixes: tuple[bytes, ...] = ()
    headers_withheld: frozenset[bytes] = frozenset()
    kin: str = ""
    take_headers: Callable[[bytes, Callable[[bytes], bytes]], Written] | None = None

    @property
    def family(self) -> str:
        """The dialect whose canonical form it has."""
        return self.kin or self.name

    def operation(self, name: str) -> Operation | None:
        """The operation of that name; None when the dialect has none."""
        return next((one for one in self.operations if one.name == name), None)

    @property
    def chat(self) -> Codec:
        """The translation of its chat operation. Only of a dialect that has one."""
        operation = self.operation("chat")
        assert operation is not None and operation.codec is not None, f"{self.name} has no chat"
        return operation.codec


class Derived(msgspec.Struct, frozen=True):
    """A dialect that is another one, `of`, in an envelope: `make(base)` gives its record. Folders do not import each
    other, so that discovery hands the base over."""

    of: str
    make: Callable[[Dialect], Dialect]
