"""The circuit breaker over the whole path: what callers wait for, what providers are spared, and what is told."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from tests.fakes.inside import Inside, answer, provider
from tests.pipeline.test_attempts import OK, RESET, TWO_KEYS, keys_used, said

from asbru.app.snapshot import Fallback, Snapshot
from asbru.routing import RetryPolicy
from asbru.routing.breaker import BreakerSettings, CircuitName

Make = Callable[..., Inside]
BAD = (*[said(500)] * 1000,)


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Make:
    """A gateway with a and b, a falling back to b; circuits open after three failures, for 10 s."""

    def make(*, fallback: bool = True, breaker: BreakerSettings | None = None, **changed: object) -> Inside:
        fallbacks = (Fallback(source="a/m", targets=("b/m",)),) if fallback else ()
        settings = breaker or BreakerSettings(failures=3, open_s=10.0)
        providers = (provider("a", **changed), provider("b"))
        return Inside(Snapshot(providers=providers, fallbacks=fallbacks, breaker=settings), monkeypatch)

    return make


def served(inside: Inside) -> tuple[int, str]:
    """The status and the provider of one more call."""
    caller = inside.chat("a/m")
    return caller.status, (caller.header(b"x-asbru-provider") or b"").decode()


@pytest.mark.parametrize("fault", [said(500), RESET, answer(200, b"<html>"), (OK[:-9],)])
def test_a_dead_primary_is_let_alone(make: Make, fault: bytes | Exception | tuple[bytes, ...]) -> None:
    """Dead for a minute at one call a second: no caller notices, and it is asked at most three times once opened."""
    inside = make()
    inside.script("a", *[fault] * 1000)
    inside.script("b", *[OK] * 1000)
    for second in range(60):
        inside.now_s = 1000.0 + second
        assert served(inside) == (200, "b")
    assert [key[0] for key in keys_used(inside)].count("a") - 3 <= 3
    log = json.loads(inside.recorder.rows[-1]["attempt_log"])
    assert [(one["provider"], one["outcome"]) for one in log] == [("a", "passed_over"), ("b", "ok")]
    assert "circuit is open" in log[0]["reason"]


def test_it_comes_back(make: Make) -> None:
    """One call is the probe; when it succeeds, calls go to the primary again."""
    inside = make()
    inside.script("a", *[said(500)] * 3)
    inside.script("b", *[OK] * 9)
    assert [served(inside)[1] for _ in range(3)] == ["b", "b", "b"]
    inside.script("a", *[OK] * 9)
    inside.now_s += 10.0
    assert [served(inside)[1] for _ in range(3)] == ["a", "a", "a"]
    assert not inside.lasting.breaker.circuits


def test_a_probe_is_one_attempt(make: Make) -> None:
    """A probe that fails is not retried: its caller goes to the fallback at once."""
    inside = make()
    inside.script("a", *BAD)
    inside.script("b", *[OK] * 9)
    served(inside)
    before = len(inside.requests)
    inside.now_s += 10.0
    assert served(inside) == (200, "b")
    assert keys_used(inside)[before:] == ["a1", "b1"]
    assert served(inside) == (200, "b")
    assert keys_used(inside)[before + 2 :] == ["b1"]


def test_nobody_else_probes_meanwhile(make: Make) -> None:
    """While one call waits for the provider that it probes, others go to the fallback."""
    inside = make()
    inside.script("a", *[said(500)] * 3)
    inside.script("b", *[OK] * 9)
    served(inside)
    inside.now_s += 10.0
    probing = inside.chat("a/m")
    assert not probing.answer
    assert served(inside) == (200, "b")
    inside.script("a", OK)
    inside.play()
    assert probing.status == 200


def test_another_key_is_tried_before_another_target(make: Make) -> None:
    """Circuits are of target and key: one that fails is let alone while the other serves."""
    inside = make(keys=TWO_KEYS, retries=RetryPolicy(max=2, pause_initial_s=0.0))
    breaker = inside.lasting.breaker
    for _ in range(3):
        breaker.fail(CircuitName("a", "m", "1"), inside.now_s)
    inside.script("a", *[OK] * 9)
    for _ in range(3):
        served(inside)
    assert keys_used(inside) == ["a2", "a2", "a2"]
    inside.now_s += 10.0
    served(inside)
    assert keys_used(inside)[3:] == ["a1"]


def test_what_there_is_nothing_else_for_is_tried(make: Make) -> None:
    """Without a fallback an open circuit refuses nobody, and retries go on as ever; the same where all are open."""
    inside = make(fallback=False)
    inside.script("a", *[said(500)] * 5, OK)
    assert (served(inside)[0], served(inside)[0]) == (500, 200)
    inside = make()
    inside.script("a", *BAD)
    inside.script("b", *BAD)
    for _ in range(4):
        assert served(inside) == (500, "a")
    assert len(keys_used(inside)) == 3 + 3 + 3 * 2


@pytest.mark.parametrize("status", [400, 401, 404, 408, 422, 429])
def test_what_says_nothing_about_health(make: Make, status: int) -> None:
    """What the caller, the key or a limit is to blame for opens no circuit."""
    inside = make()
    inside.script("a", *[said(status)] * 9)
    inside.script("b", *[OK] * 9)
    for _ in range(5):
        inside.now_s += 120.0
        served(inside)
    assert not inside.lasting.breaker.circuits


def test_a_stream_that_breaks_off_counts(make: Make) -> None:
    """Though its beginning was a success."""
    start = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":'
    content = start + b'{"content":"x"}}]}\n\n'
    head = b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    inside = make()
    inside.script("a", *[(head + b"%x\r\n%b\r\n" % (len(content), content),)] * 3)
    inside.script("b", OK)
    for _ in range(3):
        assert inside.chat("a/m", stream=True).status == 200
    assert served(inside) == (200, "b")


def test_it_is_told(make: Make, capsys: pytest.CaptureFixture[str]) -> None:
    """In the log when it opens and closes, and in the metrics how many are open and how often."""
    inside = make()
    inside.script("a", *[said(500)] * 3, OK)
    inside.script("b", OK)
    served(inside)
    collected = inside.lasting.meter.collect_delta(everything=True)
    assert collected is not None
    _, _, counters, gauges = collected
    assert ("asbru_circuits_opened_total", ("a",), 1) in counters
    assert {labels for name, labels, _ in gauges if name == "asbru_circuits"} == {
        (one, state) for one in "ab" for state in ("open", "half_open")
    }
    inside.now_s += 10.0
    served(inside)
    said_ = capsys.readouterr().err
    assert "circuit opens" in said_ and "circuit closes" in said_


def test_it_can_be_switched_off(make: Make) -> None:
    """Then every call tries the target that was asked for, as often as retries say."""
    inside = make(breaker=BreakerSettings(enabled=False))
    inside.script("a", *BAD)
    inside.script("b", *[OK] * 9)
    for _ in range(4):
        served(inside)
    assert keys_used(inside).count("a1") == 12
    rooms = inside.door.rooms
    assert rooms is not None and rooms.breaker is None


def test_circuits_outlive_a_snapshot(make: Make) -> None:
    """A reload does not send calls to what is known to be dead."""
    inside = make()
    inside.script("a", *BAD)
    inside.script("b", *[OK] * 9)
    served(inside)
    before = len(inside.requests)
    inside.load(
        Snapshot(providers=(provider("a"), provider("b")), fallbacks=(Fallback(source="a/m", targets=("b/m",)),))
    )
    assert served(inside) == (200, "b")
    assert len(inside.requests) == before + 1
