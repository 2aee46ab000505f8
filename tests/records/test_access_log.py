"""The access log: a line for each call."""

from __future__ import annotations

import json

import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.snapshot import Snapshot
from asbru.telemetry.log import FORMAT_VARIABLE

OK = answer(
    200,
    b'{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"ok"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,'
    b'"total_tokens":5}}',
)


@pytest.mark.parametrize("access", [True, False])
def test_a_call_has_its_line_where_it_is_on(
    access: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On, each call is one line with the names and figures of its record, which is kept all the same; off, none."""
    monkeypatch.setenv(FORMAT_VARIABLE, "json")
    inside = Inside(Snapshot(providers=(provider("a"),), access_log=access), monkeypatch)
    inside.script("a", OK)
    assert inside.chat("a/m").status == 200
    inside.chat("nobody/m")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(inside.recorder.rows) == 2
    if not access:
        assert lines == []
        return
    good, bad = lines
    row = inside.recorder.rows[0]
    assert (good["event"], good["id"], good["status"], good["key_name"]) == ("call", row["id"], 200, "a-1")
    assert (good["input_tokens"], good["output_tokens"], good["stream"]) == (3, 2, False)
    assert "error_code" not in good
    assert (bad["status"], bad["outcome"], bad["error_code"]) == (404, "refused", "model_not_found")


def test_a_reload_turns_it_on_and_off(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """It is a live setting."""
    snapshot = Snapshot(providers=(provider("a"),), access_log=True)
    inside = Inside(snapshot, monkeypatch)
    inside.chat("nobody/m")
    inside.load(Snapshot(providers=(provider("a"),)))
    inside.chat("nobody/m")
    assert capsys.readouterr().err.count(" call id=req_") == 1
