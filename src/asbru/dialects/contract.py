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

Each part has a file of its own: `operation`, `head`, `codec`, `shape`, `passing`. Dialects import them all from here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.traits import CatalogueModel
from asbru.dialects.client_profiles import ClientProfile, LimitHeaders, Shown, shown_to
from asbru.dialects.codec import Codec, StreamReader, StreamWriter, Written, WrittenReply
from asbru.dialects.head import DEPLOYMENT, PathParameters, RequestHead
from asbru.dialects.listed_models import read_model_ids
from asbru.dialects.operation import EventFacts, Operation, Stored, Texts
from asbru.dialects.passing import NOTHING_PASSES, Passing, TailFacts, TailReader
from asbru.dialects.shape import Shape, WrittenForm
from asbru.wire.framing import SSE, Framing

__all__ = [
    "DEPLOYMENT",
    "NOTHING_PASSES",
    "NO_SURFACE",
    "Codec",
    "Derived",
    "Dialect",
    "Errors",
    "EventFacts",
    "ModelsForm",
    "Operation",
    "Passing",
    "PathParameters",
    "RequestHead",
    "Shape",
    "Stored",
    "StreamReader",
    "StreamWriter",
    "Surface",
    "TailFacts",
    "TailReader",
    "Texts",
    "Written",
    "WrittenForm",
    "WrittenReply",
]


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


class Surface(msgspec.Struct, frozen=True, kw_only=True):
    """Where callers reach a dialect. `name` stands in records ("openai.chat"); `root` is where its errors are spoken on
    unknown paths ("": nowhere, it shares another's); `request_id` is the header by which its SDKs know a response, in
    lower case; `bases` are what SDKs take for a base URL; `models_bases` those whose `/models` is this dialect's;
    `home` is the provider that it imitates, for bare model names; `clients`: how those that call here take a refusal;
    `limits`: how they read their limits; `key_parameter`: the parameter of the query in which clients may show their
    key instead of a header ("": none); `ping`: what a caller is sent while a stream is silent (b"": nothing)."""

    name: str
    home: str
    root: str
    bases: tuple[str, ...]
    models_bases: tuple[str, ...]
    request_id: bytes = b"x-request-id"
    clients: tuple[ClientProfile, ...] = ()
    limits: LimitHeaders = LimitHeaders({})
    key_parameter: str = ""
    ping: bytes = b""

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
    model's has no chat. `array_streams`: a provider may send one JSON array of the events in their place.

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
    array_streams: bool = False
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
