"""The decision trace of a call: how its targets were chosen, for the record and, on request, for the caller.

Steps are texts that the choosing code appends to `Call.route`. Names in them come from callers, too: the header holds
printable ASCII only.
"""

from __future__ import annotations

from collections.abc import Sequence

from asbru.pipeline.call import Call
from asbru.records.row import ROUTE_CHARS_MAX
from asbru.routing import Target

TRACE_HEADER = "x-asbru-trace"
"""In a request, with the value 1, it asks for the trace; in the response it holds it."""

TRACE_BYTES_MAX = 1000
"""The trace in a header; proxies refuse responses with long ones."""

_TARGETS_TOLD_MAX = 8


def is_asked(call: Call) -> bool:
    """Whether the caller asked for the trace."""
    return call.watched.get(TRACE_HEADER, "").strip() == "1"


def tell_targets(call: Call, targets: Sequence[Target]) -> None:
    """The last step of choosing."""
    if call.route or is_asked(call):
        more = f" and {len(targets) - _TARGETS_TOLD_MAX} more" if len(targets) > _TARGETS_TOLD_MAX else ""
        call.route += (f"targets: {', '.join(map(str, targets[:_TARGETS_TOLD_MAX]))}{more}",)


def write_route(route: Sequence[str]) -> str:
    """The steps in one text, bounded."""
    return "; ".join(route)[:ROUTE_CHARS_MAX]


def write_trace(call: Call) -> bytes:
    """The header line of a response, b"" where the caller did not ask for it."""
    if not is_asked(call):
        return b""
    text = write_route(call.route)[:TRACE_BYTES_MAX]
    return b"x-asbru-trace: %b\r\n" % bytes(ord(c) if " " <= c <= "~" else ord("?") for c in text)
