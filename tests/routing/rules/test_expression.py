"""Conditions: what is taken, what is refused and where, and that no text makes one run for long or end the process."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.routing.rules.expression import MAPS, VARIABLES, Condition, check_rule, make_context
from asbru.routing.rules.rule import CONDITION_CHARS_MAX

TAKEN = [
    "",
    "  ",
    "true",
    "model == 'gpt-5'",
    "budget_used > 80.0 && model.startsWith('gpt-4')",
    "budget_used > 80 || tokens_used >= 90.5",
    'headers["user-agent"].contains("claude-cli")',
    'headers.via != "x" || !("x-env" in headers)',
    'has(tags.team) && tags.team in ["a", "b"]',
    'params["beta"] == "true" ? size(model) > 3 : request > 50.0',
    "surface == 'openai' && request_type == 'chat' && provider + '/' + model == 'openai/gpt-5'",
    "virtual_key_name == 'a' || team_id == 'b' || customer_name == 'c' || virtual_key_id == 'd'",
]


@pytest.mark.parametrize("text", TAKEN)
def test_what_is_taken(text: str) -> None:
    """Conditions of the guide, and those that people bring along."""
    assert check_rule(text) == []


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("model ==", (1, 9), "Syntax error"),
        ("true &&\n  modl == 'x'", (2, 3), "unknown variable 'modl'"),
        ("model.matches('(a+)+')", (1, 7), "'matches' cannot be used"),
        ("[1, 2].exists(x, x == 1)", (1, 8), "cannot contain loops"),
        ("[1, 2].map(model, model) == [1]", (1, 8), "cannot contain loops"),
        ("[1].all(model, true)", (1, 5), "cannot contain loops"),
        ("budget_used / 0 > 1", (1, 13), "'/' cannot be used"),
        ("model", (1, 1), "got str"),
        ("model > 3", (1, 1), "overload"),
        ("model + budget_used == 'x'", (1, 1), "nsupported"),
        ("size(headers) > 3", (1, 6), 'expected headers["name"]'),
        ("headers[model] == 'x'", (1, 1), 'expected headers["name"]'),
        ('headers["User-Agent"] == "x"', (1, 1), "lower case"),
        ('headers["a\\"b"] == "x"', (1, 1), "lower case"),
        ('model == r"x"', (1, 11), "plain string"),
        ('model == """x"""', (1, 12), "plain string"),
        ("true // model", (1, 6), "cannot contain comments"),
        ("(" * 300 + "true" + ")" * 300, (1, 97), ""),
        ("x" * (CONDITION_CHARS_MAX + 1), (1, 1), "at most 1000 characters"),
        ("now() > 1", (1, 1), "'now' cannot be used"),
        ("cel.bind(x, 1, x > 1)", (1, 5), "cannot contain loops"),
    ],
)
def test_what_is_refused(text: str, place: tuple[int, int], words: str) -> None:
    """Each complaint says what is wrong, and where."""
    first = check_rule(text)[0]
    assert words in first.message
    assert (first.line, first.column) == place
    assert str(first).startswith(f"line {place[0]}, column {place[1]}: ")


def holds(text: str, **values: object) -> bool:
    """Whether a condition holds for these values, all else being empty."""
    return Condition(text).holds(make_context({**VARIABLES, **{one: {} for one in MAPS}, **values}))


def test_names_are_known_beforehand() -> None:
    """What a condition reads of each map stands in its text."""
    condition = Condition(
        'headers["a"] == "x" || headers.b == "y" || "c" in headers || tags.t == "z" && model == "m"'
    )
    assert condition.names == {"headers": {"a", "b", "c"}, "tags": {"t"}}
    assert condition.reads == {"headers", "tags", "model"}


def test_a_word_in_a_string_is_no_name() -> None:
    """Text inside a string is neither a variable, nor a loop, nor a comment."""
    text = """model == "headers.map(x, y) // 'headers'" || model == 'a\\'headers[b]'"""
    assert check_rule(text) == []
    assert Condition(text).names == {}


def test_a_missing_name_is_an_error_unless_it_does_not_matter() -> None:
    """A name that is not there makes a condition fail, but not where the other side of `||` holds, or `in` asks."""
    with pytest.raises(KeyError):
        holds('headers["x"] != "a"')
    assert holds('headers["x"] == "a" || model == "m"', model="m")
    assert holds('!("x" in headers) && !has(headers.y)')


@pytest.mark.parametrize(
    "piece", ["!", "-", "(", "[", "{1:", "x+", "model.", "a?", "true&&", "model[0]", "size(", '"']
)
def test_what_is_nested_deeply_ends(piece: str) -> None:
    """Texts as long as may be, of one piece again and again, are judged; nothing overflows a stack."""
    for end in ("", "true", "model"):
        check_rule((piece * CONDITION_CHARS_MAX)[: CONDITION_CHARS_MAX - len(end)] + end)


@given(st.text(alphabet="amodelhrsn()[]{}\"'!&|?:.,+-*<>=/\\ \n019", max_size=60))
def test_any_text_is_judged(text: str) -> None:
    """Whatever is written, there are problems, or it can be asked."""
    if not check_rule(text) and text.strip():
        try:
            assert holds(text) in (True, False)
        except Exception as error:  # noqa: BLE001 -- the engine's, which rules count as false
            assert isinstance(error, (KeyError, TypeError, ArithmeticError, RuntimeError, ValueError)), error


def test_nothing_is_loaded_without_a_condition() -> None:
    """The engine is loaded with the first condition, and the command line of its package never is."""
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from asbru.routing.rules import check_rule, Rules; Rules(()); check_rule('');"
            "import importlib.util as u; before = [m for m in sys.modules if m.split('.')[0] == 'cel'];"
            "check_rule('true'); print(before, [m for m in ('typer', 'rich', 'cel.cli') if m in sys.modules])",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "[] []"
