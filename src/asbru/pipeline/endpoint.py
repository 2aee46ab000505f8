"""A provider as something to send to: its route, its pool of connections, and request heads made ready.

A head is put together from parts that were built once: path and host, what the provider always wants, the key. Only
the caller's own carried headers and the length are added per call.
"""

from __future__ import annotations

from collections.abc import Sequence

from asbru.core.errors import UnsupportedByProvider
from asbru.dialects import Dialect
from asbru.pipeline.call import CARRIED_ALWAYS, CARRIED_TO_ANTHROPIC, CARRIED_TO_OPENAI, Call
from asbru.routing import Key, ProviderRoute
from asbru.upstream import ExchangeDeadlines, Pool

_PATHS = {
    ("openai_chat", "chat"): "/chat/completions",
    ("openai_chat", "completions"): "/completions",
    ("openai_chat", "embeddings"): "/embeddings",
    ("anthropic_messages", "chat"): "/messages",
    ("anthropic_messages", "count_tokens"): "/messages/count_tokens",
}
_FAMILIES = {"openai_chat": CARRIED_TO_OPENAI, "anthropic_messages": CARRIED_TO_ANTHROPIC}
NO_KEY = Key("", b"", frozenset({"*"}), weight=1.0, aliases={})
"""Stands in where a provider takes calls without a credential."""


class Endpoint:
    """`base_path` is the path of the base URL ("/v1"); `authority` what Host says; `headers` are sent unless the
    caller sent its own of the same name. `absolute` is the scheme and authority to put before paths, for plain
    origins behind a proxy."""

    __slots__ = ("_defaults", "_family", "_starts", "deadlines", "dialect", "pool", "route")

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
        self._family = _FAMILIES[route.dialect]
        self._defaults = {
            name.lower().encode("latin-1"): f"{name.lower()}: {value}\r\n".encode("latin-1")
            for name, value in headers.items()
        }
        self._starts = {
            operation: (
                f"POST {absolute}{base_path}{path} HTTP/1.1\r\nhost: {authority}\r\n"
                "content-type: application/json\r\naccept-encoding: identity\r\n"
            ).encode("latin-1")
            + extra_lines
            for (dialect_name, operation), path in _PATHS.items()
            if dialect_name == route.dialect and operation in route.operations
        }

    def check_offers(self, operation: str) -> None:
        """Raise `UnsupportedByProvider` if the provider lacks the operation."""
        if operation not in self._starts:
            offered = ", ".join(sorted(self._starts))
            raise UnsupportedByProvider(
                f"the provider '{self.route.name}' does not offer {operation}; it offers {offered}"
            )

    def offers(self, operation: str) -> bool:
        """Whether the provider has the operation."""
        return operation in self._starts

    def write_head(self, call: Call, key: Key, body_bytes: int) -> bytes:
        """The request's head, ending with the blank line."""
        start = self._starts[call.operation]
        if call.query and call.pass_through:
            start = start.replace(b" HTTP/1.1\r\n", b"?%b HTTP/1.1\r\n" % call.query, 1)
        lines = [start, key.line]
        defaults = self._defaults
        carried = self._carry(call.headers, lines)
        for name, line in defaults.items():
            if name not in carried:
                lines.append(line)
        lines.append(b"content-length: %d\r\n\r\n" % body_bytes)
        return b"".join(lines)

    def _carry(self, headers: Sequence[tuple[int, bytes, bytes]], lines: list[bytes]) -> set[bytes]:
        carried: set[bytes] = set()
        family = self._family
        defaults = self._defaults
        for action, name, value in headers:
            if action == CARRIED_ALWAYS or action == family:
                lines.append(b"%b: %b\r\n" % (name, value))
                if defaults:
                    carried.add(name.lower())
        return carried
