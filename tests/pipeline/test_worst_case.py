"""The most that a call may cost: the dearest bucket and key, and what is charged by the piece."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.fakes.forms import FORM_LINE, Field, form

from asbru.catalog import MatchClause, PriceBook, PricedModel
from asbru.core.money import MTOK, PriceRow
from asbru.core.ports import ResponsePort
from asbru.core.usage import Unit, Usage
from asbru.dialects import Operation, RequestHead, discover
from asbru.governance.limits import Reservation
from asbru.pipeline.call import Call
from asbru.pipeline.read_head import read_head
from asbru.pipeline.worst_case import (
    BYTES_PER_FILE_TOKEN,
    BYTES_PER_TOKEN,
    FILE_TOKENS,
    ONE_REQUEST,
    Rates,
    WorstCase,
    input_tokens_max,
    worst_case,
)
from asbru.routing import Key, ProviderRoute, Target
from asbru.upstream.credentials import FixedCredential

PAGES: tuple[tuple[Unit, int], ...] = (("page", 3),)
BODY = b"x" * 299


def priced(name: str, *rows: PriceRow, **units: int) -> PricedModel:
    """A model with prices of its own."""
    return PricedModel(name, MatchClause("equals", name), rows, units=cast("dict[Unit, int]", units))


def most(*models: PricedModel, aliases: tuple[dict[str, str], ...] = ({},), **facts: Any) -> WorstCase:
    """The worst case of a call to `m` with a body of 299 bytes, for which so much is charged."""
    keys = tuple(
        Key(str(at), FixedCredential(b""), frozenset({"*"}), weight=1.0, aliases=one)
        for at, one in enumerate(aliases)
    )
    target = Target(ProviderRoute("p", "d", keys, keyless=False), "m")
    operation = Operation(
        name="o",
        surface="o",
        path="/o",
        read_head=lambda *_: RequestHead("m", False, True, None),
        **{"speaks": False, **facts},
    )
    head = RequestHead("m", False, True, None)
    call = SimpleNamespace(operation=operation, head=head, body=BODY, body_bytes=len(BODY), added_bytes=0)
    return worst_case(cast("Call", call), target, Rates(PriceBook({"p": models})), Reservation())


def test_what_is_charged_by_the_piece_alone_has_no_price_by_token() -> None:
    """A price per token says nothing about pages: without a price for them the worst case is unknown, never zero."""
    facts: dict[str, Any] = {"units_max": lambda *_: PAGES, "by_token": False}
    assert most(priced("m", PriceRow(MTOK, MTOK, 0, 0, 0, 0, 0)), **facts) == WorstCase(0, 0, None)


@pytest.mark.parametrize(
    ("row", "cost"),
    [
        (PriceRow(2 * MTOK, 0, 0, 0, 0, 0, 0), 200),
        (PriceRow(2 * MTOK, 0, 0, 0, 0, 0, 0, image_input=7 * MTOK), 700),
        (PriceRow(2 * MTOK, 0, 0, 0, 0, 9 * MTOK, 0, image_input=7 * MTOK), 900),
    ],
    ids=["text", "images", "audio"],
)
def test_input_costs_what_the_dearest_kind_of_it_does(row: PriceRow, cost: int) -> None:
    """A token for every three bytes; whether they hold text, an image or audio is not known."""
    assert most(priced("m", row)) == WorstCase(100, 0, cost)


def test_units_are_added_to_tokens() -> None:
    """What an operation says at most, each at its price."""
    row = PriceRow(MTOK, 0, 0, 0, 0, 0, 0)
    assert most(priced("m", row, page=5 * MTOK), units_max=lambda *_: PAGES) == WorstCase(100, 0, 115)
    assert most(priced("m", row), units_max=lambda *_: PAGES) == WorstCase(100, 0, 100)


def test_a_chat_is_held_at_the_price_of_its_size_and_with_its_pieces() -> None:
    """100 tokens in and 4,096 out at one price; at the dearer one that so many in cost; with pieces on top."""
    base, dear = PriceRow(MTOK, MTOK, 0, 0, 0, 0, 0), PriceRow(3 * MTOK, 5 * MTOK, 0, 0, 0, 0, 0, above_tokens=50)
    by_page = priced("m", base, page=7 * MTOK)
    cases = (
        most(priced("m", base), speaks=True),
        most(priced("m", base, dear), speaks=True),
        most(priced("m", dear), speaks=True),
        most(by_page, speaks=True, units_max=lambda *_: PAGES),
        most(by_page, speaks=True, charge=lambda *_: Usage(units=PAGES)),
    )
    assert [one.cost for one in cases] == [4196, 20780, 20780, 4217, 4217]
    assert most(speaks=True).cost is None


def test_what_is_not_charged_by_token_reserves_none() -> None:
    """Units alone; where they have no price, the cost is unknown."""
    facts: dict[str, Any] = {"units_max": lambda *_: PAGES, "by_token": False}
    assert most(priced("m", page=5 * MTOK), **facts) == WorstCase(0, 0, 15)
    assert most(priced("m"), **facts) == WorstCase(0, 0, None)


def test_what_follows_from_the_request_is_reserved() -> None:
    """The units of `charge`, where an operation says nothing else of the most."""
    assert most(priced("m", page=5 * MTOK), charge=lambda *_: Usage(units=PAGES)) == WorstCase(100, 0, 15)
    assert most(priced("m", page=5 * MTOK), charge=lambda *_: None) == WorstCase(100, 0, None)


def test_a_price_per_request_holds_where_there_is_none_per_token() -> None:
    """A free moderation passes a budget; a model whose price is not known does not."""
    assert ONE_REQUEST == (("request", 1),)
    assert most(priced("m", request=0)) == WorstCase(100, 0, 0)
    assert most(priced("m", request=4 * MTOK)) == WorstCase(100, 0, 4)
    assert most() == WorstCase(100, 0, None)


def test_the_dearest_key_counts() -> None:
    """Keys may call a model by other names, with other prices; one of them unknown makes the whole unknown."""
    cheap, dear = priced("m", page=MTOK), priced("big", page=9 * MTOK)
    facts: dict[str, Any] = {"units_max": lambda *_: PAGES, "by_token": False}
    assert most(cheap, dear, aliases=({}, {"m": "big"}), **facts).cost == 27
    assert most(cheap, aliases=({}, {"m": "big"}), **facts).cost is None


MODEL: Field = ("model", "openai/m")


def call_with(body: bytes, operation: str, content_type: bytes = b"application/json") -> Call:
    """A call whose head was read."""
    dialect = discover()["openai_chat"]
    found = dialect.operation(operation)
    assert found is not None
    call = Call("s", found, dialect, body, response=cast("ResponsePort", None))
    call.content_type = content_type
    rooms: Any = type("Rooms", (), {"bodies": None, "body_bytes_max": 1 << 30})
    call.head = read_head(call, rooms)
    return call


def test_json_counts_by_its_bytes() -> None:
    """A token for every few of them."""
    body = b'{"model":"openai/m","prompt":"%b"}' % (b"a" * 3000)
    assert input_tokens_max(call_with(body, "images")) == len(body) // BYTES_PER_TOKEN + 1


@pytest.mark.parametrize("files", [0, 1, 3])
def test_files_count_for_more_than_any_image_and_less_than_their_bytes(files: int) -> None:
    """However small a file is, an image in it may be large; audio of megabytes is not millions of tokens."""
    content = bytes(6_400_000)
    fields: list[Field] = [MODEL, *[("file", ("a.wav", content)) for _ in range(files)]]
    body = form(*fields)
    most = input_tokens_max(call_with(body, "transcriptions", FORM_LINE.partition(": ")[2].encode()))
    assert most == len("openai/m") // BYTES_PER_TOKEN + 1 + files * (
        FILE_TOKENS + len(content) // BYTES_PER_FILE_TOKEN
    )
