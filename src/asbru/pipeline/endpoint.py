"""A provider as something to send to: its route, its pool of connections, and request heads made ready.

A head is put together from parts that were built once: path and host, what the provider always wants, the key. Only
the caller's own forwarded headers and the length are added per call; where the model stands in the path, so is that.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from asbru.core.errors import UnsupportedByProvider
from asbru.core.traits import PLAIN_ADDRESSING, Addressing, StoredWords, fits_glob
from asbru.dialects import Dialect, Operation
from asbru.pipeline.call import Attempt, Call
from asbru.routing import Key, ProviderRoute
from asbru.telemetry.tracing import write_unsampled
from asbru.upstream import Body, ExchangeDeadlines, Pool
from asbru.upstream.credentials import FixedCredential, OutgoingRequest
from asbru.wire.forwarded import TO_ANY_DIALECT, TRACE_HEADERS, ForwardedHeaders
from asbru.wire.http_heads import JSON_LINE

if TYPE_CHECKING:
    from asbru.pipeline.outgoing import Outgoing

NO_KEY = Key("", FixedCredential(b""), frozenset({"*"}), weight=1.0, aliases={})
"""Stands in where a provider takes calls without a credential."""

_PARAMETER = re.compile(rb"\{(\w+)\}")
_MODEL = b"model"
_DECIDING = b"deciding"


class _Start(NamedTuple):
    """The first lines of a request: for a whole response, and for a stream. `named`: the model, or what stood in the
    caller's path, stands in them."""

    whole: bytes
    stream: bytes
    named: bool


class Endpoint:
    """`base_path` is the path of the base URL ("/v1"); `authority` what Host says; `headers` are sent unless the
    caller sent its own of the same name. `absolute` is the scheme and authority to put before paths, for plain
    origins behind a proxy. `traced`: calls have traces of ours, which replace what their callers say of theirs.
    `vendor`: the provider as OpenTelemetry knows it (`gen_ai.provider.name`). `addressing`: what changes the bodies
    that it is sent, None where nothing does."""

    __slots__ = (
        "_absolute",
        "_addressing",
        "_authority",
        "_defaults",
        "_families",
        "_origin",
        "_own_starts",
        "_starts",
        "_wants",
        "addressing",
        "deadlines",
        "dialect",
        "listed",
        "listed_until_s",
        "models",
        "operations",
        "others",
        "pool",
        "route",
        "vendor",
        "withheld",
    )

    def __init__(  # noqa: PLR0913 -- all that one is made of, by its one maker
        self,
        route: ProviderRoute,
        dialect: Dialect,
        pool: Pool,
        deadlines: ExchangeDeadlines,
        *,
        operations: frozenset[str],
        base_path: str,
        authority: str,
        headers: dict[str, str],
        absolute: str = "",
        extra_lines: bytes = b"",
        traced: bool = False,
        vendor: str = "",
        addressing: Addressing = PLAIN_ADDRESSING,
    ) -> None:
        self.route = route
        self.vendor = vendor or route.name
        self.dialect = dialect
        self.addressing = addressing if addressing.changes_bodies else None
        self._addressing = addressing
        self.pool = pool
        self.deadlines = deadlines
        self._absolute = absolute.encode("latin-1")
        self._authority = authority.encode("latin-1")
        self._families = (TO_ANY_DIALECT, *dialect.header_prefixes)
        self._defaults = {
            name.lower().encode("latin-1"): f"{name.lower()}: {value}\r\n".encode("latin-1")
            for name, value in headers.items()
        }
        self.withheld = dialect.headers_withheld | TRACE_HEADERS if traced else dialect.headers_withheld
        changed = repr(addressing.header_values_without).encode()
        self._wants = (dialect.name.encode(), b"traced" if traced else b"", changed, *self._defaults.values())
        """All that the lines made of a caller's headers depend on: what they are kept by."""
        self._origin = (
            f"{absolute}{base_path}",
            f" HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\naccept-encoding: identity\r\n".encode(
                "latin-1"
            )
            + extra_lines,
        )
        offered = [operation for operation in dialect.operations if operation.name in operations]
        self._starts = {operation.name: self._start(operation) for operation in reversed(offered)}
        self._own_starts = {operation.surface: self._start(operation) for operation in offered}
        """Those of calls that pass: a dialect may ask for the same thing at several paths."""
        self.operations = frozenset(self._starts)
        self.others: dict[str, Endpoint] | None = None
        """The same provider in other dialects, by their names."""
        self.models: tuple[str, ...] = ()
        """The models that are asked in this dialect, by patterns; empty: all."""
        self.listed: tuple[str, ...] | None = None
        """The provider's own list of models, as it told it last, and until when it need not be asked again."""
        self.listed_until_s = 0.0

    def spoken_by(self, call: Call, model: str) -> Endpoint:
        """The same provider in the dialect in which `model` is asked; else in the caller's own, or in one of its
        family, if it has what is asked for there."""
        if self._by_model:
            names = {model, *(key.aliases.get(model, model) for key in self.route.keys)}
            claims = (one for one in self.spoken if any(map(one._addressing.claims, names)))
            return next(claims, None) or next(one for one in self.spoken if not one._addressing.models)
        others, dialect = self.others, call.dialect
        if others is None:
            return self
        if self.dialect is dialect:
            return self if call.operation.name in self.operations else self._in_own_form(call.operation, model)
        own = others.get(dialect.name)
        kin = (own,) if own is not None else (one for one in others.values() if one.dialect.family == dialect.family)
        return next((one for one in kin if one.serves(call.operation, model)), self)

    def _in_own_form(self, operation: Operation, model: str) -> Endpoint:
        """Where the provider offers something in a form of its own that Asbru translates."""
        if operation.shape is None or self.others is None:
            return self
        return next((one for one in self.others.values() if one.serves(operation, model)), self)

    def serves(self, operation: Operation, model: str) -> bool:
        """Whether the operation may be asked of it for a model by its name."""
        if operation.name not in self.operations:
            return False
        return not self.models or any(fits_glob(glob, model) for glob in self.models)

    @property
    def _by_model(self) -> bool:
        return any(one._addressing.models for one in self.spoken)

    @property
    def spoken(self) -> tuple[Endpoint, ...]:
        """The same provider in each of its dialects."""
        return (self,) if self.others is None else (self, *self.others.values())

    def in_dialect(self, dialect: Dialect) -> Endpoint | None:
        """The same provider in a dialect; None where it does not speak it."""
        return next((one for one in self.spoken if one.dialect is dialect), None)

    @property
    def stored_words(self) -> StoredWords:
        """How the provider says files and batches."""
        return self._addressing.stored

    def path_of(self, operation: Operation) -> str:
        """Where an operation on stored objects is asked, below the base URL."""
        return self._addressing.paths.get(operation.name, operation.path)

    def write_list_head(self, key_lines: bytes) -> bytes:
        """The request for the provider's list of models."""
        before, after = self._origin
        target = f"{before}{self.dialect.models.path}".encode("latin-1")
        return b"GET %b%b%b%b\r\n" % (target, after, key_lines, b"".join(self._defaults.values()))

    def lacks(self, operation: Operation) -> UnsupportedByProvider:
        """The refusal of an operation that the provider does not have."""
        offered = ", ".join(sorted(name.replace("_", " ") for name in self.operations))
        return UnsupportedByProvider(
            f"the provider '{self.route.name}' does not support {operation.words}; it supports {offered}"
        )

    def to_sign(self, call: Call, attempt: Attempt, body: Body, unix_s: float) -> OutgoingRequest:
        """What a credential may sign."""
        return self.signed_part(self.write_head(call, attempt, b"", len(body)), body, unix_s)

    def signed_part(self, head: bytes, body: Body, unix_s: float) -> OutgoingRequest:
        """What a credential may sign: read off the very head that is sent, so that no rule for paths exists twice."""
        method, target, rest = head.split(b" ", 2)
        headers = rest.partition(b"\r\n")[2]
        return OutgoingRequest(method, self._authority, target.removeprefix(self._absolute), body, unix_s, headers)

    def write_plain_head(self, call: Call, outgoing: Outgoing, key_lines: bytes) -> bytes:
        """The head of a request that is sent as it stands."""
        lines = key_lines + outgoing.lines
        if call.unsampled:
            lines += write_unsampled(call.unsampled, len(call.attempts))
        elif call.trace is not None:
            lines += call.trace.lines(len(call.attempts))
        return self.write_bare_head(outgoing.method, outgoing.target, lines, len(outgoing.body))

    def write_bare_head(self, method: bytes, target: bytes, lines: bytes, body_bytes: int) -> bytes:
        """The head of a request that belongs to no call. `target`: path and query, below the base URL."""
        before, after = self._origin
        start = b"%b %b%b%b" % (method, before.encode("latin-1"), target, after.replace(JSON_LINE, b"", 1))
        return b"%b%bcontent-length: %d\r\n\r\n" % (start, lines, body_bytes)

    def default_lines(self, names: Collection[bytes]) -> bytes:
        """What the provider always wants, but for headers of these names (lower case)."""
        return b"".join(line for name, line in self._defaults.items() if name not in names)

    def write_head(self, call: Call, attempt: Attempt, key_lines: bytes, body_bytes: int) -> bytes:
        """The request's head, ending with the blank line. `key_lines` are those of the key's credential."""
        start = self._starts[call.operation.name]
        line = start.stream if call.head is not None and call.head.stream else start.whole
        if start.named:
            if attempt.request_passes:
                own = self._own_starts[call.operation.surface]
                line = own.stream if call.head is not None and call.head.stream else own.whole
            line = _with_parameters(line, attempt.served_model, attempt.parameters or call.parameters)
        if call.query and attempt.request_passes:
            line = _with_query(line, call.query)
        forwarded = call.forwarded
        lines = forwarded.made.get(self._wants)
        if lines is None:
            lines = forwarded.keep(self._wants, self.forward(forwarded))
        if call.unsampled:
            lines += write_unsampled(call.unsampled, len(call.attempts))
        elif call.trace is not None:
            lines += call.trace.lines(len(call.attempts))
        if call.content_type and call.operation.read_form is not None:
            lines += b"content-type: %b\r\n" % call.content_type
        return b"%b%b%bcontent-length: %d\r\n\r\n" % (line, key_lines, lines, body_bytes)

    def deciding_lines(self, forwarded: ForwardedHeaders) -> bytes:
        """The header lines that may change what the provider replies, in order: its dialect's own, of the caller or
        else of the provider's settings."""
        wants = (_DECIDING, *self._wants)
        known = forwarded.made.get(wants)
        if known is not None:
            return known
        fit = {
            name.lower(): b"%b: %b\r\n" % (name.lower(), value)
            for prefix, name, value in forwarded.headers
            if prefix in self.dialect.header_prefixes and name.lower() not in self.withheld
        }
        return forwarded.keep(wants, b"".join(sorted((self._defaults | fit).values())))

    def _start(self, operation: Operation) -> _Start:
        before, after = self._origin
        if operation.takes != "json":
            after = after.replace(JSON_LINE, b"", 1)
        method = operation.methods[0].decode()
        way = self._addressing
        path = way.paths.get(operation.name, operation.path)
        stream_path = way.stream_paths.get(operation.name) or operation.stream_path or path
        whole = f"{method} {before}{way.prefix}{path}".encode("latin-1") + after
        streamed = f"{method} {before}{way.prefix}{stream_path}".encode("latin-1") + after
        return _Start(whole, streamed, "{" in path)

    def forward(self, forwarded: ForwardedHeaders) -> bytes:
        """The caller's header lines for this provider, and what it always wants where the caller is silent."""
        families, withheld = self._families, self.withheld
        fit = [
            (name, value)
            for prefix, name, value in forwarded.headers
            if prefix in families and name.lower() not in withheld
        ]
        if self._addressing.header_values_without:
            changed = ((name, self._addressing.change_header(name, value)) for name, value in fit)
            fit = [(name, value) for name, value in changed if value]
        names = {name.lower() for name, _ in fit}
        lines = [b"%b: %b\r\n" % header for header in fit]
        return b"".join((*lines, *(line for name, line in self._defaults.items() if name not in names)))


def _with_parameters(line: bytes, model: str, parameters: Mapping[str, str]) -> bytes:
    """The first lines with the model and what stood in the caller's path in the place of `{name}`s."""
    target, version, after = line.partition(b" HTTP/1.1\r\n")

    def value(found: re.Match[bytes]) -> bytes:
        text = model if found[1] == _MODEL else parameters[found[1].decode()]
        return quote(text, safe="@").encode()

    return b"%b%b%b" % (_PARAMETER.sub(value, target), version, after)


def _with_query(line: bytes, query: bytes) -> bytes:
    """The first line with the caller's query, after what the operation's own path asks."""
    target, version, after = line.partition(b" HTTP/1.1\r\n")
    _, asks, own = target.partition(b"?")
    if asks:
        names = {part.partition(b"=")[0] for part in own.split(b"&")}
        query = b"&".join(part for part in query.split(b"&") if part.partition(b"=")[0] not in names)
    return b"%b%b%b%b%b" % (target, b"&" if asks else b"?", query, version, after) if query else line
