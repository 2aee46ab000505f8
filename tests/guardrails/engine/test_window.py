"""Text in pieces: whatever the border, the same is replaced as in the whole text, and no part of a secret gets out."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from asbru.guardrails import GuardrailRule
from asbru.guardrails.engine import RuleSet, Seen, Window, look, redact
from asbru.guardrails.rule import Action, Replacement

TOKEN = "ghp_" + "a1B2" * 9
SECRETS = [
    TOKEN,
    "sk-ant-api03-" + "aB3_" * 20,
    "AKIAIOSFODNN7EXAMPLE",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7\n" + "abcdABCD" * 8 + "\n-----END RSA PRIVATE KEY-----",
    "xoxb-123456789012-abcdefABCDEF",
]
PROSE = "The key, as ever: {} (keep it; sk-not ghp-not) \\n{} naïve 日本 {}."


def rules(action: Action = "redact", how: Replacement = "replace", check: str = "secrets") -> RuleSet:
    """One rule."""
    return RuleSet([GuardrailRule(name="r", checks=(check,), action=action, replacement=how)], b"key")


def whole(rule_set: RuleSet, text: str) -> str:
    """What becomes of the whole text."""
    return redact([text], [look(rule, [text]) for rule in rule_set.rules], rule_set.masking).texts[0]


def flow(rule_set: RuleSet, pieces: Sequence[str]) -> list[str]:
    """What flows after each piece, and at the end."""
    window = Window(rule_set.rules, rule_set.masking, lambda seen: None, {})
    return [*(window.feed(piece) for piece in pieces), window.close()]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_cut_anywhere_never_leaves(secret: str) -> None:
    """Cut in two at each character, and in single characters: what comes out is the whole text, redacted."""
    rule_set = rules()
    text = f"It is {secret} !"
    expected = whole(rule_set, text)
    assert secret not in expected and expected.startswith("It is [") and expected.endswith("] !")
    for cut in range(1, len(text)):
        assert "".join(flow(rule_set, [text[:cut], text[cut:]])) == expected
    assert "".join(flow(rule_set, list(text))) == expected


@pytest.mark.parametrize("seed", range(40))
def test_any_borders_give_the_whole_text_redacted(seed: int) -> None:
    """Several secrets among prose, escapes and other scripts, in pieces of any size."""
    chance = random.Random(seed)
    rule_set = rules(check=chance.choice(["secrets", "pii"]))
    held = [*SECRETS, "jane.doe@example.org", "4111 1111 1111 1111", "+44 20 7946 0958"]
    text = PROSE.format(*(chance.choice(held) for _ in range(3)))
    pieces: list[str] = []
    rest = text
    while rest:
        size = chance.randint(1, 12)
        pieces.append(rest[:size])
        rest = rest[size:]
    assert "".join(flow(rule_set, pieces)) == whole(rule_set, text)


def test_text_flows_at_once() -> None:
    """Words that begin like nothing are not held, the last one neither."""
    assert flow(rules(), ["Hello", ", wor", "ld and so", " on"]) == ["Hello", ", wor", "ld and so", " on", ""]


def test_only_what_begins_like_a_secret_is_held() -> None:
    """And goes as soon as it is none."""
    assert flow(rules(), ["see gh", "p", "ost"]) == ["see ", "", "ghpost", ""]


def test_what_is_found_is_told_before_it_flows() -> None:
    """A rule that blocks raises there: nothing of the secret is out by then."""

    class Refused(Exception):
        pass

    def told(seen: Sequence[Seen]) -> None:
        if seen[0].findings:
            raise Refused

    rule_set = rules("block")
    window = Window(rule_set.rules, rule_set.masking, told, {})
    out = window.feed("take " + TOKEN[:10])
    with pytest.raises(Refused):
        out += window.feed(TOKEN[10:] + " now")
        out += window.close()
    assert out == "take "


def test_hidden_characters_do_not_help() -> None:
    """Invisible characters and escapes within a secret, over the borders of pieces."""
    rule_set = rules()
    for hidden in (TOKEN[:2] + "\u200b" + TOKEN[2:], "%67" + TOKEN[1:], "\\u0067" + TOKEN[1:]):
        for cut in range(1, len(hidden)):
            assert "".join(flow(rule_set, ["x ", hidden[:cut], hidden[cut:], " y"])) == "x [GITHUB_TOKEN] y"


def test_endless_candidates_are_bounded() -> None:
    """What goes on for ever does not fill memory."""
    rule_set = rules()
    window = Window(rule_set.rules, rule_set.masking, lambda seen: None, {})
    out = sum(len(window.feed("eyJ" + "a" * 997)) for _ in range(100))
    assert out + len(window.close()) == 100_000 and out > 60_000
