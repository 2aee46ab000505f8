"""Which refusals are recorded."""

from __future__ import annotations

import pytest
from tests.fakes.inside import Inside, provider

from asbru.app.snapshot import Snapshot
from asbru.pipeline import refusals
from asbru.pipeline.refusals import RECORDED_MAX, Refusals

PATH = "/v1/chat/completions"


def test_a_few_of_each_reason_and_address() -> None:
    """In each second."""
    taken = Refusals()
    assert [taken.take("no", "1.2.3.4", 5.0) for _ in range(RECORDED_MAX + 2)] == [True] * RECORDED_MAX + [False] * 2
    assert taken.take("no", "1.2.3.5", 5.9) and taken.take("other", "1.2.3.4", 5.9)
    assert not taken.take("no", "1.2.3.4", 5.9)
    assert taken.take("no", "1.2.3.4", 6.0)


def test_addresses_without_number_share(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more is remembered than the bound."""
    monkeypatch.setattr(refusals, "KINDS_MAX", 10)
    taken = Refusals()
    assert [taken.take("no", str(number), 5.0) for number in range(100)].count(True) == 10 + RECORDED_MAX
    assert len(taken._recorded) == 11


def test_calls_without_a_key_are_counted_and_not_all_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The metrics know each of them, the records a few; calls with a key are all recorded."""
    inside = Inside(Snapshot(providers=(provider("a"),)), monkeypatch)
    for _ in range(3 * RECORDED_MAX):
        assert inside.call(PATH, {}, key="sk-asb-wrong").status == 401
    assert len(inside.recorder.rows) == RECORDED_MAX
    inside.now_s += 2
    inside.call(PATH, {}, key="sk-asb-wrong")
    assert len(inside.recorder.rows) == RECORDED_MAX + 1
    collected = inside.lasting.meter.collect_delta(everything=True)
    assert collected is not None
    assert sum(count for labels, count, *_ in collected[0] if 401 in labels) == 3 * RECORDED_MAX + 1
    before = len(inside.recorder.rows)
    for _ in range(3 * RECORDED_MAX):
        inside.call(PATH, {"model": "nobody/m", "messages": []})
    assert len(inside.recorder.rows) == before + 3 * RECORDED_MAX
