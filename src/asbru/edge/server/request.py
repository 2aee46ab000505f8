"""A request as the server hands it on, and the table of headers the server acts upon.

What a head's names ask for is worked out once per sequence of names as spelled, in a bounded table: clients send the
same headers again and again. Only listed headers are kept; a request that will be forwarded untouched keeps them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from asbru.core.errors import BadRequest
from asbru.wire.forwarded import (
    TAG_PREFIX,
    TO_ANY_DIALECT,
    TRACE_HEADERS,
    ForwardedHeader,
    ForwardedHeaders,
    is_credential,
)


class HeaderAction:
    """What to do with a header; plain numbers, because an enum's members are slow to compare."""

    IGNORE: Final = 0
    FORWARD: Final = 1
    FORWARD_TO_DIALECT: Final = 2
    AUTHORIZATION: Final = 4
    KEY: Final = 5
    GATEWAY_KEY: Final = 6
    LENGTH: Final = 7
    CODING: Final = 8
    CONTENT_CODING: Final = 9
    EXPECT: Final = 10
    CONNECTION: Final = 11
    UPGRADE: Final = 12
    HOST: Final = 13
    ACCEPT_CODING: Final = 14
    ORIGIN: Final = 15
    RUN: Final = 16
    CONTENT_TYPE: Final = 17
    WEBSOCKET_KEY: Final = 18
    WEBSOCKET_VERSION: Final = 19
    WEBSOCKET_EXTENSIONS: Final = 20


_BY_NAME = {
    b"authorization": HeaderAction.AUTHORIZATION,
    b"x-api-key": HeaderAction.KEY,
    b"api-key": HeaderAction.KEY,
    b"x-goog-api-key": HeaderAction.KEY,
    b"x-asbru-key": HeaderAction.GATEWAY_KEY,
    b"x-bf-vk": HeaderAction.GATEWAY_KEY,
    b"content-length": HeaderAction.LENGTH,
    b"transfer-encoding": HeaderAction.CODING,
    b"content-encoding": HeaderAction.CONTENT_CODING,
    b"content-type": HeaderAction.CONTENT_TYPE,
    b"expect": HeaderAction.EXPECT,
    b"connection": HeaderAction.CONNECTION,
    b"upgrade": HeaderAction.UPGRADE,
    b"host": HeaderAction.HOST,
    b"accept-encoding": HeaderAction.ACCEPT_CODING,
    b"origin": HeaderAction.ORIGIN,
    b"x-asbru-run": HeaderAction.RUN,
    b"x-claude-code-session-id": HeaderAction.RUN,
    b"session-id": HeaderAction.RUN,  # Codex
    b"sec-websocket-key": HeaderAction.WEBSOCKET_KEY,
    b"sec-websocket-version": HeaderAction.WEBSOCKET_VERSION,
    b"sec-websocket-extensions": HeaderAction.WEBSOCKET_EXTENSIONS,
    b"user-agent": HeaderAction.FORWARD,
    b"traceparent": HeaderAction.FORWARD,
    b"tracestate": HeaderAction.FORWARD,
    b"b3": HeaderAction.FORWARD,
    b"x-b3-traceid": HeaderAction.FORWARD,
    b"x-b3-spanid": HeaderAction.FORWARD,
    b"x-b3-parentspanid": HeaderAction.FORWARD,
    b"x-b3-sampled": HeaderAction.FORWARD,
    b"x-b3-flags": HeaderAction.FORWARD,
    b"baggage": HeaderAction.FORWARD,
    b"idempotency-key": HeaderAction.FORWARD,
    b"x-request-id": HeaderAction.FORWARD,
    b"x-client-request-id": HeaderAction.FORWARD,
}
_NO_CREDENTIALS = frozenset({b"x-bf-cache-key"})
"""Headers that are called like credentials and are none."""
WATCHED_CHARS_MAX = 4096
"""How much is kept of a header that is watched."""

_QUERY = ord("?")  # a number: see `wire.sse.CR`
_PLANS_MAX = 1024
_PLANNED_BYTES_MAX = 2048
_KEPT_AS = {
    HeaderAction.AUTHORIZATION: "authorization",
    HeaderAction.KEY: "key",
    HeaderAction.GATEWAY_KEY: "gateway_key",
    HeaderAction.LENGTH: "length",
    HeaderAction.CODING: "coding",
    HeaderAction.CONTENT_CODING: "content_coding",
    HeaderAction.CONTENT_TYPE: "content_type",
    HeaderAction.HOST: "host",
    HeaderAction.EXPECT: "expect",
    HeaderAction.CONNECTION: "connection_options",
    HeaderAction.UPGRADE: "upgrade",
    HeaderAction.ACCEPT_CODING: "accept_coding",
    HeaderAction.ORIGIN: "origin",
    HeaderAction.RUN: "run",
    HeaderAction.WEBSOCKET_KEY: "websocket_key",
    HeaderAction.WEBSOCKET_VERSION: "websocket_version",
    HeaderAction.WEBSOCKET_EXTENSIONS: "websocket_extensions",
}
_CREDENTIALS = (HeaderAction.AUTHORIZATION, HeaderAction.KEY, HeaderAction.GATEWAY_KEY)
_LISTS = (
    HeaderAction.CODING,
    HeaderAction.CONTENT_CODING,
    HeaderAction.CONNECTION,
    HeaderAction.ACCEPT_CODING,
    HeaderAction.WEBSOCKET_EXTENSIONS,
)
_USUAL_OPTIONS = (b"keep-alive", b"Keep-Alive", b"close")


class HeaderPlan(NamedTuple):
    """What to do with a head whose header names are spelled so, in this order.

    `forwarded`: (index, prefix, name) of each header that may go along to providers (`wire.forwarded`). `kept`:
    (index, attribute of
    `Head`) of each that is acted upon, the first of a name last, so that it wins. `joined`: (attribute, indexes) of
    list headers that stand on several lines (RFC 9110, 5.3). `hosts`: how many Host headers. `watched`: (index, name in
    lower case) of each that Asbru decides by, the first of a name last. `tagged`: tags are among what is forwarded,
    `traced`: headers that carry a trace. `handed`: (index, name) of each that tools are handed.
    """

    forwarded: tuple[tuple[int, bytes, bytes], ...]
    kept: tuple[tuple[int, str], ...]
    joined: tuple[tuple[str, tuple[int, ...]], ...]
    hosts: int
    watched: tuple[tuple[int, str], ...] = ()
    tagged: bool = False
    traced: bool = False
    handed: tuple[tuple[int, bytes], ...] = ()


class HeaderPlans(dict[tuple[bytes, ...], HeaderPlan]):
    """The plans for the header names of requests, as spelled: `plans[names]`. A client sends the same headers again and
    again. Fills itself, starts anew when it is full. `prefixes`: those of the dialects, in lower case."""

    def __init__(self, prefixes: Iterable[bytes] = ()) -> None:
        super().__init__()
        self._prefixes = (TAG_PREFIX, *prefixes)
        self.watched: frozenset[bytes] = frozenset()
        """Headers that are kept because Asbru decides by them, in lower case; change it by `watch`."""
        self.handed: frozenset[bytes] = frozenset()
        """Headers that tools are handed, in lower case."""

    def watch(self, names: frozenset[bytes], handed: frozenset[bytes] = frozenset()) -> None:
        """Keep these headers from now on. Never credentials: what a call is decided by is also told. What tools are
        `handed` is told to nobody else, and may be credentials of the caller's with them."""
        self.handed = handed
        self.watched = frozenset(
            name
            for name in names
            if _BY_NAME.get(name) not in _CREDENTIALS
            and (name in _BY_NAME or name in _NO_CREDENTIALS or not is_credential(name))
        )
        self.clear()

    def action_of(self, name: bytes) -> int:
        """The action for a header, in any spelling."""
        action = _BY_NAME.get(name.lower())
        if action is not None:
            return action
        prefix = self._prefix_of(name)
        if not prefix or (prefix != TAG_PREFIX and is_credential(name)):
            return HeaderAction.IGNORE
        return HeaderAction.FORWARD_TO_DIALECT

    def __missing__(self, names: tuple[bytes, ...]) -> HeaderPlan:
        plan = self._plan(names)
        if sum(map(len, names)) <= _PLANNED_BYTES_MAX:
            if len(self) >= _PLANS_MAX:
                self.clear()
            self[names] = plan
        return plan

    def _plan(self, names: tuple[bytes, ...]) -> HeaderPlan:
        actions = [self.action_of(name) for name in names]
        forwarded = tuple(
            (i, TO_ANY_DIALECT if act == HeaderAction.FORWARD else self._prefix_of(names[i]), names[i])
            for i, act in enumerate(actions)
            if act in (HeaderAction.FORWARD, HeaderAction.FORWARD_TO_DIALECT)
        )
        kept = tuple((i, _KEPT_AS[act]) for i, act in enumerate(actions) if act in _KEPT_AS)
        lists = ((_KEPT_AS[act], tuple(i for i, one in enumerate(actions) if one == act)) for act in _LISTS)
        joined = tuple((attribute, indexes) for attribute, indexes in lists if len(indexes) > 1)
        watched = tuple((i, name.lower().decode()) for i, name in enumerate(names) if name.lower() in self.watched)
        tagged = any(prefix == TAG_PREFIX for _, prefix, _ in forwarded)
        traced = any(name.lower() in TRACE_HEADERS for _, _, name in forwarded)
        hosts = actions.count(HeaderAction.HOST)
        handed = tuple((i, name) for i, name in enumerate(names) if self.handed and name.lower() in self.handed)
        return HeaderPlan(forwarded, kept[::-1], joined, hosts, watched[::-1], tagged, traced, handed)

    def _prefix_of(self, name: bytes) -> bytes:
        lower = name.lower()
        return next((prefix for prefix in self._prefixes if lower.startswith(prefix)), b"")


class Head:
    """The head of a request. `forwarded` holds the headers that may go along to a provider; `every_header` all of them
    as (name, value), for paths that are handed on untouched, else those that tools are handed, or None. Nothing changes
    it once it was read, so requests with equal heads may share it (`known_heads`)."""

    # Defaults live on the class: a head pays only for what it has.
    method = b""
    path = b""
    query = b""
    forwarded = ForwardedHeaders()
    every_header: list[tuple[bytes, bytes]] | None = None
    credentials: tuple[bytes, bytes, bytes] = (b"", b"", b"")
    """(x-asbru-key, Authorization, x-api-key and its kin)."""
    authorization = b""
    key = b""
    gateway_key = b""
    length = b""
    coding = b""
    content_coding = b""
    content_type = b""
    host = b""
    accept_coding = b""
    connection_options = b""
    expect = b""
    upgrade = b""
    websocket_key = b""
    websocket_version = b""
    websocket_extensions = b""
    origin = b""
    run = b""
    """The session or run of an agent."""
    watched: Mapping[str, str] = MappingProxyType({})
    """What Asbru decides by: name in lower case, value."""
    hosts = 0
    http_1_0 = False
    keep_alive = True

    def read_headers(self, plan: HeaderPlan, values: list[bytes]) -> None:
        """Take the headers' values, as the parser gave them, by the plan for their names."""
        self.hosts = plan.hosts
        for index, attribute in plan.kept:
            setattr(self, attribute, values[index])
        for attribute, indexes in plan.joined:
            setattr(self, attribute, b",".join(values[index] for index in indexes))
        self.credentials = (self.gateway_key, self.authorization, self.key)
        if plan.watched:
            self.watched = {name: values[i][:WATCHED_CHARS_MAX].decode("latin-1") for i, name in plan.watched}
        if plan.handed:
            self.every_header = [(name, values[index]) for index, name in plan.handed]
        if plan.forwarded:
            headers: list[ForwardedHeader] = [(prefix, name, values[index]) for index, prefix, name in plan.forwarded]
            if self.connection_options and self.connection_options not in _USUAL_OPTIONS:
                headers = self._without_options(headers)
            self.forwarded = ForwardedHeaders(headers, tagged=plan.tagged, traced=plan.traced)

    def read_target(self, target: bytes) -> None:
        """Take path and query from the request's target, in whatever form it came."""
        if _QUERY not in target and target[:1] == b"/":
            self.path = target
            return
        if not target.startswith(b"/") and b"://" in target:  # absolute form, as proxies are asked
            target = b"/" + target.split(b"://", 1)[1].partition(b"/")[2]
        self.path, _, self.query = target.partition(b"?")

    def check_framing(self) -> None:
        """Raise `BadRequest` for what llhttp takes but two readers could read in two ways."""
        if self.method == b"CONNECT":
            raise BadRequest("expected a request for a path, got CONNECT: this gateway is not a proxy")
        if self.hosts != 1 and (self.hosts or not self.http_1_0):
            raise BadRequest(f"expected one Host header, got {self.hosts}")
        if self.coding and (self.coding.strip().lower() != b"chunked" or self.http_1_0):
            raise BadRequest("expected no Transfer-Encoding, or chunked with HTTP/1.1")

    def _without_options(self, headers: list[ForwardedHeader]) -> list[ForwardedHeader]:
        """The headers but those that `Connection` names: they were meant for this hop only (RFC 9110, 7.6.1)."""
        named = {option.strip().lower() for option in self.connection_options.split(b",")}
        return [kept for kept in headers if kept[1].lower() not in named]


class Request:
    """One request: its head, its body, or why it was refused. `received_s`: when it was whole (monotonic)."""

    __slots__ = ("body", "error", "head", "received_s")

    def __init__(self, head: Head, body: bytes = b"") -> None:
        self.head = head
        self.body = body
        self.error: Exception | None = None
        self.received_s = 0.0
