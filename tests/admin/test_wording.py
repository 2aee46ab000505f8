"""Why a body is not understood: words for people, whatever the reader of bodies calls it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fakes.management import managed

from asbru.admin.wording import explain
from asbru.app.api_kinds import COMPILED_KINDS
from asbru.governance.declared import Team


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"name": "a", "custmer": "x"}, "unknown member 'custmer'; did you mean 'customer'?"),
        ({"name": "a", "zzzzzz": "x"}, "unknown member 'zzzzzz'"),
        ({}, "'name' is missing"),
        ({"name": 1}, "name: expected text, got a whole number"),
        ({"name": "a/b"}, "name: expected letters, digits and `.`, `_`, `-`, a letter or a digit first, 128 at most"),
        ({"name": "a", "budgets": {}}, "budgets: expected a list, got an object"),
        ({"name": "a", "customer": 1}, "customer: expected text or null, got a whole number"),
        ({"name": "a", "budgets": [{"amount": 1}]}, "budgets.0: unknown member 'amount'"),
        ({"name": "a", "budgets": [{"amount_usd": -1}]}, "budgets.0.amount_usd: expected a number > 0.0"),
        (
            {"name": "a", "budgets": [{"amount_usd": 1, "window": "5x"}]},
            "budgets.0.window: expected a window such as 30s, 1h, 1d or 1M, or `run`",
        ),
        (
            {"name": "a", "rate_limits": [{"metric": "request", "amount": 1}]},
            "rate_limits.0.metric: unknown value 'request'; expected one of 'concurrency', 'input_tokens', "
            "'output_tokens', 'requests', 'tokens'",
        ),
    ],
)
def test_words_of_a_mistake(body: dict[str, Any], words: str) -> None:
    """The place first, then what was expected; no type and no regular expression of the language."""
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(body, Team)
    assert explain(refused.value, Team) == words


def test_another_form() -> None:
    """A pattern without words of its own is not shown."""
    error = msgspec.ValidationError("Expected `str` matching regex '^x$' - at `$.at`")
    assert explain(error, Team) == "at: expected another form"


def test_forms_of_every_kind(tmp_path: Path) -> None:
    """Kinds of the packages above bring words for their own patterns."""
    with managed(tmp_path, *COMPILED_KINDS) as api:
        for noun, body in (
            ("providers", {"name": "A b"}),
            ("fallbacks", {"from": "a/b", "to": ["c"]}),
            ("routing-rules", {"name": "a;b", "to": [{"model": "x"}]}),
            ("prices", {"name": "x", "input": 1, "output": 1}),
        ):
            message = api.ask("POST", noun, body, status=422)["error"]["message"]
            assert "expected" in message and "another form" not in message, message
