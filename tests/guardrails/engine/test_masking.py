"""What takes the place of findings: the same for the same text, key and rules, and for nothing else."""

from __future__ import annotations

import re
import subprocess
import sys

from asbru.guardrails import GuardrailRule
from asbru.guardrails.engine import PLACEHOLDER, RuleSet, look, redact
from asbru.guardrails.engine.masking import Masking

TURNS = ["my key is ghp_" + "a1B2" * 9, "thanks", "and AKIAIOSFODNN7EXAMPLE, mail me@example.org"]
CODE = (
    "from asbru.guardrails.engine.masking import Masking; "
    "print(Masking(b'k', 'v').replace('secret', 'github_token', 'placeholder'))"
)


def test_each_turn_is_redacted_alike() -> None:
    """A conversation that grows: what was there before is replaced by the same bytes, by every worker."""
    rule = GuardrailRule(name="r", checks=("secrets", "pii"), action="redact", replacement="placeholder")
    before: list[str] = []
    for count in range(1, len(TURNS) + 1):
        rule_set = RuleSet([rule], b"key")  # another worker, or after a restart
        texts = TURNS[:count]
        after = redact(texts, [look(one, texts) for one in rule_set.rules], rule_set.masking).texts
        assert after[: len(before)] == before
        before = after


def test_another_process_makes_the_same() -> None:
    """Nothing depends on the process: no salted hashes, no counters, no clock."""
    ran = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == Masking(b"k", "v").replace("secret", "github_token", "placeholder")


def test_key_and_version_decide() -> None:
    """Whoever has another key or other rules cannot tell that two texts are the same."""
    said = {Masking(key, version).replace("x", "email", "hash") for key in (b"a", b"b") for version in ("1", "2")}
    assert len(said) == 4


def test_the_version_is_that_of_what_decides() -> None:
    """Other settings are another version; a rule that is off, or credentials, are not."""
    one = GuardrailRule(name="a", checks=("secrets",))
    other = GuardrailRule(name="a", checks=({"secrets": {"generic": True}},))
    off = GuardrailRule(name="b", checks=("pii",), enabled=False)
    assert RuleSet([one], b"k").version == RuleSet([one, off], b"").version != RuleSet([other], b"k").version


def test_placeholders_have_one_form() -> None:
    """By which they are found again; whatever the kind is called."""
    for kind in ("email", "my-kind", "9lives", "é" * 100):
        assert re.fullmatch(PLACEHOLDER, Masking(b"k", "v").replace("x", kind, "placeholder"))


def test_masks_tell_neither_text_nor_length() -> None:
    """Asterisks, at most 16."""
    masking = Masking(b"k", "v")
    assert masking.replace("abcde", "word", "mask") == "*****" and masking.replace("a" * 99, "x", "mask") == "*" * 16
    assert masking.replace("abc", "word", "replace") == "[WORD]"
