"""The text of streamed arguments, and what is refused because it could not be said."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.core.errors import UpstreamError
from asbru.dialects.fields import open_object
from asbru.dialects.gemini.partial_args import PartialArguments
from asbru.dialects.gemini.types import REFUSE_REPLY


def piece(path: str, **value: Any) -> dict[str, Any]:
    """One piece of arguments."""
    return {"jsonPath": path, **value}


def texts(*pieces: dict[str, Any]) -> list[str]:
    """What each piece adds, and the end."""
    arguments = PartialArguments()
    calls = [open_object(json.dumps({"partialArgs": [one]}).encode(), "", REFUSE_REPLY) for one in pieces]
    return [*(arguments.take(call) for call in calls), arguments.end()]


def test_each_piece_adds_text_that_can_go_on_at_once() -> None:
    """A string is passed on piece by piece, and closed by what follows it."""
    added = texts(
        piece("$.city", stringValue="Ba", willContinue=True),
        piece("$.city", stringValue='s"el'),
        piece("$.days", numberValue=1.5),
    )
    assert added == ['{"city":"Ba', 's\\"el', '","days":1.5', "}"]


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        ([], {}),
        ([piece("$.a")], {}),
        ([piece("$.a.b[0][1]", numberValue=1)], None),
        (
            [piece("$.a[0][0]", numberValue=1), piece("$.a[0][1]", numberValue=2), piece("$.a[1]", boolValue=False)],
            "a",
        ),
        (
            [piece("$['a.b'][\"c d\"]", stringValue="x"), piece("$.e", nullValue=None)],
            {"a.b": {"c d": "x"}, "e": None},
        ),
        ([piece("$.é-1", stringValue="ü"), piece("$.b", stringValue="")], {"é-1": "ü", "b": ""}),
        ([piece("$.a.x", numberValue=1), piece("$.b.x", numberValue=2)], {"a": {"x": 1}, "b": {"x": 2}}),
    ],
)
def test_the_text_is_the_json_of_the_arguments(pieces: list[dict[str, Any]], whole: Any) -> None:
    """Objects and arrays are opened and closed as the places of values say; a place without a value says nothing."""
    if whole is None:
        with pytest.raises(UpstreamError):
            texts(*pieces)
        return
    assert json.loads("".join(texts(*pieces))) == ({"a": [[1, 2], False]} if whole == "a" else whole)


@pytest.mark.parametrize(
    "pieces",
    [
        [piece("$.a.x", numberValue=1), piece("$.b", numberValue=1), piece("$.a.y", numberValue=1)],
        [piece("$.a", numberValue=1), piece("$.a", numberValue=2)],
        [piece("$.a[1]", numberValue=1)],
        [piece("$.a[0]", numberValue=1), piece("$.a.b", numberValue=1)],
        [piece("$.a.b", numberValue=1), piece("$.a[0]", numberValue=1)],
        [piece("$", stringValue="x")],
        [piece("$[0]", stringValue="x")],
        [piece("a", stringValue="x")],
        [piece("$.a..b", stringValue="x")],
        [piece("$" + ".a" * 100, stringValue="x")],
    ],
)
def test_what_cannot_be_appended_is_refused(pieces: list[dict[str, Any]]) -> None:
    """A piece that goes back, or that has no place, ends the stream with an error instead of being lost."""
    with pytest.raises(UpstreamError, match="jsonPath"):
        texts(*pieces)
