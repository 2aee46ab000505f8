"""What is charged by the piece: from the reply or the request to the record, its cost, and what limits reserve."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.fakes.inside import Inside, answer, provider
from tests.pipeline.test_leases import Governed

from asbru.app.snapshot import Snapshot
from asbru.catalog import MatchClause, PricedModel
from asbru.core.money import MTOK, PriceRow
from asbru.governance.entries import LimitEntry

OPERATIONS = ("chat", "embeddings", "moderations", "rerank", "ocr")
ANY = MatchClause("starts_with", "")
PRICES = (PricedModel("m", ANY, units={"page": 1_000_000 * MTOK, "request": 0, "search": 2_000_000 * MTOK}),)
OCR = {"pages": [{"index": 0, "markdown": "hi"}], "model": "m", "usage_info": {"pages_processed": 3}}
RERANK = {"results": [{"index": 0, "relevance_score": 1.0}]}
MODERATION = {"id": "m", "model": "m", "results": [{"flagged": False}]}


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Inside:
    """A gateway with a provider that charges by the piece."""
    facts = provider("openai", operations=OPERATIONS, prices=PRICES)
    return Inside(Snapshot(providers=(facts,)), monkeypatch)


def asked(inside: Inside, path: str, body: dict[str, Any], reply: dict[str, Any]) -> dict[str, Any]:
    """The record of a call that is answered with `reply`."""
    inside.script("openai", answer(200, json.dumps(reply).encode()))
    caller = inside.call(path, body)
    assert (caller.status, json.loads(caller.body)) == (200, reply)
    return inside.recorder.rows[-1]


@pytest.mark.parametrize(
    ("path", "reply", "charged"),
    [
        ("/v1/ocr", OCR, ({"page": 3}, 3_000_000)),
        ("/v1/rerank", {**RERANK, "meta": {"billed_units": {"search_units": 1}}}, ({"search": 1}, 2_000_000)),
        ("/v1/moderations", MODERATION, ({"request": 1}, 0)),
        ("/v1/ocr", {**OCR, "document_annotation": "{}"}, ({"page": 3}, None)),
    ],
)
def test_units_are_recorded_and_priced(
    inside: Inside, path: str, reply: dict[str, Any], charged: tuple[dict[str, int], int | None]
) -> None:
    """Pages, searches and requests; what has another price makes the cost unknown, not wrong."""
    row = asked(inside, path, {"model": "openai/m", "input": "hi"}, reply)
    assert (json.loads(row["units"]), row["cost_nanousd"], row["usage_source"]) == (*charged, "provider")
    assert (row["input_tokens"], row["output_tokens"], row["image_input_tokens"]) == (0, 0, 0)


def test_tokens_without_a_price_make_the_cost_unknown(inside: Inside) -> None:
    """A reply that tells tokens is charged by them."""
    reply = {**RERANK, "usage": {"prompt_tokens": 5, "total_tokens": 5}}
    row = asked(inside, "/v1/rerank", {"model": "openai/m", "query": "a", "documents": ["b"]}, reply)
    assert (row["input_tokens"], row["units"], row["cost_nanousd"]) == (5, "", None)


def test_what_tells_nothing_is_charged_by_the_request_only_where_that_is_its_price(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A model with a price per token that tells no usage has an unknown cost, whatever a request costs."""
    row = PriceRow(1, 1, 1, 1, 1, 1, 1)
    both = PricedModel("m", ANY, (row,), units={"request": 0})
    facts = provider("openai", operations=OPERATIONS, prices=(both,))
    row_of = asked(Inside(Snapshot(providers=(facts,)), monkeypatch), "/v1/moderations", {"input": "x"}, MODERATION)
    assert (row_of["cost_nanousd"], row_of["usage_source"], row_of["units"]) == (None, "none", "")


def test_a_count_that_cannot_be_true_is_unknown(inside: Inside) -> None:
    """More units than any call can have are a provider's mistake."""
    row = asked(inside, "/v1/ocr", {"model": "openai/m"}, {**OCR, "usage_info": {"pages_processed": 10**12}})
    assert (row["units"], row["cost_nanousd"], row["usage_source"]) == ("", None, "none")
    assert "not plausible" in row["notes"]


def test_a_moderation_needs_no_model(inside: Inside) -> None:
    """OpenAI's default is filled in: it decides where the call goes, and what may be asked."""
    row = asked(inside, "/v1/moderations", {"input": "hi"}, MODERATION)
    assert (row["model_asked"], row["model_served"]) == ("omni-moderation-latest",) * 2
    assert json.loads(inside.requests[-1][1].partition(b"\r\n\r\n")[2]) == {
        "model": "omni-moderation-latest",
        "input": "hi",
    }


@pytest.mark.parametrize(("pages", "room", "status"), [([0, 1], 2_000_000, 0), ([0, 1, 2], 2_000_000, 402)])
def test_limits_reserve_the_pages(pages: list[int], room: int, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is sent, a call has the most that it may be charged by the piece reserved, and no tokens."""
    cost = LimitEntry("key/test/cost", "cost", room, "1d")
    tokens = LimitEntry("key/test/tokens", "tokens", 1, "1d")
    governed = Governed(monkeypatch, cost, tokens)
    governed.inside.load(Snapshot(providers=(provider("x", operations=OPERATIONS, prices=PRICES),)))
    governed.know(cost, tokens)
    caller = governed.play(governed.inside.call("/v1/ocr", {"model": "x/m", "pages": pages}))
    assert (caller.status if caller.answer else 0) == status
