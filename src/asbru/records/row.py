"""The record of a call: a flat tuple in the order of COLUMNS, which is also the order of the table `requests`.

A tuple, because building one costs 0.1 us where a Struct by keyword costs 0.5. The path writes it as a literal:

    (call.id, started_ms, "openai.chat", ..., *usage_columns(usage), "provider", cost, latency_us, ...)

Only these types travel: str, int, bool, None. Texts are bounded by who builds the row (MAX below). New columns go to
the end, with a migration. Not here: bodies; what a caller or a model said is never part of a record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import msgspec

if TYPE_CHECKING:
    from asbru.core.usage import Usage

TABLE = "requests"
"""The table that rows are written to, by its name in the database and on the link."""

ERROR_MESSAGE_CHARS_MAX = 500
NOTES_CHARS_MAX = 2000
ROUTE_CHARS_MAX = 2000
MODEL_CHARS_MAX = 200
SESSION_CHARS_MAX = 128
AGENT_CHARS_MAX = 64
ATTEMPTS_LOGGED_MAX = 16

Row: TypeAlias = tuple[object, ...]


class Column(msgspec.Struct, frozen=True):
    """One column. `kind`: text, integer or boolean (0 or 1). `unit` is "" for what is only a word."""

    name: str
    kind: str
    unit: str
    nullable: bool
    sentence: str


def _text(name: str, sentence: str) -> Column:
    return Column(name, "text", "", False, sentence)


def _number(name: str, unit: str, sentence: str, *, nullable: bool = False) -> Column:
    return Column(name, "integer", unit, nullable, sentence)


def _flag(name: str, sentence: str) -> Column:
    return Column(name, "boolean", "", False, sentence)


def _tokens(name: str, sentence: str) -> Column:
    return Column(name, "integer", "tokens", True, sentence)


COLUMNS: tuple[Column, ...] = (
    _text("id", "Unique, and sorts by time: `req_` and 11 hex digits of milliseconds, then process and count."),
    _number("started_ms", "Unix milliseconds", "Time at which the call arrived."),
    _text("surface", 'The surface and operation of the call: "openai.chat", "anthropic.messages".'),
    _text("caller", 'Name of the virtual key; "" without one.'),
    _text("provider", 'The provider that served the call, or the last one tried; "" if none was tried.'),
    _text("model_asked", 'The model as the caller wrote it; "" if the call was refused before its body was read.'),
    _text(
        "model_served",
        "The model name sent to the upstream, after aliases; for a target that was passed over, its public name.",
    ),
    _text(
        "key_name",
        "Name of the provider key used last, or of the key because of which the last target was passed over.",
    ),
    _number(
        "attempts", "attempts", "Number of attempts, each with one target and key; 0 if there was no target to try."
    ),
    _text(
        "attempt_log",
        "JSON with an object for each attempt: provider, model, key, status, outcome, sent, billed, ms, input_tokens, "
        "output_tokens, cost_nanousd, reason (why it failed, as text); and one for each target that was passed over, "
        'with the outcome passed_over and the reason; "" if the only attempt succeeded.',
    ),
    _number(
        "status",
        "HTTP status",
        "The HTTP status that the caller received; 499 if the caller disconnected before the end.",
    ),
    _text(
        "outcome", "ok, error, cut (the upstream broke off), cancelled (the caller disconnected), refused (by Asbru)."
    ),
    _text("error_code", 'Stable code of the error; "" without one.'),
    _text("error_message", "The error message, limited in length."),
    _tokens(
        "input_tokens",
        "Input tokens that were neither read from nor written to a cache and are no audio and no image.",
    ),
    _tokens("cache_read_tokens", "Input tokens read from the provider's prompt cache."),
    _tokens("cache_write_5m_tokens", "Input tokens written to the cache for five minutes, or for an unknown time."),
    _tokens("cache_write_1h_tokens", "Input tokens written to the cache for one hour."),
    _tokens("audio_input_tokens", "Audio input tokens."),
    _tokens("output_tokens", "Output tokens that are no reasoning, no audio and no image."),
    _tokens("reasoning_tokens", "Reasoning."),
    _tokens("audio_output_tokens", "Audio output tokens."),
    _flag(
        "reasoning_known",
        "Reasoning tokens; 0 if the provider does not count them separately, and `output_tokens` then includes them.",
    ),
    _text(
        "usage_source",
        "Source of the counts: provider (or, where the request alone decides what is charged, the request), estimated, "
        "none; partial if an attempt that may be charged reported no usage.",
    ),
    _number(
        "cost_nanousd",
        "nano-dollars",
        "Cost; NULL if usage or price is unknown, or if something is charged whose price is unknown.",
        nullable=True,
    ),
    _number("latency_us", "microseconds", "Time from arrival to the end of the response."),
    _number("first_token_us", "microseconds", "Time from arrival to the first content of a stream.", nullable=True),
    _flag("stream", "Whether the caller asked for a stream."),
    _flag("pass_through", "Whether the body was sent to the upstream unchanged."),
    _text("notes", 'What translation lost or changed, joined by "; ".'),
    _number("request_bytes", "bytes", "Size of the caller's request body."),
    _number("response_bytes", "bytes", "Bytes sent to the caller."),
    _text("team", 'The team of the virtual key; "" without one.'),
    _text("customer", 'The customer of the team or of the key; "" without one.'),
    _text("tags", 'The tags of the key and of the call, as a JSON object with its names in order; "" without any.'),
    _flag("standard", "Whether the usage is charged at standard prices alone, as far as it is known."),
    _text(
        "route",
        "How the targets were chosen, in steps joined by semicolons: the rule, weights, session, circuits and what was "
        "left out, then the targets; empty when only the model's name decided.",
    ),
    _tokens("image_input_tokens", "Image input tokens, if they are counted separately."),
    _tokens("image_output_tokens", "Image output tokens."),
    _text(
        "units",
        "What is charged by the piece, as a JSON object: image, second (of audio), character, page, search, request; "
        '"" without any.',
    ),
    _text(
        "trace_id",
        "Id of the trace that the call belongs to, 32 hex digits: the caller's, or Asbru's own if it is sampled; "
        '"" without one.',
    ),
    _text(
        "cache",
        "What the cache did: hit (it served the call), semantic (it served a question in other words), miss, "
        "shadow_agreed and shadow_differed (a miss that shadow mode would have served, by whether the reply was about "
        "the same), refresh (the caller asked for a new reply), off (the caller, its key or the model keeps out of "
        'it); "" if it had no part in the call.',
    ),
    _number("cache_saved_nanousd", "nano-dollars", "What the kept reply cost when it was asked for.", nullable=True),
    _number("cache_saved_us", "microseconds", "How much longer the provider took for it.", nullable=True),
    _text(
        "guardrails",
        "What guardrail rules did, as a JSON list with an object for each rule and place that it checked: rule, place, "
        "action (pass if nothing was found, failed_open or failed_closed if a check failed), findings (how many), "
        'kinds; "" if no rule applied.',
    ),
    _text("parent_id", 'Id of the call that made this one, such as a call of a tool from a script; "" without one.'),
    _text(
        "session",
        "The session or run of an agent that the call belongs to, as one of these headers names it: x-asbru-run, "
        'x-asbru-session, x-session-affinity, x-claude-code-session-id, session-id; "" without one.',
    ),
    _text(
        "agent",
        "Of a call with a session: the program that made it, by its User-Agent without the version: claude-cli; "
        '"" if it does not say.',
    ),
)

ROW_WIDTH = len(COLUMNS)

NO_USAGE = (None, None, None, None, None, None, None, None, False)
"""The nine columns from `input_tokens` to `reasoning_known` of a call whose usage is unknown."""


def usage_columns(usage: Usage | None) -> tuple[int | bool | None, ...]:
    """The nine columns from `input_tokens` to `reasoning_known`."""
    if usage is None:
        return NO_USAGE
    return (
        usage.input,
        usage.cache_read,
        usage.cache_write_5m,
        usage.cache_write_1h,
        usage.audio_input,
        usage.output,
        usage.reasoning,
        usage.audio_output,
        usage.reasoning_known,
    )


NO_CACHE = ("", None, None)
"""The columns from `cache` of a call in which the cache had no part."""

NO_UNITS = (0, 0, "")
"""The three columns from `image_input_tokens` of a call that was charged for neither images nor pieces: nearly all."""


def unit_columns(usage: Usage | None) -> tuple[int | None, int | None, str]:
    """The three columns from `image_input_tokens`."""
    if usage is None:
        return (None, None, "")
    units = msgspec.json.encode(dict(usage.units)).decode() if usage.units else ""
    return (usage.image_input, usage.image_output, units)
