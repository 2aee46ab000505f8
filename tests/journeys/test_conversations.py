"""Conversations that Asbru stores: gone on from by an id, with any provider, by their owner alone."""

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
from tests.journeys.talk import CHAT_REPLY, CHAT_STREAM, MESSAGES_REPLY

from asbru.governance import digest_of, write_virtual_key
from asbru.storage import sqlite_url

PATH = "/v1/responses"
ASK: dict[str, Any] = {"model": "openai/gpt-x", "input": "one"}
OTHER = "sk-asb-journeys-1111"
KEYS = {**allowed("*"), digest_of(OTHER.encode(), PEPPER): write_virtual_key("other", ["*"])}


@pytest.fixture
def stored(tmp_path: Path) -> Iterator[StoredHere]:
    """Stored responses in a database of their own."""
    here = StoredHere(sqlite_url(tmp_path / "asbru.sqlite"))
    yield here
    here.table.close()


def gateway(upstream: FakeUpstream, stored: StoredHere) -> Gateway:
    """A gateway that stores responses, for two keys."""
    return Gateway(
        openai(upstream.url),
        anthropic(upstream.url),
        virtual_keys=KEYS,
        response_index=stored.index,
        object_keys=OBJECT_KEYS,
    )


async def ask(running: Gateway, key: str = KEY, **members: Any) -> dict[str, Any]:
    """A response, whole."""
    answer = await running.call(PATH, {**ASK, **members}, key=key)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()
    return found


async def test_a_conversation_goes_on_with_any_provider(stored: StoredHere) -> None:
    """Only what is new is sent: the provider gets all of it, another provider, too, and each answer tells what it goes
    on from."""
    async with FakeUpstream() as upstream, gateway(upstream, stored) as running:
        upstream.queue(Reply.json(CHAT_REPLY), Reply.json(MESSAGES_REPLY), Reply.json(CHAT_REPLY))
        first = await ask(running)
        second = await ask(running, model="anthropic/claude-x", input="two", previous_response_id=first["id"])
        third = await ask(running, input=[{"role": "user", "content": "three"}], previous_response_id=second["id"])
        assert (second["previous_response_id"], third["previous_response_id"]) == (first["id"], second["id"])
        roles = [[one["role"] for one in seen.json()["messages"]] for seen in upstream.requests]
        assert roles == [["user"], ["user", "assistant", "user"], ["user", "assistant", "user", "assistant", "user"]]


async def test_a_stream_is_stored_before_its_end_is_told(stored: StoredHere) -> None:
    """Its events all have the id that the next request goes on from."""
    async with FakeUpstream() as upstream, gateway(upstream, stored) as running:
        upstream.queue(Reply.events(*CHAT_STREAM), Reply.json(CHAT_REPLY))
        streamed = await running.call(PATH, {**ASK, "stream": True})
        events = [json.loads(line[6:]) for line in streamed.body.decode().split("\n") if line.startswith("data: ")]
        [response_id] = {event["response"]["id"] for event in events if "response" in event}
        assert events[-1]["type"] == "response.completed"
        await ask(running, input="two", previous_response_id=response_id)
        assert len(upstream.requests[1].json()["messages"]) == 3


async def test_only_its_owner_goes_on(stored: StoredHere) -> None:
    """Another key's id, a forged and a changed one are alike not found, in the words of the API; nothing is sent."""
    async with FakeUpstream() as upstream, gateway(upstream, stored) as running:
        upstream.queue(Reply.json(CHAT_REPLY))
        mine = (await ask(running))["id"]
        for key, response_id in ((OTHER, mine), (KEY, "resp_123"), (KEY, mine[:-1]), (KEY, f"{mine}x")):
            answer = await running.call(PATH, {**ASK, "previous_response_id": response_id}, key=key)
            assert (answer.status, answer.error["code"]) == (404, "previous_response_not_found")
            assert answer.error["param"] == "previous_response_id"
        assert len(upstream.requests) == 1


async def test_what_is_not_to_be_stored_is_not(stored: StoredHere) -> None:
    """`store: false` leaves the response as it came; nobody can go on from it."""
    async with FakeUpstream() as upstream, gateway(upstream, stored) as running:
        upstream.queue(Reply.json(CHAT_REPLY))
        answer = await ask(running, store=False)
        assert answer["id"].startswith("resp_")
        refused = await running.call(PATH, {**ASK, "previous_response_id": answer["id"]})
        assert refused.status == 404


async def test_a_response_that_cannot_be_stored_is_told(stored: StoredHere) -> None:
    """The reply is not lost for it; a request that goes on from anything is refused while nothing can be read."""
    async with FakeUpstream() as upstream, gateway(upstream, stored) as running:
        upstream.queue(Reply.json(CHAT_REPLY), Reply.json(CHAT_REPLY))
        mine = (await ask(running))["id"]
        stored.away = True
        answer = await running.call(PATH, ASK)
        assert (answer.status, "could not be stored" in answer.headers["x-asbru-notes"]) == (200, True)
        refused = await running.call(PATH, {**ASK, "previous_response_id": mine})
        assert refused.status == 503


async def test_a_stored_response_is_read_and_deleted(stored: StoredHere) -> None:
    """By its owner: whole, its input as a list, and gone once it is deleted, also for who would go on from it."""
    async with FakeUpstream() as upstream, gateway(upstream, stored) as running:
        upstream.queue(Reply.json(CHAT_REPLY))
        told = await ask(running, input=[{"role": "user", "content": "a"}, {"role": "user", "content": "b"}])
        path = f"{PATH}/{told['id']}"
        read = await running.call(path, method="GET")
        assert (read.status, read.json()) == (200, told)
        listed = (await running.call(f"{path}/input_items?order=asc&limit=1", method="GET")).json()
        assert (listed["data"][0]["content"], listed["has_more"]) == ("a", True)
        after = listed["last_id"]
        listed = (await running.call(f"{path}/input_items?order=asc&after={after}", method="GET")).json()
        assert ([one["content"] for one in listed["data"]], listed["has_more"]) == (["b"], False)
        assert (await running.call(f"{path}/cancel")).status == 400
        assert (await running.call(path, method="GET", key=OTHER)).status == 404
        assert (await running.call(path, method="DELETE", key=OTHER)).status == 404
        deleted = await running.call(path, method="DELETE")
        assert deleted.json() == {"id": told["id"], "object": "response.deleted", "deleted": True}
        gone = await running.call(path, method="GET")
        assert (gone.status, gone.error["code"]) == (404, "response_not_found")
        refused = await running.call(PATH, {**ASK, "previous_response_id": told["id"]})
        assert refused.status == 404


async def test_input_is_counted_with_its_conversation(stored: StoredHere) -> None:
    """What a request would send is counted: here, where the provider does not count in this dialect."""
    async with FakeUpstream() as upstream, gateway(upstream, stored) as running:
        upstream.queue(Reply.json(CHAT_REPLY))
        first = (await ask(running, input="a long question " * 50))["id"]
        for model in ("openai/gpt-x", "anthropic/claude-x"):
            alone = await running.call(f"{PATH}/input_tokens", {"model": model, "input": "b"})
            both = await running.call(
                f"{PATH}/input_tokens", {"model": model, "input": "b", "previous_response_id": first}
            )
            assert alone.json()["object"] == "response.input_tokens"
            assert both.json()["input_tokens"] > alone.json()["input_tokens"] + 100
        assert len(upstream.requests) == 1


async def test_a_conversation_is_compacted_by_any_model(stored: StoredHere) -> None:
    """A model that does not know compaction is asked for a summary, which comes back as one sealed item; whoever gets
    that item, another provider, too, reads the summary in its place."""
    trigger = [{"role": "user", "content": "a secret plan"}, {"type": "compaction_trigger"}]
    for stream in (False, True):
        async with FakeUpstream() as upstream, gateway(upstream, stored) as running:
            upstream.queue(
                Reply.events(*CHAT_STREAM) if stream else Reply.json(CHAT_REPLY), Reply.json(MESSAGES_REPLY)
            )
            tools = [{"type": "function", "name": "f"}]
            asked = {**ASK, "input": trigger, "store": False, "stream": stream, "tools": tools}
            answer = await running.call(PATH, asked)
            if stream:
                lines = [line[6:] for line in answer.body.decode().split("\n") if line.startswith("data: ")]
                events = [json.loads(line) for line in lines]
                kinds = [event["type"] for event in events]
                assert kinds == [
                    "response.created",
                    "response.in_progress",
                    "response.output_item.added",
                    "response.output_item.done",
                    "response.completed",
                ]
                [item] = events[-1]["response"]["output"]
                assert events[3]["item"] == item
            else:
                [item] = answer.json()["output"]
            assert item["type"] == "compaction"
            assert "Hi" not in item["encrypted_content"]
            sent = upstream.requests[0].json()
            assert "summary" in sent["messages"][-1]["content"] and sent["tool_choice"] == "none"
            body = {**ASK, "model": "anthropic/claude-x", "input": [item, {"role": "user", "content": "go on"}]}
            assert (await running.call(PATH, body)).status == 200
            words = json.dumps(upstream.requests[1].json()["messages"])
            assert "Hi you" in words and "go on" in words


async def test_compaction_by_its_own_path(stored: StoredHere) -> None:
    """What the user said stays, and one item stands for all else."""
    async with FakeUpstream() as upstream, gateway(upstream, stored) as running:
        upstream.queue(Reply.json(CHAT_REPLY))
        said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
        answer = await running.call(f"{PATH}/compact", {"model": "openai/gpt-x", "input": said})
        told = answer.json()
        assert (answer.status, told["object"]) == (200, "response.compaction")
        first, last = told["output"]
        assert (first["type"], first["content"][0]["text"], last["type"]) == ("message", "a", "compaction")
        assert told["usage"]["output_tokens"] > 0


async def test_a_compacted_item_of_a_provider_stays_with_it(stored: StoredHere) -> None:
    """A target that cannot read it refuses the call: its conversation would be lost without a word."""
    async with FakeUpstream() as upstream, gateway(upstream, stored) as running:
        item = {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAA"}
        answer = await running.call(PATH, {**ASK, "input": [item, {"role": "user", "content": "x"}]})
        assert (answer.status, answer.error["param"]) == (400, "input[0].type")
        assert upstream.requests == []
