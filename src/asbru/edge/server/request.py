"""A request as the server hands it on, and the table of headers the server acts upon.

Header names are looked up as spelled in a bounded table, so that a name is lower-cased once per spelling and not once
per request. Only listed headers are kept; a request that will be forwarded untouched keeps them all.
"""

from __future__ import annotations

from typing import Final


class HeaderAction:
    """What to do with a header; plain numbers, because an enum's members are slow to compare."""

    IGNORE: Final = 0
    CARRY: Final = 1
    """To providers of any dialect."""
    CARRY_OPENAI: Final = 2
    CARRY_ANTHROPIC: Final = 3
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


CARRY_LAST = HeaderAction.CARRY_ANTHROPIC
AUTHORIZATION = HeaderAction.AUTHORIZATION

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
)
_SPELLINGS_MAX = 4096
_USUAL_OPTIONS = (b"keep-alive", b"Keep-Alive", b"close")


def _judge(name: bytes) -> int:
    lower = name.lower()
    action = _BY_NAME.get(lower)
    if action is not None:
        return action
    return next((act for prefix, act in _BY_PREFIX if lower.startswith(prefix)), HeaderAction.IGNORE)


class _Spellings(dict[bytes, int]):
    """A cache that fills itself and starts anew when it is full."""

    def __missing__(self, name: bytes) -> int:
        if len(self) >= _SPELLINGS_MAX:
            self.clear()
        action = self[name] = _judge(name)
        return action


header_action = _Spellings().__getitem__
"""The action for a header name as it was spelled."""


def _join(before: bytes, value: bytes) -> bytes:
    """A list header that stands on several lines, as one (RFC 9110, 5.3)."""
    return b"%b,%b" % (before, value) if before else value


class Request:
    """One parsed request. `headers` holds the header lines that may be carried to a provider, each with its action;
    `every_header` all of them as (name, value), for paths that are forwarded untouched, else None."""

    # Defaults live on the class: a request pays only for what it has.
    method = b""
    path = b""
    query = b""
    body = b""
    every_header: list[tuple[bytes, bytes]] | None = None
    authorization = b""
    key = b""
    gateway_key = b""
    length = -1
    coding = b""
    content_coding = b""
    accept_coding = b""
    connection_options = b""
    expect = b""
    upgrade = b""
    origin = b""
    hosts = 0
    http_1_0 = False
    keep_alive = True
    received_s = 0.0
    error: Exception | None = None

    def __init__(self) -> None:
        self.headers: list[tuple[int, bytes, bytes]] = []

    def read_headers(self, pairs: list[tuple[bytes, bytes]]) -> None:
        """Take the headers, as the parser gave them."""
        headers = self.headers
        for name, value in pairs:
            action = header_action(name)
            if action:
                if action <= CARRY_LAST:
                    headers.append((action, name, value))
                elif action == AUTHORIZATION:
                    self.authorization = value
                else:
                    self.take(action, value)

    def take(self, action: int, value: bytes) -> None:
        """Keep a header that is not simply carried."""
        match action:
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
                self.connection_options = _join(self.connection_options, value)
            case _:
                self._take_rare(action, value)

    def _take_rare(self, action: int, value: bytes) -> None:
        match action:
            case HeaderAction.CODING:
                self.coding = _join(self.coding, value.strip().lower())
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
        if self.connection_options in _USUAL_OPTIONS:
            return
        named = {option.strip().lower() for option in self.connection_options.split(b",")}
        self.headers = [kept for kept in self.headers if kept[1].lower() not in named]
