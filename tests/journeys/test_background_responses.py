"""Responses in the background: the id that is returned works, through the key that asked for it and no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.stored_responses import OBJECT_KEYS, StoredHere
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.caller import KEY
from tests.journeys.gateway import PEPPER, Gateway, allowed, anthropic, openai
from tests.journeys.talk import MESSAGES_REPLY

from asbru.governance import digest_of, write_virtual_key
from asbru.storage import sqlite_url

PATH = "/v1/responses"
ASK: dict[str, Any] = {"model": "openai/gpt-x", "input": "one", "background": True}
OTHER = "sk-asb-journeys-1111"
KEYS = {**allowed("*"), digest_of(OTHER.encode(), PEPPER): write_virtual_key("other", ["*"])}
QUEUED: dict[str, Any] = {
    "id": "resp_1", "object": "response", "status": "queued", "background": True, "model": "gpt-x", "error": None,
    "output": [], "usage": None, "previous_response_id": None,
}  # fmt: skip
SAID = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "Hello", "annotations": []}]}  # fmt: skip
DONE = {
    **QUEUED,
    "status": "completed",
    "output": [SAID],
    "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7},
}


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[StoredHere]:
    """Stored responses in a database of their own."""
    here = StoredHere(sqlite_url(tmp_path / "asbru.sqlite"))
    yield here
    here.table.close()


def gateway(upstream: FakeUpstream, stored: StoredHere | None, **more: Any) -> Gateway:
    """A gateway before a provider of this API and one of another, for two keys."""
    facts = openai(upstream.url, also={"openai_responses": ("chat", "models")})
    index = None if stored is None else stored.index
    return Gateway(
        facts,
        anthropic(upstream.url),
        virtual_keys=KEYS,
        response_index=index,
        object_keys=OBJECT_KEYS,
        **more,
    )


async def begin(running: Gateway, upstream: FakeUpstream, **members: Any) -> str:
    """A response that the provider has queued; its id."""
    upstream.queue(Reply.json(QUEUED))
    answer = await running.call(PATH, {**ASK, **members})
    assert (answer.status, answer.json()["status"]) == (200, "queued")
    response_id: str = answer.json()["id"]
    assert response_id.startswith("asbru_")
    return response_id


async def test_it_is_retrieved_until_it_has_ended(stored: StoredHere) -> None:
    """The provider is asked for its own id until then, and not again. What it used is counted once, by the call that
    saw the end; the conversation goes on from it with any provider."""
    async with FakeUpstream() as upstream, gateway(upstream, stored) as running:
        mine = await begin(running, upstream)
        refused = await running.call(PATH, {**ASK, "background": False, "previous_response_id": mine})
        assert (refused.status, refused.error["param"]) == (400, "previous_response_id")
        upstream.queue(Reply.json({**QUEUED, "status": "in_progress"}), Reply.json(DONE))
        told = [(await running.call(f"{PATH}/{mine}", method="GET")).json() for _ in range(3)]
        assert [one["status"] for one in told] == ["in_progress", "completed", "completed"]
        assert {one["id"] for one in told} == {mine} and told[2]["output"] == [SAID]
        assert [(seen.method, seen.target) for seen in upstream.requests[1:]] == [("GET", f"{PATH}/resp_1")] * 2
        used = [row["output_tokens"] for row in running.rows if row["surface"] != "openai.responses"]
        assert (sum(filter(None, used)), running.rows[0]["output_tokens"]) == (2, 0)
        items = (await running.call(f"{PATH}/{mine}/input_items", method="GET")).json()["data"]
        assert [one["content"] for one in items] == ["one"]
        upstream.queue(Reply.json(MESSAGES_REPLY))
        ask = {"model": "anthropic/claude-x", "input": "two", "previous_response_id": mine}
        assert (await running.call(PATH, ask)).status == 200
        assert [one["role"] for one in upstream.requests[-1].json()["messages"]] == ["user", "assistant", "user"]


async def test_it_is_cancelled_and_deleted_at_the_provider(stored: StoredHere) -> None:
    """A response that has ended is not cancelled; one that the provider has no more is not found."""
    async with FakeUpstream() as upstream, gateway(upstream, stored) as running:
        mine = await begin(running, upstream)
        upstream.queue(Reply.json({**QUEUED, "status": "cancelled"}))
        cancelled = await running.call(f"{PATH}/{mine}/cancel", b"", method="POST")
        assert (cancelled.json()["id"], cancelled.json()["status"]) == (mine, "cancelled")
        assert (upstream.requests[-1].method, upstream.requests[-1].target) == ("POST", f"{PATH}/resp_1/cancel")
        upstream.queue(Reply.json({"id": "resp_1", "object": "response", "deleted": True}))
        deleted = await running.call(f"{PATH}/{mine}", method="DELETE")
        assert deleted.json() == {"id": mine, "object": "response", "deleted": True}
        upstream.queue(Reply.json({"error": {"message": "no such response", "type": "invalid_request_error"}}, 404))
        gone = await running.call(f"{PATH}/{mine}", method="GET")
        assert (gone.status, gone.error["code"]) == (404, "response_not_found")
        ended = await begin(running, upstream)
        upstream.queue(Reply.json(DONE))
        assert (await running.call(f"{PATH}/{ended}", method="GET")).json()["status"] == "completed"
        assert (await running.call(f"{PATH}/{ended}/cancel", b"", method="POST")).status == 400


async def test_it_belongs_to_its_key(stored: StoredHere) -> None:
    """Another key finds nothing, and no provider is asked."""
    async with FakeUpstream() as upstream, gateway(upstream, stored) as running:
        mine = await begin(running, upstream)
        for method, path in (("GET", mine), ("DELETE", mine), ("POST", f"{mine}/cancel"), ("GET", "resp_1")):
            answer = await running.call(
                f"{PATH}/{path}", b"", method=method, key=OTHER if "resp" not in path else KEY
            )
            assert (answer.status, answer.error["code"]) == (404, "response_not_found")
        assert len(upstream.requests) == 1


async def test_its_stream_has_the_id_that_works(stored: StoredHere) -> None:
    """Events of a stream in the background: they have the id by which the response is retrieved."""
    async with FakeUpstream() as upstream, gateway(upstream, stored) as running:
        events = [
            f"event: {kind}\ndata: {json.dumps({'type': kind, 'response': response})}\n\n".encode()
            for kind, response in (("response.created", QUEUED), ("response.completed", DONE))
        ]
        upstream.queue(Reply.events(*events))
        streamed = (await running.call(PATH, {**ASK, "stream": True})).body.decode()
        ids = {json.loads(line[6:])["response"]["id"] for line in streamed.split("\n") if line.startswith("data: {")}
        (mine,) = ids
        assert (await running.call(f"{PATH}/{mine}", method="GET")).json()["output"] == [SAID]
        assert len(upstream.requests) == 1
        refused = await running.call(f"{PATH}/{await begin(running, upstream)}?stream=true", method="GET")
        assert (refused.status, refused.error["param"]) == (400, "stream")


@pytest.mark.parametrize(
    ("members", "keeps"), [({"store": False}, True), ({}, False), ({"model": "anthropic/claude-x"}, True)]
)
async def test_what_could_not_be_retrieved_is_refused(
    stored: StoredHere, members: dict[str, Any], keeps: bool
) -> None:
    """What is not stored, and what goes to a provider without this API: 400, in the words of the API; nothing is
    sent."""
    async with FakeUpstream() as upstream, gateway(upstream, stored if keeps else None) as running:
        refused = await running.call(PATH, {**ASK, **members})
        assert (refused.status, refused.error["param"]) == (400, "background")
        assert upstream.requests == []
