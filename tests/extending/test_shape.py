"""A dialect need not have a chat, nor a surface: callers of others reach it by translation."""

from __future__ import annotations

import base64
import json
import shutil
from array import array
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.snapshot import Fallback, Snapshot
from asbru.catalog import MatchClause, PricedModel
from asbru.core.folders import FolderFault
from asbru.core.money import NANOUSD_PER_USD, PriceRow
from asbru.dialects import discover
from asbru.routing import RetryPolicy

SOURCE = Path(__file__).with_name("vector_talk.py")
OPERATIONS = ("embeddings", "rerank", "moderations")
ROW = PriceRow(NANOUSD_PER_USD, 0, 0, 0, 0, 0, 0)
PRICES = (
    PricedModel("m", MatchClause("equals", "m"), (ROW,)),
    PricedModel("judge", MatchClause("equals", "judge"), units={"request": 0}),
)


@pytest.fixture
def places(tmp_path: Path) -> Path:
    """A place with the made-up dialect's folder in it."""
    folder = tmp_path / "places" / "vector_talk"
    folder.mkdir(parents=True)
    shutil.copy(SOURCE, folder / "__init__.py")
    return folder.parent


@pytest.fixture
def inside(places: Path, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """A gateway with a provider of it, which falls back to one of the OpenAI dialect."""
    maths = provider(
        "maths", "vector_talk", operations=OPERATIONS, prices=PRICES, retries=RetryPolicy(max=0, pause_initial_s=0.0)
    )
    snapshot = Snapshot(
        providers=(maths, provider("openai")), fallbacks=(Fallback(source="maths/*", targets=("openai/m",)),)
    )
    return Inside(snapshot, monkeypatch, dialects=discover([str(places)]))


def sent(inside: Inside) -> tuple[bytes, Any]:
    """The first line and the body of what a provider was sent last."""
    head, _, body = inside.requests[-1][1].partition(b"\r\n\r\n")
    return head.split(b"\r\n")[0], json.loads(body)


def test_embeddings_are_translated(inside: Inside) -> None:
    """Texts out, vectors back, usage and cost in the record, and a note of what could not be carried."""
    inside.script("maths", answer(200, b'{"vectors":[[0.5,-1],[1e-7,2]],"tokens":3}'))
    caller = inside.call("/v1/embeddings", {"model": "maths/m", "input": ["a", "b"], "dimensions": 2, "user": "u"})
    assert (caller.status, caller.header(b"content-type")) == (200, b"application/json")
    assert json.loads(caller.body) == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.5, -1.0]},
            {"object": "embedding", "index": 1, "embedding": [1e-7, 2.0]},
        ],
        "model": "maths/m",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }
    assert sent(inside) == (b"POST /v1/vectors HTTP/1.1", {"texts": ["a", "b"], "model": "m"})
    assert caller.header(b"x-asbru-notes") == b"dropped dimensions"
    row = inside.recorder.rows[-1]
    assert (row["surface"], row["input_tokens"], row["cost_nanousd"], row["pass_through"]) == (
        "openai.embeddings",
        3,
        3_000,
        False,
    )


def test_vectors_are_written_as_the_caller_asked(inside: Inside) -> None:
    """OpenAI's clients ask for base64 of 32-bit floats and decode it themselves."""
    inside.script("maths", answer(200, b'{"vectors":[[0.5,-1]],"tokens":3}'))
    caller = inside.call("/v1/embeddings", {"model": "maths/m", "input": "a", "encoding_format": "base64"})
    written = json.loads(caller.body)["data"][0]["embedding"]
    assert list(array("f", base64.b64decode(written))) == [0.5, -1.0]


def test_rerank_is_translated(inside: Inside) -> None:
    """Documents of any kind go as texts; a reply that tells no usage has an unknown cost."""
    inside.script("maths", answer(200, b'[{"index":1,"score":0.9},{"index":0,"score":0.1}]'))
    caller = inside.call("/v1/rerank", {"model": "maths/m", "query": "q", "documents": ["a", {"text": "b"}]})
    assert json.loads(caller.body)["results"] == [
        {"index": 1, "relevance_score": 0.9},
        {"index": 0, "relevance_score": 0.1},
    ]
    assert sent(inside) == (b"POST /v1/rank HTTP/1.1", {"query": "q", "texts": ["a", '{"text":"b"}']})
    assert inside.recorder.rows[-1]["cost_nanousd"] is None


def test_moderations_are_translated(inside: Inside) -> None:
    """Verdicts in the caller's form; a model that is charged by the request is so here, too."""
    inside.script("maths", answer(200, b'{"bad":[1]}'))
    caller = inside.call("/v1/moderations", {"model": "maths/judge", "input": ["a", "b"]})
    assert [one["flagged"] for one in json.loads(caller.body)["results"]] == [False, True]
    row = inside.recorder.rows[-1]
    assert (row["units"], row["cost_nanousd"]) == ('{"request":1}', 0)


@pytest.mark.parametrize("reply", [b"{}", b'{"vectors":', b"<html>"])
def test_a_reply_that_is_none_falls_back(inside: Inside, reply: bytes) -> None:
    """What cannot be read leads to the next target, in its own dialect, as the caller sent it."""
    own = b'{"object":"list","data":[],"usage":{"prompt_tokens":1,"total_tokens":1}}'
    inside.script("maths", answer(200, reply))
    inside.script("openai", answer(200, own))
    caller = inside.call("/v1/embeddings", {"model": "maths/m", "input": "a", "user": "u"})
    assert (caller.status, caller.body) == (200, own)
    assert sent(inside)[1] == {"model": "m", "input": "a", "user": "u"}
    assert inside.recorder.rows[-1]["attempts"] == 2


def test_errors_are_told_in_the_callers_dialect(inside: Inside) -> None:
    """The provider's words, in the form that the caller reads."""
    inside.script("maths", answer(400, b"too many texts"))
    caller = inside.call("/v1/embeddings", {"model": "maths/m", "input": "a"})
    assert caller.status == 400
    assert "too many texts" in json.loads(caller.body)["error"]["message"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/anthropic/v1/messages"])
def test_what_it_lacks_is_refused(inside: Inside, path: str) -> None:
    """A chat goes to the fallback, or is refused before anything is sent."""
    inside.script("openai", answer(500, b"{}"), answer(500, b"{}"), answer(500, b"{}"))
    body = {"model": "maths/m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    assert inside.call(path, body).status == 400
    assert {host for host, _ in inside.requests} <= {"openai.test"}


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("        shape=Shape(", "        texts=None, charge=None if Shape else Shape(", "nobody could ask for it"),
        ("operations=OPERATIONS", "operations=()", "no operation"),
    ],
)
def test_a_folder_that_offers_nothing_is_refused(places: Path, old: str, new: str, word: str) -> None:
    """A dialect that nobody could use fails at start, with the folder's name."""
    file = places / "vector_talk" / "__init__.py"
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(FolderFault, match=word) as raised:
        discover([str(places)])
    assert "vector_talk" in str(raised.value)
