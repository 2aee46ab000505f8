"""A provider as something to send to: its route, its pool of connections, and request heads made ready.

A head is put together from parts that were built once: path and host, what the provider always wants, the key. Only
the caller's own carried headers and the length are added per call.
"""

from __future__ import annotations

from asbru.core.errors import UnsupportedByProvider
from asbru.core.forwarded import FORWARD_ALWAYS, FORWARD_TO_ANTHROPIC, FORWARD_TO_OPENAI, ForwardedHeaders
from asbru.dialects import Dialect
from asbru.pipeline.call import Call
from asbru.routing import Key, ProviderRoute
from asbru.upstream import Body, ExchangeDeadlines, Pool
from asbru.upstream.credentials import FixedCredential, OutgoingRequest

_PATHS = {
    ("openai_chat", "chat"): "/chat/completions",
    ("openai_chat", "completions"): "/completions",
    ("openai_chat", "embeddings"): "/embeddings",
    ("anthropic_messages", "chat"): "/messages",
    ("anthropic_messages", "count_tokens"): "/messages/count_tokens",
}
_FAMILIES = {"openai_chat": FORWARD_TO_OPENAI, "anthropic_messages": FORWARD_TO_ANTHROPIC}
NO_KEY = Key("", FixedCredential(b""), frozenset({"*"}), weight=1.0, aliases={})
"""Stands in where a provider takes calls without a credential."""


class Endpoint:
    """`base_path` is the path of the base URL ("/v1"); `authority` what Host says; `headers` are sent unless the
    caller sent its own of the same name. `absolute` is the scheme and authority to put before paths, for plain
    origins behind a proxy."""

    __slots__ = (
        "_absolute",
        "_authority",
        "_defaults",
        "_family",
        "_starts",
        "_wants",
        "deadlines",
        "dialect",
        "operations",
        "plain",
        "pool",
        "route",
    )

    def __init__(
        self,
        route: ProviderRoute,
        dialect: Dialect,
        pool: Pool,
        deadlines: ExchangeDeadlines,
        *,
        base_path: str,
        authority: str,
        headers: dict[str, str],
        absolute: str = "",
        extra_lines: bytes = b"",
    ) -> None:
        self.route = route
        self.dialect = dialect
        self.pool = pool
        self.deadlines = deadlines
        self._absolute = absolute.encode("latin-1")
        self._authority = authority.encode("latin-1")
        self._family = _FAMILIES[route.dialect]
        self._defaults = {
            name.lower().encode("latin-1"): f"{name.lower()}: {value}\r\n".encode("latin-1")
            for name, value in headers.items()
        }
        self._wants = (self._family, *self._defaults.values())
        """All that the lines made of a caller's headers depend on: what they are kept by."""
        self.plain = not route.strip and not route.refuse_inputs
        """Whether the provider takes whatever its dialect allows."""
        self._starts = {
            operation: (
                f"POST {absolute}{base_path}{path} HTTP/1.1\r\nhost: {authority}\r\n"
                "content-type: application/json\r\naccept-encoding: identity\r\n"
            ).encode("latin-1")
            + extra_lines
            for (dialect_name, operation), path in _PATHS.items()
            if dialect_name == route.dialect and operation in route.operations
        }
        self.operations = frozenset(self._starts)

    def lacks(self, operation: str) -> UnsupportedByProvider:
        """The refusal of an operation that the provider does not have."""
        offered = ", ".join(sorted(self.operations))
        return UnsupportedByProvider(
            f"the provider '{self.route.name}' does not offer {operation}; it offers {offered}"
        )

    def to_sign(self, call: Call, body: Body, unix_s: float) -> OutgoingRequest:
        """What a credential may sign of the request that `write_head` begins."""
        start = self._starts[call.operation]
        if call.query and call.pass_through:
            start = _with_query(start, call.query)
        method, target, _ = start.split(b" ", 2)
        return OutgoingRequest(method, self._authority, target.removeprefix(self._absolute), body, unix_s)

    def write_head(self, call: Call, key_lines: bytes, body_bytes: int) -> bytes:
        """The request's head, ending with the blank line. `key_lines` are those of the key's credential."""
        start = self._starts[call.operation]
        if call.query and call.pass_through:
            start = _with_query(start, call.query)
        forwarded = call.forwarded
        lines = forwarded.made.get(self._wants)
        if lines is None:
            lines = forwarded.keep(self._wants, self._forward_lines(forwarded))
        return b"%b%b%bcontent-length: %d\r\n\r\n" % (start, key_lines, lines, body_bytes)

    def _forward_lines(self, forwarded: ForwardedHeaders) -> bytes:
        """The caller's header lines for this provider, and what it always wants where the caller is silent."""
        family = self._family
        fit = [(name, value) for whom, name, value in forwarded.headers if whom in (FORWARD_ALWAYS, family)]
        names = {name.lower() for name, _ in fit}
        lines = [b"%b: %b\r\n" % header for header in fit]
        return b"".join((*lines, *(line for name, line in self._defaults.items() if name not in names)))


def _with_query(start: bytes, query: bytes) -> bytes:
    return start.replace(b" HTTP/1.1\r\n", b"?%b HTTP/1.1\r\n" % query, 1)
