"""What operators are told of failures: log lines, over the whole path."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.fakes.inside import Inside, Script, answer, provider

from asbru.app.snapshot import Fallback, KeyFacts, Snapshot
from asbru.core.errors import BadRequest, UpstreamError
from asbru.core.secret_text import SecretText
from asbru.pipeline.failures import reason_of, words_of
from asbru.telemetry import exposition, merge, names
from asbru.telemetry.limited import LINES_MAX, LimitedLog

CHAT = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,'
    b'"total_tokens":5}}'
)
OK = answer(200, CHAT)
EVENTS = answer(200, b"", content_type=b"text/event-stream").replace(b"content-length: 0\r\n", b"")
CHUNK = b'data: {"id":"c","model":"up","choices":[{"index":0,"delta":{"content":"Hel"}}]}\n\n'
CHAT_BODY = {"model": "a/m", "messages": [{"role": "user", "content": "hi"}]}
TWO_KEYS = (KeyFacts(name="1", value=SecretText("s1")), KeyFacts(name="2", value=SecretText("s2")))


def said(status: int, *lines: bytes, message: str = "no", code: str = "c") -> bytes:
    """A provider's error answer."""
    return answer(status, msgspec.json.encode({"error": {"message": message, "type": "t", "code": code}}), *lines)


class Told:
    """A gateway with providers a (two keys) and b, a falling back to b; and what its log would say."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[dict[str, Any]] = []
        snapshot = Snapshot(
            providers=(provider("a", keys=TWO_KEYS), provider("b"), provider("c", operations=("chat",))),
            fallbacks=(Fallback(source="a/m", targets=("b/m",)),),
        )
        self.inside = Inside(snapshot, monkeypatch)
        assert self.inside.door.rooms is not None
        self.inside.door.rooms.failures = LimitedLog(self._write)

    def _write(self, level: str, event: str, **fields: object) -> None:
        self.lines.append({"level": level, "event": event, **fields})

    def of(self, event: str, *names: str) -> list[tuple[object, ...]]:
        """These fields of the lines of one event."""
        return [tuple(line[name] for name in names) for line in self.lines if line["event"] == event]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """See `Told`."""
    return Told(monkeypatch)


def test_a_call_that_goes_well_says_nothing(told: Told) -> None:
    """No line for a good call."""
    told.inside.script("a", OK)
    assert told.inside.chat("a/m").status == 200
    assert told.lines == []


def test_attempts_keys_and_fallbacks_have_their_lines(told: Told) -> None:
    """A refused key, a rate-limited one, then the fallback: each with its names, its reason, and the call's id."""
    told.inside.script("a", said(401, message="bad key s1"), said(429, b"retry-after: 7", message="slow down"))
    told.inside.script("b", OK)
    caller = told.inside.chat("a/m")
    assert caller.status == 200
    call_id = (caller.header(b"x-asbru-id") or b"").decode()
    assert told.of("attempt failed", "call", "provider", "model", "key", "status", "reason", "sent", "message") == [
        (call_id, "a", "m", "1", 401, "401", True, ""),
        (call_id, "a", "m", "2", 429, "429", True, "slow down"),
    ]
    assert told.of("key cools down", "provider", "key", "model", "reason", "seconds") == [
        ("a", "1", "*", "401", 60.0),
        ("a", "2", "m", "429", 7.0),
    ]
    assert told.of("fallback", "call", "target", "to", "reason") == [(call_id, "a/m", "b/m", "429")]
    assert {line["level"] for line in told.lines} == {"warning"}


@pytest.mark.parametrize(
    ("script", "reason"),
    [(ConnectionResetError(), "network"), (b"garbage\r\n", "protocol"), (said(503), "503")],
)
def test_failures_on_the_way_are_told_apart(told: Told, script: Script, reason: str) -> None:
    """The reason is the provider's status, or what went wrong on the way to it."""
    told.inside.script("a", script, OK)
    assert told.inside.chat("a/m").status == 200
    assert told.of("attempt failed", "reason") == [(reason,)]
    assert told.of("key cools down", "key") == []


def test_a_403_is_for_one_model(told: Told) -> None:
    """The line names the model for which the key is passed over."""
    told.inside.script("a", said(403), OK)
    assert told.inside.chat("a/m").status == 200
    assert told.of("key cools down", "key", "model", "reason") == [("1", "m", "403")]


def test_a_caller_s_own_mistake_is_no_warning(told: Told) -> None:
    """A 400 of the provider is told, but is nothing that an operator must mend."""
    told.inside.script("a", said(400))
    assert told.inside.chat("a/m").status == 400
    assert told.of("attempt failed", "level", "reason") == [("info", "400")]


def test_a_stream_that_breaks_off_is_told(told: Told) -> None:
    """After its first content there is no fallback, but a line."""
    told.inside.script("a", (EVENTS + CHUNK,))
    told.inside.chat("a/m", stream=True)
    assert told.of("attempt failed", "key", "reason", "sent") == [("1", "cut", True)]


def test_a_provider_that_is_down_does_not_flood_the_log(told: Told) -> None:
    """Of one key and reason a few lines, however many calls fail."""
    for _ in range(20):
        told.inside.script("a", said(400))
        told.inside.chat("a/m")
    assert len(told.of("attempt failed", "key")) == LINES_MAX


def counted(told: Told, metric: names.Metric) -> dict[tuple[str, ...], float]:
    """The samples of a counter, by the values of its labels, as they would be scraped."""
    collected = told.inside.lasting.meter.collect_delta(everything=True)
    assert collected is not None
    totals = merge.Totals()
    totals.take("a", collected, everything=True)
    families = text_string_to_metric_families(exposition.render(totals, []).decode())
    samples = [one for family in families for one in family.samples if one.name == metric.name]
    return {tuple(sample.labels[label] for label in metric.labels): sample.value for sample in samples}


def test_each_attempt_is_counted_once(told: Told) -> None:
    """Failed ones, good ones after them, and those of calls that end badly, by provider, model, key and status."""
    told.inside.script("a", OK, said(401), said(429, b"retry-after: 7"))
    told.inside.script("b", OK)
    told.inside.chat("a/m")
    told.inside.chat("a/m")
    told.inside.script("b", *[ConnectionResetError()] * 3, said(400), (EVENTS + CHUNK,))
    told.inside.chat("b/m")
    told.inside.chat("b/m")
    told.inside.chat("b/m", stream=True)
    assert counted(told, names.ATTEMPTS) == {
        ("a", "m", "1", "200"): 1,
        ("a", "m", "1", "401"): 1,
        ("a", "m", "2", "429"): 1,
        ("b", "m", "b-1", "200"): 1,
        ("b", "m", "b-1", "network"): 3,
        ("b", "m", "b-1", "400"): 1,
        ("b", "m", "b-1", "cut"): 1,
    }
    assert counted(told, names.FALLBACKS) == {("a", "b", "m", "429"): 1}


def test_a_reason_is_one_word() -> None:
    """Statuses, kinds, and codes of our own; the words of a 401 stay out."""
    assert reason_of(UpstreamError("x", kind="fault", status=429)) == "429"
    assert reason_of(UpstreamError("x", kind="deadline", status=504)) == "deadline"
    assert reason_of(BadRequest("x", code="context_odd")) == "context_odd"
    assert words_of(UpstreamError("bad key sk-1", status=401)) == ""
    assert len(words_of(UpstreamError("x" * 999, status=500))) == 200


def log_of(told: Told) -> list[tuple[object, ...]]:
    """The record's attempts: key, outcome, whether anything was sent, and why it failed."""
    log = told.inside.recorder.rows[-1]["attempt_log"]
    return [
        (f"{one['provider']}/{one['model']}", one["key"], one["outcome"], one["sent"], one["reason"])
        for one in json.loads(log or "[]")
    ]


def test_the_record_says_why_a_target_was_passed_over(told: Told) -> None:
    """Keys that still cool down: nothing is sent to the target, and the record says so for each key."""
    told.inside.script("a", said(429, b"retry-after: 30"), said(429, b"retry-after: 40", message="slow down"))
    told.inside.script("b", OK, OK)
    told.inside.chat("a/m")
    assert log_of(told) == [
        ("a/m", "1", "status", True, "no"),
        ("a/m", "2", "status", True, "slow down"),
        ("b/m", "b-1", "ok", True, ""),
    ]
    told.inside.chat("a/m")
    assert log_of(told) == [
        ("a/m", "1", "passed_over", False, "rate-limited by the provider for another 30 s"),
        ("a/m", "2", "passed_over", False, "rate-limited by the provider for another 40 s"),
        ("b/m", "b-1", "ok", True, ""),
    ]
    row = told.inside.recorder.rows[-1]
    assert (row["provider"], row["model_served"], row["key_name"], row["attempts"]) == ("b", "m", "b-1", 1)
    assert told.of("target passed over", "provider", "model", "reason") == [("a", "m", "429")]


def test_the_record_names_key_and_target_when_nothing_could_be_sent(told: Told) -> None:
    """Also a call that nobody was asked for says which target, which key, and why."""
    told.inside.script("b", said(429, b"retry-after: 30"))
    told.inside.chat("b/m")
    row = told.inside.recorder.rows[-1]
    assert (row["provider"], row["model_served"], row["key_name"], row["status"]) == ("b", "m", "b-1", 429)
    assert told.inside.chat("b/m").status == 429
    row = told.inside.recorder.rows[-1]
    assert (row["provider"], row["model_served"], row["key_name"], row["attempts"]) == ("b", "m", "b-1", 0)
    assert log_of(told) == [("b/m", "b-1", "passed_over", False, "rate-limited by the provider for another 30 s")]
    assert counted(told, names.ATTEMPTS) == {("b", "m", "b-1", "429"): 1}


def test_a_fallback_that_the_caller_may_not_use_is_in_the_record(told: Told) -> None:
    """Only where it might have helped: when all that was tried failed."""
    told.inside.script("a", OK, *[said(503)] * 3)
    told.inside.call("/v1/chat/completions", CHAT_BODY, key="sk-asb-few")
    assert log_of(told) == []
    told.inside.call("/v1/chat/completions", CHAT_BODY, key="sk-asb-few")
    assert log_of(told)[-1] == ("b/m", "", "passed_over", False, "the caller's key does not allow it")


def test_an_operation_that_a_target_lacks_is_in_the_record(told: Told) -> None:
    """Refused before anything is sent, and noted."""
    told.inside.call("/v1/embeddings", {"model": "c/m", "input": "hi"})
    assert log_of(told) == [
        ("c/m", "", "passed_over", False, "the provider 'c' does not support embeddings; it supports chat")
    ]
