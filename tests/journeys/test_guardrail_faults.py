"""Bad input and faults of guardrails and cache, and where each is shown.

    fault                                           test
    a secret cut by chunks, at any byte             guardrails/engine/test_window, pipeline/guarding/test_pieces
    a secret in base64, URL encoding, JSON escapes  guardrails/test_checks: secrets_are_found_in_disguise
    zero-width characters                           guardrails/engine/test_window: hidden_characters_do_not_help
    a secret in any field, surface, mode, tool      pipeline/guarding/test_texts, test_streams, test_proof
    200 KB prompts                                  proofs/guardrails; here
    regular-expression bombs                        here
    a check that hangs                              here
    a check that errs                               pipeline/guarding/test_stage, test_streams
    a service that refuses, or answers nonsense     guardrails/checks/test_asking
    a text longer than a service takes              guardrails/checks/test_asking
    a store of entries or vectors that is away      cache/remote, cache/redis; clients/test_shared_cache
    vectors of another length or model              clients/test_vector_search; cache/semantic/test_vectors
    poisoned entries                                cache/redis, cache/remote/test_seal; clients/test_vector_search
    two callers who must not see each other's       pipeline/caching/test_step, test_kept, test_meaning
    partial, errored, refused replies               pipeline/caching/test_step, test_kept

A secret split over two messages is not found: each text is looked at by itself, so that a redaction of one does not
depend on what follows.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.snapshot import Snapshot
from asbru.guardrails import GuardrailRule, GuardrailSettings
from asbru.guardrails.checks import make_judge


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*a){12}$", "(a*)*b", "([a-z]+)*=", "(x+x+)+y"])
def test_a_pattern_that_would_backtrack_for_ever_does_not(pattern: str) -> None:
    """Time grows with the text and not with its powers: 200 KB that a backtracking engine never finishes."""
    judge: Any = make_judge("regex", {"patterns": {"bomb": pattern}})
    for text in ("a" * 200_000 + "!", "ax" * 100_000 + "!"):
        judge.judge([text])
        judge.held(text[:2_000])


@pytest.mark.parametrize("pattern", ["((a{100}){100}){100}", "(\\pL{500}){500}", "a{1001}"])
def test_a_pattern_that_would_fill_the_memory_is_refused(pattern: str) -> None:
    """When it is declared, and by its name."""
    with pytest.raises(ValueError, match="'bomb' cannot be used"):
        make_judge("regex", {"patterns": {"bomb": pattern}})


@pytest.mark.parametrize("on_error", ["open", "closed"])
def test_a_check_that_hangs(monkeypatch: pytest.MonkeyPatch, on_error: str) -> None:
    """After the rule's own time it has failed: the call goes on, or is refused, and the record tells."""
    checks = [{"judge": {"model": "judge/m", "criteria": "no poems"}}]
    declared = {"name": "slow", "checks": checks, "places": ["input"], "on_error": on_error, "timeout_ms": 500}
    rules = (msgspec.convert(declared, GuardrailRule),)
    snapshot = Snapshot(providers=(provider("a"), provider("judge")), guardrails=GuardrailSettings(rules=rules))
    inside = Inside(snapshot, monkeypatch)
    inside.script("judge", b"HTTP/1.1 200 OK\r\n")
    inside.script("a", answer(200, b'{"choices":[{"index":0,"message":{"role":"assistant","content":"x"}}]}'))
    caller = inside.chat("a/m")
    assert caller.status == (200 if on_error == "open" else 503)
    assert f"failed_{on_error}" in inside.recorder.rows[-1]["guardrails"]
