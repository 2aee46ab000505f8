"""The sums of sessions: kept with the records, each once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.fakes.books import row

from asbru.core.money import PriceRow
from asbru.records.reprice import reprice
from asbru.records.sessions import add, search
from asbru.records.store import RecordStore
from asbru.storage import Database

BEGAN_MS = 1_795_000_000_000


def call(number: int, **changed: object) -> tuple[object, ...]:
    """A call of a session that went well: 6 tokens in (one of them from a cache), 4 out, 1 nano-dollar, 2 ms."""
    plain = {"session": "s1", "caller": "ann", "agent": "claude-cli", "team": "blue", "customer": "", "outcome": "ok"}
    served = {"provider": "openai", "model_served": "gpt", "surface": "openai.chat", "latency_us": 2_000}
    return row(number, **{**plain, **served, "image_input_tokens": 1, "image_output_tokens": 1, **changed})


def write(url: str, *batches: list[tuple[object, ...]]) -> None:
    """Records, as the bookkeeper writes them: each list in a transaction."""
    store = RecordStore(url)
    store.open()
    for batch in batches:
        store.keep(msgspec.msgpack.encode(batch))
        assert store.commit(0)
    store.close()


def sessions(url: str) -> list[dict[str, Any]]:
    """All of them, the latest first."""
    return search.search(url, search.Wanted(), since_ms=0, until_ms=BEGAN_MS * 2).items


def test_a_session_adds_up_its_calls(url: str) -> None:
    """Models, calls to tools, failures, tokens and cost of several transactions; first and last time; once, however
    often a batch comes."""
    first = [call(1), call(2, model_served="mini", cost_nanousd=None, latency_us=9_000), row(3, session="")]
    tool = {"surface": "mcp.tool", "provider": "docs", "model_served": "look", "input_tokens": None}
    second = [call(7, cost_nanousd=5), call(8, **tool, outcome="error", agent=""), call(0)]
    write(url, first, second, second)
    (one,) = sessions(url)
    assert one == {
        "id": add.session_id("ann", "blue", "s1"),
        "caller": "ann",
        "team": "blue",
        "session": "s1",
        "customer": "",
        "agent": "claude-cli",
        "first_ms": BEGAN_MS,
        "last_ms": BEGAN_MS + 11,
        "calls": 4,
        "tool_calls": 1,
        "failed": 1,
        "unpriced": 1,
        "input_tokens": 4 * 6 + 5,
        "cached_tokens": 5,
        "output_tokens": 5 * 4,
        "cost_nanousd": 1 + 5 + 1 + 1,
        "models": ["openai/gpt", "openai/mini"],
    }
    assert search.by_id(url, one["id"]) == one


def test_a_session_is_of_one_caller_in_one_team(url: str) -> None:
    """Whoever names the session of another, or called before it came to a team, has one of its own."""
    write(url, [call(1), call(2, caller="bob"), call(3, team="red")])
    assert {(one["caller"], one["team"], one["calls"]) for one in sessions(url)} == {
        ("ann", "blue", 1),
        ("bob", "blue", 1),
        ("ann", "red", 1),
    }


def test_models_of_a_session_are_bounded(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session that calls a model of another name each time does not grow; a name within another is told apart."""
    monkeypatch.setattr(add, "_ADD", add._ADD.replace(f"> {add.MODELS_CHARS_MAX}", "> 60"))
    write(url, *([call(number, model_served=f"gpt-{number}")] for number in (10, 1, 2, 3, 4, 5, 6)))
    (one,) = sessions(url)
    assert one["calls"] == 7 and one["models"][:2] == ["openai/gpt-10", "openai/gpt-1"]
    assert len(one["models"]) == 5


def test_removed_records_are_taken_out(url: str, database: Database) -> None:
    """Of a session that keeps some only what they added; one without any is gone."""
    write(url, [call(1), call(2, cost_nanousd=5), call(3, session="s2")])
    add.take_records(database, [call(1), call(3, session="s2")])
    (one,) = sessions(url)
    assert (one["session"], one["calls"], one["cost_nanousd"]) == ("s1", 1, 5)


def test_a_record_that_is_no_record_counts_nowhere(url: str, database: Database) -> None:
    """Words for numbers, or numbers for words, do not keep the others from being written."""
    add.add_records(database, [call(1, latency_us="long"), call(2, surface=5), call(3)])
    assert [one["calls"] for one in sessions(url)] == [1]


def test_a_price_that_changes_changes_the_session(url: str, database: Database) -> None:
    """Records that are priced anew, those without a cost too, are so in the sum of their session."""
    plain = dict.fromkeys((f"{name}_tokens" for name in ("cache_read", "cache_write_5m", "cache_write_1h")), 0)
    plain |= dict.fromkeys(("reasoning_tokens", "audio_input_tokens", "audio_output_tokens"), 0)
    plain |= {"image_input_tokens": 0, "image_output_tokens": 0, "units": "", "attempts": 1, "standard": 1}
    tokens = {"input_tokens": 10, "output_tokens": 0}
    write(url, [call(1, **plain, **tokens, cost_nanousd=None), call(2, **plain, **tokens, cost_nanousd=7)])
    assert [(one["cost_nanousd"], one["unpriced"]) for one in sessions(url)] == [(7, 1)]
    prices = (PriceRow(300_000_000, 0, 0, 0, 0, 0, 0),)
    reprice(database, lambda provider, model: (prices, {}), 0, wait=lambda: None)
    assert [(one["cost_nanousd"], one["unpriced"]) for one in sessions(url)] == [(6000, 0)]
