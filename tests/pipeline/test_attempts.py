"""Attempts as callers and providers see them: retries, rotation, rests and fallbacks, over the whole path."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from tests.fakes.inside import Inside, Script, answer, provider

from asbru.app.snapshot import Fallback, KeyFacts, Limits, Snapshot
from asbru.core.errors import UpstreamError
from asbru.core.secret_text import SecretText
from asbru.pipeline.attempts import falls_back
from asbru.routing import RetryPolicy

CHAT = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,'
    b'"total_tokens":5}}'
)
OK = answer(200, CHAT)
MESSAGE = (
    b'{"id":"m","type":"message","role":"assistant","model":"up","content":[{"type":"text","text":"ok"}],'
    b'"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}}'
)
RESET = ConnectionResetError()


def said(status: int, *lines: bytes, message: str = "no", code: str = "c") -> bytes:
    """A provider's error answer."""
    return answer(status, msgspec.json.encode({"error": {"message": message, "type": "t", "code": code}}), *lines)


TWO_KEYS = (KeyFacts(name="1", value=SecretText("s1")), KeyFacts(name="2", value=SecretText("s2")))
Make = Callable[..., Inside]


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Make:
    """A gateway with providers a (two keys) and b, a falling back to b."""

    def make(**changed: object) -> Inside:
        return Inside(
            Snapshot(
                providers=(provider("a", keys=TWO_KEYS, **changed), provider("b")),
                fallbacks=(Fallback(source="a/m", targets=("b/m",)),),
            ),
            monkeypatch,
        )

    return make


def keys_used(inside: Inside) -> list[str]:
    """Host and key of every request that was sent."""
    return [
        host.removesuffix(".test") + data.partition(b"Bearer ")[2].partition(b"\r\n")[0].decode()[-1]
        for host, data in inside.requests
    ]


@pytest.mark.parametrize(
    ("scripts", "used", "status"),
    [
        ([OK], ["a1"], 200),
        ([said(500), OK], ["a1", "a1"], 200),
        ([said(529), said(503), OK], ["a1"] * 3, 200),
        ([RESET, OK], ["a1", "a1"], 200),
        ([(OK[:-9],), OK], ["a1", "a1"], 200),
        ([b"garbage\r\n", OK], ["a1", "a1"], 200),
        ([answer(200, b"<html>"), OK], ["a1", "a1"], 200),
        ([answer(200, b'{"error":{"message":"x"}}'), OK], ["a1", "a1"], 200),
        ([answer(200, b'{"error":{"message":"filtered","status":400}}')], ["a1"], 400),
        ([said(500)] * 3, ["a1", "a1", "a1", "b1"], 200),
        ([said(401), OK], ["a1", "a2"], 200),
        ([said(402), OK], ["a1", "a2"], 200),
        ([said(403), OK], ["a1", "a2"], 200),
        ([said(429), OK], ["a1", "a2"], 200),
        ([said(429), said(429)], ["a1", "a2", "b1"], 200),
        ([said(401), said(403)], ["a1", "a2", "b1"], 200),
        ([said(401), said(500), OK], ["a1", "a2", "a2"], 200),
        ([said(408)], ["a1", "b1"], 200),
        ([said(404, message="the model `m` does not exist")], ["a1", "b1"], 200),
        ([said(404, code="model_not_found")], ["a1", "b1"], 200),
        ([said(404, message="no such page")], ["a1"], 404),
        ([said(400)], ["a1"], 400),
        ([said(413)], ["a1"], 413),
        ([said(422)], ["a1"], 422),
        ([answer(302, b"", b"location: http://x/")] * 3, ["a1", "a1", "a1", "b1"], 200),
    ],
    ids=range(25),
)
def test_what_happens_after_each_answer(make: Make, scripts: list[Script], used: list[str], status: int) -> None:
    """The table at the top of `attempts`, with a fallback that answers; one record, whatever happened."""
    inside = make()
    inside.script("a", *scripts)
    inside.script("b", OK)
    caller = inside.chat("a/m")
    assert caller.status == status
    assert keys_used(inside) == used
    (row,) = inside.recorder.rows
    assert row["status"] == status and row["attempts"] == len(used)
    assert inside.lasting.load.in_flight == 0


@pytest.mark.parametrize(("status", "message"), [(500, "first"), (429, "first"), (408, "first")])
def test_the_caller_hears_what_the_first_target_said(make: Make, status: int, message: str) -> None:
    """When no target is left, the answer of the one that was asked for goes to the caller as it came."""
    inside = make(retries=RetryPolicy(max=0))
    inside.script("a", *[said(status, message=message)] * 2)
    inside.script("b", *[said(500, message="second")] * 3)
    caller = inside.chat("a/m")
    assert caller.status == status and message.encode() in caller.body and b"second" not in caller.body


def test_a_limited_key_rests_for_as_long_as_it_was_told(make: Make) -> None:
    """Retry-After, capped at a minute; then it is drawn again. With all keys resting the caller is told when."""
    inside = make()
    inside.script("a", said(429, b"retry-after: 7"), OK, said(429, b"retry-after: 3600"))
    assert inside.chat("a/x").status == 200
    caller = inside.chat("a/x")
    assert caller.status == 429 and keys_used(inside) == ["a1", "a2", "a2"]
    told = inside.chat("a/x")
    assert (told.status, told.header(b"retry-after")) == (429, b"7") and len(inside.requests) == 3
    inside.now_s += 8
    inside.script("a", said(429))
    inside.chat("a/x")
    assert keys_used(inside)[3:] == ["a1"]
    inside.now_s += 60
    inside.script("a", OK)
    inside.chat("a/x")
    assert keys_used(inside)[4:] == ["a1"]


def test_a_refused_key_rests_for_a_minute(make: Make) -> None:
    """403 for that model only, 401 for all."""
    inside = make()
    inside.script("a", said(403), OK, OK, OK)
    inside.chat("a/m")
    inside.chat("a/m")
    inside.chat("a/other")
    assert keys_used(inside) == ["a1", "a2", "a2", "a1"]
    inside.now_s += 61
    inside.script("a", said(401), OK, OK)
    inside.chat("a/m")
    inside.chat("a/other")
    assert keys_used(inside)[4:] == ["a1", "a2", "a2"]


def test_keys_that_are_not_meant_for_a_model_lead_to_the_fallback(make: Make) -> None:
    """A target that no key serves is a target that fails, not the caller's mistake while another can answer."""
    inside = make()
    inside.load(
        Snapshot(
            providers=(
                provider("a", keys=(KeyFacts(name="1", value=SecretText("s1"), models=("n",)),)),
                provider("b"),
            ),
            fallbacks=(Fallback(source="a/m", targets=("b/m",)),),
        )
    )
    inside.script("b", OK)
    assert inside.chat("a/m").status == 200
    assert inside.chat("a/other").status == 404


def test_a_caller_may_fall_back_only_to_what_it_may_use(make: Make) -> None:
    """A grant holds for every target, not only for the one asked for."""
    inside = make(retries=RetryPolicy(max=0))
    inside.script("a", said(500))
    inside.script("b", OK)
    body = {"model": "a/m", "messages": []}
    assert inside.call("/v1/chat/completions", body, key="sk-asb-few").status == 500
    assert inside.call("/v1/chat/completions", {**body, "model": "b/m"}, key="sk-asb-few").status == 403
    assert [host for host, _ in inside.requests] == ["a.test"]


def test_pauses_grow_and_are_bounded(make: Make) -> None:
    """Retries pause with full jitter: at chance one half, half of each window."""
    inside = make(retries=RetryPolicy(max=3, pause_initial_s=1.0, pause_max_s=3.0))
    rooms = inside.door.rooms
    assert rooms is not None
    rooms.chance = lambda: 0.5
    inside.script("a", said(500), said(500), said(500), OK)
    inside.chat("a/x")
    assert inside.pauses == [0.5, 1.0, 1.5]


def test_a_caller_that_leaves_is_recorded_and_frees_everything(make: Make) -> None:
    """While the provider thinks: its connection is aborted, the record says cancelled, nothing stays in flight."""
    inside = make()
    caller = inside.chat("a/m")
    assert inside.lasting.load.in_flight == 1
    caller.transport.lose()
    inside.play()
    (row,) = inside.recorder.rows
    assert (row["status"], row["outcome"]) == (499, "cancelled")
    assert inside.upstreams[0][1].aborted and inside.lasting.load.in_flight == 0


def test_a_bare_provider_without_keys_is_tried_once_per_answer(make: Make) -> None:
    """A keyless provider that refuses is exhausted; its stand-in key never rests for anyone."""
    inside = make()
    inside.load(
        Snapshot(
            providers=(provider("a", keys=(KeyFacts(name="", value=SecretText("")),)),),
        )
    )
    inside.script("a", said(401), said(429), OK)
    assert [inside.chat("a/m").status for _ in range(3)] == [502, 429, 200]


@pytest.mark.parametrize(
    ("kind", "status", "message", "expected"),
    [
        ("network", 502, "", True),
        ("deadline", 504, "", True),
        ("exhausted", 502, "", True),
        ("fault", 400, "", False),
        ("status", 429, "", True),
        ("status", 408, "", True),
        ("status", 529, "", True),
        ("status", 404, "unknown model", True),
        ("status", 404, "gone", False),
        ("status", 400, "model", False),
        ("status", 401, "", False),
        ("fault", 502, "", True),
    ],
)
def test_which_errors_fall_back(kind: str, status: int, message: str, expected: bool) -> None:
    """Another target may do better for whatever is not about the caller's own request."""
    assert falls_back(UpstreamError(message, kind=kind, status=status)) is expected


@pytest.mark.parametrize("surface", ["openai", "anthropic"])
@pytest.mark.parametrize("upstream", ["openai_chat", "anthropic_messages"])
def test_pass_through_is_one_decision(monkeypatch: pytest.MonkeyPatch, surface: str, upstream: str) -> None:
    """Generated over surfaces and dialects: the bytes go through exactly where the dialects are the same."""
    path, dialect = {
        "openai": ("/v1/chat/completions", "openai_chat"),
        "anthropic": ("/anthropic/v1/messages", "anthropic_messages"),
    }[surface]
    snapshot = Snapshot(providers=(provider("a", upstream),))
    inside = Inside(snapshot, monkeypatch)
    body = CHAT if upstream == "openai_chat" else MESSAGE
    inside.script("a", answer(200, body))
    message = {"role": "user", "content": "hi"}
    caller = inside.call(path, {"model": "a/m", "max_tokens": 9, "messages": [message], "unknown_field": 1})
    assert caller.status == 200, caller.answer
    (row,) = inside.recorder.rows
    assert row["pass_through"] is (dialect == upstream)
    assert (caller.body == body) is (dialect == upstream)
    sent = msgspec.json.decode(inside.requests[0][1].partition(b"\r\n\r\n")[2])
    assert sent["model"] == "m"
    assert ("unknown_field" in sent) is (dialect == upstream)
    assert (caller.header(b"x-asbru-notes") is None) is (dialect == upstream)


def test_a_call_that_ends_lets_the_next_one_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one call in flight at most the second waits, unsent, and is served in the next turn after the first."""
    inside = Inside(Snapshot(providers=(provider("a"),), limits=Limits(requests_in_flight_max=1)), monkeypatch)
    first, second = inside.chat("a/m"), inside.chat("a/m")
    assert not first.answer and not second.answer
    inside.script("a", OK, OK)
    inside.play()
    assert (first.status, second.status) == (200, 200)
    assert inside.lasting.load.in_flight == 0
