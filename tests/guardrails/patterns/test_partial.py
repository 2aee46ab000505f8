"""What a pattern may still become: every beginning of every match is seen, whatever the pattern is made of."""

from __future__ import annotations

import pytest

from asbru.guardrails.patterns import Beginnings, PatternError

CASES = [
    (r"sk-[a-z]{5}", "sk-abcde"),
    (r"\bsk-(?:ant|proj)-[a-z]{3,}\b", "sk-ant-abcdef"),
    (r"(?i)(?:pass|word)[ :=]{1,3}(\S{4,8})", "PASS: abcd12"),
    (r"a(bc){2,3}d", "abcbcd"),
    (r"(?P<x>ab|cd)+?e", "abcdabe"),
    (r"foo|ba+r$", "baaar"),
    (r"[]a-c[:digit:]]{2,4}\x2a\x{62}\pL", "]1c*bz"),
    (r"-----BEGIN[ A-Z]{1,20}-----[\s\S]{3,}?-----END-----", "-----BEGIN RSA KEY-----abc\ndef-----END-----"),
    (r"\b[a-z]{1,9}@(?:[a-z]{1,5}\.){1,3}[a-z]{2,4}\b", "me@a.bc.org"),
]


@pytest.mark.parametrize(("pattern", "match"), CASES)
def test_each_beginning_of_a_match_is_seen(pattern: str, match: str) -> None:
    """Cut anywhere, with text before it: the beginning is where the match will be, or before."""
    beginnings = Beginnings([pattern])
    for cut in range(1, len(match)):
        assert beginnings.first("é; " + match[:cut]) == 3


@pytest.mark.parametrize(("pattern", "text"), [(r"\bsk-[a-z]{5}", "a task"), (r"AKIA[A-Z0-9]{16}", "see AKIx")])
def test_text_that_cannot_become_a_match_is_let_go(pattern: str, text: str) -> None:
    """A word that only looks alike holds nothing back."""
    assert Beginnings([pattern]).first(text) == len(text)


@pytest.mark.parametrize("pattern", ["(a", "a)", "[a", "a\\", r"\Qab\E", "(?P<x>a", "(" * 200 + ")" * 200, r"(?=a)b"])
def test_patterns_that_cannot_be_read_are_refused(pattern: str) -> None:
    """Also what RE2 does not take, such as look-ahead."""
    with pytest.raises(PatternError):
        Beginnings([pattern])
