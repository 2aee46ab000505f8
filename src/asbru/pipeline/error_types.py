"""What kind of error a call or an attempt ended with: one of `names.ERROR_TYPES`, for metrics and spans.

A closed list, because codes and messages are also the providers' own, who may invent any number of them.
"""

from __future__ import annotations

from asbru.core.errors import (
    AsbruError,
    BudgetExceeded,
    LedgerAway,
    LimitReached,
    Overloaded,
    PriceUnknown,
    UnsupportedByProvider,
    UpstreamError,
)

_OF_CLASSES: tuple[tuple[type[AsbruError], str], ...] = (
    (BudgetExceeded, "budget"),
    (LimitReached, "rate_limit"),
    (PriceUnknown, "price_unknown"),
    (UnsupportedByProvider, "unsupported"),
    (Overloaded, "overloaded"),
    (LedgerAway, "ledger_unavailable"),
)
_OF_STATUSES = {401: "authentication", 403: "permission", 404: "not_found", 408: "timeout"}
_OF_KINDS = {
    "network": "upstream_network",
    "protocol": "upstream_protocol",
    "deadline": "upstream_timeout",
    "cut": "upstream_cut",
    "exhausted": "upstream_authentication",
}
_OF_UPSTREAM_STATUSES = {
    401: "upstream_authentication",
    402: "upstream_authentication",
    403: "upstream_authentication",
    404: "upstream_not_found",
    408: "upstream_timeout",
    429: "upstream_rate_limit",
    503: "upstream_overloaded",
    504: "upstream_timeout",
    529: "upstream_overloaded",  # Anthropic's own
}


def error_type(error: AsbruError | None, outcome: str) -> str:
    """The type of what ended a call with `outcome`; "" where nothing went wrong."""
    if error is None:
        return "" if outcome == "ok" else "cancelled"
    if isinstance(error, UpstreamError):
        return _OF_KINDS.get(error.kind) or upstream_type(error.status)
    for kind, name in _OF_CLASSES:
        if isinstance(error, kind):
            return name
    if error.blame == "caller":
        return _OF_STATUSES.get(error.status, "invalid_request")
    return "internal"


def attempt_type(outcome: str, status: int) -> str:
    """The type of an attempt that ended with `outcome` (`Attempt.outcome`)."""
    if outcome in ("ok", "cancelled"):
        return "" if outcome == "ok" else outcome
    if outcome in ("status", "fault", "error"):
        return upstream_type(status)
    return _OF_KINDS.get(outcome, "refused")


def upstream_type(status: int) -> str:
    """The type of an error that a provider told by its status; inside a stream that began well it has none."""
    named = _OF_UPSTREAM_STATUSES.get(status)
    if named is not None:
        return named
    return "upstream_invalid_request" if 400 <= status < 500 else "upstream_error"
