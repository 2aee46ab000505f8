"""A request as the server hands it on, and the table of headers the server acts upon.

Header names are looked up as spelled in a bounded table, so that a name is lower-cased once per spelling and not once
per request. Only listed headers are kept; a request that will be forwarded untouched keeps them all.
"""

from __future__ import annotations

from enum import IntEnum


class HeaderAction(IntEnum):
    """What to do with a header."""

    IGNORE = 0
    CARRY = 1
    """To providers of any dialect."""
    CARRY_OPENAI = 2
    CARRY_ANTHROPIC = 3
    AUTHORIZATION = 4
    KEY = 5
    GATEWAY_KEY = 6
    LENGTH = 7
    CODING = 8
    CONTENT_CODING = 9
    EXPECT = 10
    CONNECTION = 11
    UPGRADE = 12
    HOST = 13
    ACCEPT_CODING = 14
    ORIGIN = 15


CARRY_LAST = HeaderAction.CARRY_ANTHROPIC

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
    b"expect": HeaderAction.EXPECT,
    b"connection": HeaderAction.CONNECTION,
    b"upgrade": HeaderAction.UPGRADE,
    b"host": HeaderAction.HOST,
    b"accept-encoding": HeaderAction.ACCEPT_CODING,
    b"origin": HeaderAction.ORIGIN,
    b"user-agent": HeaderAction.CARRY,
    b"traceparent": HeaderAction.CARRY,
    b"tracestate": HeaderAction.CARRY,
    b"baggage": HeaderAction.CARRY,
    b"idempotency-key": HeaderAction.CARRY,
    b"x-request-id": HeaderAction.CARRY,
    b"x-client-request-id": HeaderAction.CARRY,
    b"openai-organization": HeaderAction.IGNORE,
    b"openai-project": HeaderAction.IGNORE,
}
_BY_PREFIX = (
    (b"openai-", HeaderAction.CARRY_OPENAI),
    (b"anthropic-", HeaderAction.CARRY_ANTHROPIC),
    (b"x-stainless-", HeaderAction.CARRY),
)
_SPELLINGS_MAX = 4096


def _judge(name: bytes) -> HeaderAction:
    lower = name.lower()
    action = _BY_NAME.get(lower)
    if action is not None:
        return action
    return next((act for prefix, act in _BY_PREFIX if lower.startswith(prefix)), HeaderAction.IGNORE)


class _Spellings(dict[bytes, HeaderAction]):
    """A cache that fills itself and starts anew when it is full."""

    def __missing__(self, name: bytes) -> HeaderAction:
        if len(self) >= _SPELLINGS_MAX:
            self.clear()
        action = self[name] = _judge(name)
        return action


header_action = _Spellings().__getitem__
"""The action for a header name as it was spelled."""


class Request:
    """One parsed request. `headers` holds the header lines that may be carried to a provider, each with its action;
    `every_header` all of them as (name, value), for paths that are forwarded untouched, else None."""

    __slots__ = (
        "accept_coding",
        "authorization",
        "body",
        "coding",
        "connection_options",
        "content_coding",
        "error",
        "every_header",
        "expect",
        "gateway_key",
        "headers",
        "hosts",
        "http_1_0",
        "keep_alive",
        "key",
        "length",
        "method",
        "origin",
        "path",
        "query",
        "received_s",
        "upgrade",
    )

    def __init__(self) -> None:
        self.method = b""
        self.path = b""
        self.query = b""
        self.headers: list[tuple[HeaderAction, bytes, bytes]] = []
        self.every_header: list[tuple[bytes, bytes]] | None = None
        self.body = b""
        self.authorization = b""
        self.key = b""
        self.gateway_key = b""
        self.length = -1
        self.coding = b""
        self.content_coding = b""
        self.accept_coding = b""
        self.connection_options = b""
        self.expect = b""
        self.upgrade = b""
        self.origin = b""
        self.hosts = 0
        self.http_1_0 = False
        self.keep_alive = True
        self.received_s = 0.0
        self.error: Exception | None = None

    def take(self, action: HeaderAction, value: bytes) -> None:
        """Keep a header that is not simply carried."""
        match action:
            case HeaderAction.AUTHORIZATION:
                self.authorization = value
            case HeaderAction.KEY:
                self.key = self.key or value
            case HeaderAction.GATEWAY_KEY:
                self.gateway_key = value
            case HeaderAction.LENGTH:
                self.length = int(value)
            case HeaderAction.HOST:
                self.hosts += 1
            case HeaderAction.ACCEPT_CODING:
                self.accept_coding = value
            case HeaderAction.CONNECTION:
                self.connection_options = value
            case _:
                self._take_rare(action, value)

    def _take_rare(self, action: HeaderAction, value: bytes) -> None:
        match action:
            case HeaderAction.CODING:
                self.coding = value.strip().lower()
            case HeaderAction.CONTENT_CODING:
                self.content_coding = value.strip().lower()
            case HeaderAction.EXPECT:
                self.expect = value.strip().lower()
            case HeaderAction.UPGRADE:
                self.upgrade = value.strip().lower()
            case HeaderAction.ORIGIN:
                self.origin = value
            case _:
                pass

    def drop_connection_headers(self) -> None:
        """Remove the carried headers that `Connection` names: they were meant for this hop only."""
        named = {option.strip().lower() for option in self.connection_options.split(b",")}
        self.headers = [kept for kept in self.headers if kept[1].lower() not in named]
