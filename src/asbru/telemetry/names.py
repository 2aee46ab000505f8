"""Every metric, once: its name, kind, labels, unit and one sentence. The rest of the code and the docs read this.

Labels are words from the configuration (providers, models, names of keys and owners) or from closed sets, and tags
where they are configured. There may be very many virtual keys, and tags come from callers: the series cap of
`metrics.Meter` bounds what becomes of them. Figures of each single caller are in the records, where a million callers
cost a million rows and not a million series.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["counter", "gauge", "histogram"]


class Metric(NamedTuple):
    """`merge` says how gauges of several workers become one number. `sentence` is the HELP text and the docs.

    No msgspec Struct: the supervisor imports this room for its log, and msgspec would cost it 8 MB.
    """

    name: str
    kind: Kind
    unit: str
    sentence: str
    labels: tuple[str, ...] = ()
    merge: Literal["sum", "max"] = "sum"


_CALLER_LABELS = ("virtual_key", "team", "customer")
CALL_LABELS = ("surface", "provider", "model", "key", "status", "outcome", *_CALLER_LABELS)
"""What tells one kind of call from another. `model` is the upstream's name, `key` the name of the provider key."""
_TIME_LABELS = ("surface", "provider", "model", "outcome")
"""Each histogram has twenty series for each of their combinations, so callers are not among them."""

CALLS = Metric(
    name="asbru_calls_total",
    kind="counter",
    labels=CALL_LABELS,
    unit="calls",
    sentence="Completed calls, by the status that the caller received (499: the caller disconnected) and by outcome.",
)
ERRORS = Metric(
    name="asbru_errors_total",
    kind="counter",
    labels=("surface", "provider", "model", "type", *_CALLER_LABELS),
    unit="calls",
    sentence="Calls that ended in an error, were refused or left, by the type of the error.",
)
CALL_SECONDS = Metric(
    name="asbru_call_duration_seconds",
    kind="histogram",
    labels=_TIME_LABELS,
    unit="seconds",
    sentence="Time from receiving a call to the end of its response.",
)
OVERHEAD_SECONDS = Metric(
    name="asbru_overhead_seconds",
    kind="histogram",
    labels=_TIME_LABELS,
    unit="seconds",
    sentence="Time of a call not spent waiting for providers: Asbru's own, with queues and pauses before retries.",
)
FIRST_TOKEN_SECONDS = Metric(
    name="asbru_first_token_seconds",
    kind="histogram",
    labels=_TIME_LABELS,
    unit="seconds",
    sentence="Time from receiving a call to the first content of its streamed response.",
)
BETWEEN_TOKENS_SECONDS = Metric(
    name="asbru_between_tokens_seconds",
    kind="histogram",
    labels=_TIME_LABELS,
    unit="seconds",
    sentence="Mean time between output tokens of a stream: from its first content to its end.",
)
TOKENS = Metric(
    name="asbru_tokens_total",
    kind="counter",
    labels=("surface", "provider", "model", "key", "bucket", *_CALLER_LABELS),
    unit="tokens",
    sentence="Tokens used, in disjoint buckets; the sum over the buckets is the total.",
)
COST = Metric(
    name="asbru_cost_usd_total",
    kind="counter",
    labels=("surface", "provider", "model", "key", *_CALLER_LABELS),
    unit="US dollars",
    sentence="Cost of calls whose usage and price are known.",
)
ATTEMPTS = Metric(
    name="asbru_attempts_total",
    kind="counter",
    labels=("provider", "model", "key", "status"),
    unit="attempts",
    sentence="Completed attempts, by the provider's status, or by the kind of failure if the provider sent none.",
)
FALLBACKS = Metric(
    name="asbru_fallbacks_total",
    kind="counter",
    labels=("provider", "to_provider", "to_model", "reason"),
    unit="fallbacks",
    sentence="Calls that continued with another target, by reason: a status or the kind of failure.",
)
RETRIES = Metric(
    name="asbru_retries_total",
    kind="counter",
    labels=("provider", "model", "reason"),
    unit="attempts",
    sentence="Attempts made again with the same key, by reason: a status, the kind of failure, or a learned fact.",
)
KEY_ROTATIONS = Metric(
    name="asbru_key_rotations_total",
    kind="counter",
    labels=("provider", "key", "reason"),
    unit="attempts",
    sentence="Calls that continued with another key of the same provider; `key` is the one that was left.",
)
GUARDRAIL_VERDICTS = Metric(
    name="asbru_guardrail_verdicts_total",
    kind="counter",
    labels=("rule", "place", "action"),
    unit="calls",
    sentence="Calls that a guardrail rule checked, by place and by what followed: pass, the rule's action, or "
    "failed_open or failed_closed if a check failed.",
)
CACHE_CALLS = Metric(
    name="asbru_cache_calls_total",
    kind="counter",
    labels=("result",),
    unit="calls",
    sentence="Calls that the cache had a part in: hit, semantic, miss, shadow_agreed, shadow_differed, refresh, off.",
)
CACHE_SAVED = Metric(
    name="asbru_cache_saved_nanousd_total",
    kind="counter",
    unit="nano-dollars",
    sentence="What the replies that were served from the cache cost when they were asked for.",
)
CACHE_ENTRIES = Metric(
    name="asbru_cache_entries",
    kind="gauge",
    unit="entries",
    sentence="Entries of the cache in the memory of workers.",
)
CACHE_BYTES = Metric(
    name="asbru_cache_bytes", kind="gauge", unit="bytes", sentence="Their size, about; bounded by `cache.bytes_max`."
)
CACHE_EVICTED = Metric(
    name="asbru_cache_evicted_total",
    kind="counter",
    unit="entries",
    sentence="Entries that were removed for want of room before they expired.",
)
CACHE_STORE_PROBLEMS = Metric(
    name="asbru_cache_store_problems_total",
    kind="counter",
    labels=("store", "problem"),
    unit="problems",
    sentence="What went wrong with a store of the cache outside of Asbru: it failed (away), held what Asbru had not "
    "written (forged), or was too slow for what was to be written (shed).",
)
CIRCUITS = Metric(
    name="asbru_circuits",
    kind="gauge",
    labels=("provider", "state"),
    unit="circuits",
    sentence="Models and keys of a provider that Asbru does not use because they failed (open), or is about to probe.",
)
CIRCUITS_OPENED = Metric(
    name="asbru_circuits_opened_total",
    kind="counter",
    labels=("provider",),
    unit="circuits",
    sentence="How often a circuit was opened, or opened again by a probe that failed.",
)
LEARNED_FACTS = Metric(
    name="asbru_learned_facts_total",
    kind="counter",
    labels=("provider", "model", "parameter"),
    unit="facts",
    sentence="Parameters that a model was found to refuse and that translated calls to it therefore omit.",
)
CALLS_IN_FLIGHT = Metric(
    name="asbru_calls_in_flight",
    kind="gauge",
    unit="calls",
    sentence="Calls in progress.",
)
CALLS_QUEUED = Metric(
    name="asbru_calls_queued",
    kind="gauge",
    unit="calls",
    sentence="Calls that wait because `limits.requests_in_flight_max` is reached.",
)
CALLS_SHED = Metric(
    name="asbru_calls_shed_total",
    kind="counter",
    unit="calls",
    sentence="Calls refused with 503 because `limits.requests_in_flight_max` and `overload.queued_max` were reached.",
)
CONNECTIONS_OPEN = Metric(
    name="asbru_connections_open",
    kind="gauge",
    unit="connections",
    sentence="Open connections from callers, including idle ones.",
)
UPSTREAM_CONNECTIONS = Metric(
    name="asbru_upstream_connections",
    kind="gauge",
    labels=("provider", "state"),
    unit="connections",
    sentence="Connections to providers, busy or idle.",
)
LEASES = Metric(
    name="asbru_leases",
    kind="gauge",
    unit="leases",
    sentence="Limits of which workers hold a slice, taken from the ledger in advance.",
)
LIMITS_FULL = Metric(
    name="asbru_limits_full",
    kind="gauge",
    unit="limits",
    sentence="Owners and targets of which a worker knows that their limit has no room.",
    merge="max",
)
LOOP_LAG_SECONDS = Metric(
    name="asbru_loop_lag_seconds",
    kind="gauge",
    unit="seconds",
    sentence="Longest delay of a sweep, of which there are four a second, within a second; of the slowest worker.",
    merge="max",
)
RECORDS_QUEUED = Metric(
    name="asbru_records_queued",
    kind="gauge",
    unit="rows",
    sentence="Records in workers that the bookkeeper has not yet acknowledged as written.",
)
RECORDS_SHED = Metric(
    name="asbru_records_shed_total",
    kind="counter",
    unit="rows",
    sentence="Records that workers dropped because their queue was full.",
)
BODIES_SHED = Metric(
    name="asbru_bodies_shed_total",
    kind="counter",
    unit="calls",
    sentence="Calls whose bodies workers dropped because too many were waiting to be stored.",
)
RECORDS_WRITTEN = Metric(
    name="asbru_records_written_total",
    kind="counter",
    unit="rows",
    sentence="Records committed since the bookkeeper started.",
)
RECORDS_DROPPED = Metric(
    name="asbru_records_dropped_total",
    kind="counter",
    unit="rows",
    sentence="Records that the bookkeeper dropped: unreadable, or over its memory limit while the disk refuses writes.",
)
RECORDS_HELD = Metric(
    name="asbru_records_held_bytes",
    kind="gauge",
    unit="bytes",
    sentence="Size of the records that the bookkeeper holds in memory because the disk refuses writes.",
)
STORE_FAILURES = Metric(
    name="asbru_store_failures_total",
    kind="counter",
    unit="commits",
    sentence="Commits that failed (disk full, database locked) and were retried.",
)
WORKERS = Metric(
    name="asbru_workers",
    kind="gauge",
    unit="workers",
    sentence="Workers connected to the bookkeeper.",
)
LINK_REFUSED = Metric(
    name="asbru_link_refused_total",
    kind="counter",
    unit="messages",
    sentence="Messages from workers that the bookkeeper does not know or could not read.",
)
SPANS_EXPORTED = Metric(
    name="asbru_spans_exported_total",
    kind="counter",
    unit="spans",
    sentence="Spans that the collector of traces has taken.",
)
SPANS_DROPPED = Metric(
    name="asbru_spans_dropped_total",
    kind="counter",
    labels=("reason",),
    unit="spans",
    sentence="Spans that were lost: no room in the queue (queue_full), or the collector did not take them (failed).",
)
SPANS_QUEUED = Metric(
    name="asbru_spans_queued",
    kind="gauge",
    unit="spans",
    sentence="Spans that wait for the collector of traces.",
)
SERIES_OVERFLOWED = Metric(
    name="asbru_series_overflowed_total",
    kind="counter",
    unit="calls",
    sentence='Observations counted under the label "other" because a worker reached its limit on series.',
)

METRICS: tuple[Metric, ...] = (
    CALLS,
    ERRORS,
    CALL_SECONDS,
    OVERHEAD_SECONDS,
    FIRST_TOKEN_SECONDS,
    BETWEEN_TOKENS_SECONDS,
    TOKENS,
    COST,
    ATTEMPTS,
    RETRIES,
    KEY_ROTATIONS,
    FALLBACKS,
    CIRCUITS,
    CIRCUITS_OPENED,
    GUARDRAIL_VERDICTS,
    LEARNED_FACTS,
    CACHE_CALLS,
    CACHE_SAVED,
    CACHE_ENTRIES,
    CACHE_BYTES,
    CACHE_EVICTED,
    CACHE_STORE_PROBLEMS,
    CALLS_IN_FLIGHT,
    CALLS_QUEUED,
    CALLS_SHED,
    CONNECTIONS_OPEN,
    UPSTREAM_CONNECTIONS,
    LEASES,
    LIMITS_FULL,
    LOOP_LAG_SECONDS,
    RECORDS_QUEUED,
    RECORDS_SHED,
    BODIES_SHED,
    RECORDS_WRITTEN,
    RECORDS_DROPPED,
    RECORDS_HELD,
    STORE_FAILURES,
    WORKERS,
    LINK_REFUSED,
    SPANS_EXPORTED,
    SPANS_DROPPED,
    SPANS_QUEUED,
    SERIES_OVERFLOWED,
)

OF_CALLS = (CALLS, ERRORS, ATTEMPTS, TOKENS, COST)
"""What the bookkeeper makes of the slots of calls."""

TIMES = (
    (CALL_SECONDS, 9, 30),
    (OVERHEAD_SECONDS, 5, 24),
    (FIRST_TOKEN_SECONDS, 9, 28),
    (BETWEEN_TOKENS_SECONDS, 7, 24),
)
"""The histograms of calls, in the order in which workers send them; each with the powers of two of its first and last
bound, microseconds."""

STATUS_OUTCOMES = ("ok", "status", "fault")
"""Outcomes of an attempt to which the provider's status belongs; others are the label `status` themselves."""

ERROR_TYPES = (
    "authentication",
    "permission",
    "not_found",
    "invalid_request",
    "unsupported",
    "timeout",
    "budget",
    "rate_limit",
    "price_unknown",
    "refused",
    "cancelled",
    "overloaded",
    "ledger_unavailable",
    "internal",
    "upstream_authentication",
    "upstream_rate_limit",
    "upstream_invalid_request",
    "upstream_not_found",
    "upstream_overloaded",
    "upstream_error",
    "upstream_timeout",
    "upstream_network",
    "upstream_protocol",
    "upstream_cut",
)
"""Types of errors: all values of `error.type` in spans. Those of providers begin with `upstream_`; `refused`: an
attempt that Asbru itself did not let through."""

TOKEN_BUCKETS = (
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "audio_input",
    "output",
    "reasoning",
    "audio_output",
    "image_input",
    "image_output",
)
"""Values of the label `bucket`, in the order in which slots send them."""

HISTOGRAM_SLOTS = 32
"""Slot n counts times t with t.bit_length() == n microseconds; the last also counts everything longer (35 minutes)."""
