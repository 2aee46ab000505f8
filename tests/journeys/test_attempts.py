"""Attempts: keys in turn, rests, retries, fallbacks; each attempt made anew, the record telling them all."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.fakes.upstream import FIN, RST, STALL, End, FakeUpstream, Reply, Seen
from tests.journeys.gateway import Gateway, anthropic, deadlines, fallback, keys, openai, retries
from tests.journeys.talk import (
    CHAT_PATH,
    CHAT_REPLY,
    CHAT_START,
    CHAT_STREAM,
    CHAT_STREAM_SHOWN,
    CHAT_WORDS,
    MESSAGES_PATH,
    MESSAGES_REPLY,
    MESSAGES_STREAM,
    chat,
    chat_text,
    event,
    events,
    messages,
)

from asbru.app.snapshot import KeyFacts
from asbru.core.secret_text import SecretText

GOOD = Reply.json(CHAT_REPLY)
BAD = {"error": {"message": "no", "type": "x", "code": "y"}}
SOURCE = "openai/gpt-x"


def tried(gateway: Gateway) -> list[tuple[str, str, int, str]]:
    """The last record's attempts: provider, key, status, outcome."""
    row = gateway.rows[-1]
    log = json.loads(row["attempt_log"])
    assert len(log) == row["attempts"]
    return [(one["provider"], one["key"], one["status"], one["outcome"]) for one in log]


@pytest.mark.parametrize("status", [401, 402, 403, 429])
async def test_a_refused_key_gives_way_to_the_next(status: int) -> None:
    """401, 402, 403 and 429 rotate to the next key at once; the refused key rests, so later calls pass it over."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, keys=keys("a", "b"))) as gateway:
        upstream.queue(Reply.json(BAD, status), GOOD, GOOD)
        assert (await gateway.call(CHAT_PATH, chat())).status == 200
        assert tried(gateway) == [("openai", "a", status, "status"), ("openai", "b", 200, "ok")]
        assert gateway.row["key_name"] == "b"
        assert (await gateway.call(CHAT_PATH, chat())).status == 200
        assert [seen.headers["authorization"] for seen in upstream.requests] == [
            "Bearer sk-a", "Bearer sk-b", "Bearer sk-b",
        ]  # fmt: skip
        assert gateway.rows[1]["attempts"] == 1


async def test_a_403_rests_the_key_for_that_model_only() -> None:
    """After a 403 the key is still the first choice for other models."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, keys=keys("a", "b"))) as gateway:
        upstream.queue(Reply.json(BAD, 403), GOOD, GOOD, GOOD)
        for model in ("openai/one", "openai/one", "openai/two"):
            assert (await gateway.call(CHAT_PATH, chat(model))).status == 200
        assert [row["key_name"] for row in gateway.rows] == ["b", "b", "a"]


async def test_every_key_refused() -> None:
    """When every key is refused the caller is told 502 and why, without a key's value; a lone key is tried again."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, keys=keys("a", "b"))) as gateway:
        upstream.otherwise = Reply.json({"error": {"message": "bad key sk-b", "type": "x"}}, 401)
        answer = await gateway.call(CHAT_PATH, chat())
        assert (answer.status, answer.error["code"]) == (502, "upstream_credentials_exhausted")
        assert "sk-b" not in answer.error["message"] + gateway.row["error_message"]
        assert len(upstream.requests) == 2
        await gateway.call(CHAT_PATH, chat())
        assert len(upstream.requests) == 4


async def test_a_limited_key_rests() -> None:
    """When every key is limited the 429 goes to the caller, and the next call hears when to come back, unsent."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, keys=keys("a", "b"))) as gateway:
        upstream.queue(*[Reply.json(BAD, 429, **{"retry-after": "30"})] * 2)
        answer = await gateway.call(CHAT_PATH, chat())
        assert (answer.status, answer.headers["retry-after"]) == (429, "30")
        again = await gateway.call(CHAT_PATH, chat())
        assert (again.status, again.error["code"]) == (429, "rate_limit_exceeded")
        assert 28 <= int(again.headers["retry-after"]) <= 30
        assert len(upstream.requests) == 2
        assert gateway.rows[1]["attempts"] == 0


@pytest.mark.parametrize("header", ["100000", "Thu, 01 Jan 2099 00:00:00 GMT"])
async def test_a_rest_is_capped(header: str) -> None:
    """However long Retry-After is, a key rests a minute at most."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.json(BAD, 429, **{"retry-after": header}))
        await gateway.call(CHAT_PATH, chat())
        again = await gateway.call(CHAT_PATH, chat())
        assert 58 <= int(again.headers["retry-after"]) <= 60


@pytest.mark.parametrize(
    "fault",
    [
        Reply.json(BAD, 500),
        Reply.json(BAD, 529),
        Reply.raw(FIN),
        Reply.raw(RST),
        Reply.raw(b"garbage\r\n\r\n"),
        Reply.body(b"<html>"),
        Reply.json({"error": {"message": "inside a 200"}}),
        GOOD.but(cut_at=30),
        Reply.json(CHAT_REPLY).but(headers={"content-encoding": "gzip"}),
    ],
    ids=["500", "529", "hung up", "reset", "not HTTP", "not JSON", "error in 200", "cut", "bad gzip"],
)
async def test_faults_are_tried_again(fault: Reply) -> None:
    """5xx, network faults and broken answers are tried again with the same key, so often as allowed, no more."""
    facts = {"keys": keys("a", "b"), "retries": retries(2)}
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, **facts)) as gateway:
        upstream.queue(fault, fault, GOOD)
        assert (await gateway.call(CHAT_PATH, chat())).json() == CHAT_REPLY
        assert [key for _, key, _, _ in tried(gateway)] == ["a", "a", "a"]
        upstream.queue(fault, fault, fault, GOOD)
        assert (await gateway.call(CHAT_PATH, chat())).json() != CHAT_REPLY
        assert gateway.rows[-1]["outcome"] == "error"
        assert len(tried(gateway)) == 3


@pytest.mark.parametrize("status", [400, 404, 413, 422])
async def test_the_callers_own_mistakes_are_not_tried_again(status: int) -> None:
    """A 4xx about the request itself goes to the caller as it came, once, without retry or fallback."""
    async with FakeUpstream() as upstream:
        facts = openai(upstream.url, keys=keys("a", "b"), retries=retries(2))
        async with Gateway(facts, anthropic(upstream.url), fallbacks=fallback(SOURCE, "anthropic/c")) as gateway:
            upstream.otherwise = Reply.json(BAD, status)
            answer = await gateway.call(CHAT_PATH, chat())
            assert (answer.status, answer.json()) == (status, BAD)
            assert len(upstream.requests) == 1


async def test_forty_nine_dead_keys() -> None:
    """Of fifty keys one lives: the first call finds it, the next goes to it at once."""
    names = [f"k{n:02d}" for n in range(50)]
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, keys=keys(*names))) as gateway:
        upstream.otherwise = lambda seen: GOOD if "k49" in seen.headers["authorization"] else Reply.json(BAD, 401)
        assert (await gateway.call(CHAT_PATH, chat())).status == 200
        assert (gateway.row["attempts"], gateway.row["key_name"]) == (50, "k49")
        assert (await gateway.call(CHAT_PATH, chat())).status == 200
        assert gateway.rows[1]["attempts"] == 1
        assert upstream.connections == 1


async def test_keys_without_a_fit() -> None:
    """A model that no key is meant for is 404; a provider without any key is 502; nothing is sent."""
    one = (KeyFacts(name="a", value=SecretText("sk-a"), models=("other",)),)
    for held, status in ((one, 404), ((), 502)):
        async with FakeUpstream() as upstream, Gateway(openai(upstream.url, keys=held)) as gateway:
            assert (await gateway.call(CHAT_PATH, chat())).status == status
            assert upstream.requests == []


async def test_an_error_names_the_provider_it_is_of() -> None:
    """When every target fails, the caller is told the first one's error, as the first one's."""
    async with FakeUpstream() as first, FakeUpstream() as second:
        gateway = Gateway(openai(first.url), anthropic(second.url), fallbacks=fallback(SOURCE, "anthropic/claude-x"))
        async with gateway:
            first.queue(Reply.json({"error": {"message": "of the first", "type": "x", "code": "y"}}, 503))
            second.queue(Reply.json(BAD, 500))
            answer = await gateway.call(CHAT_PATH, chat())
            assert (answer.status, answer.headers["x-asbru-provider"]) == (503, "openai")
            assert b"of the first" in answer.body
            assert [one[0] for one in tried(gateway)] == ["openai", "anthropic"]


@pytest.mark.parametrize(("ending", "status"), [(FIN, 502), (STALL, 504)])
async def test_an_attempt_without_a_response_has_a_status_and_was_sent(ending: End, status: int) -> None:
    """The provider took the request and said nothing: the log has what the caller was told, and that it may cost."""
    async with FakeUpstream() as upstream:
        provider = openai(upstream.url, retries=retries(0), deadlines=deadlines(total_s=0.3))
        async with Gateway(provider) as gateway:
            upstream.queue(Reply.raw(ending))
            assert (await gateway.call(CHAT_PATH, chat())).status == status
            (entry,) = json.loads(gateway.row["attempt_log"])
            assert (entry["status"], entry["sent"], entry["billed"]) == (status, True, True)


async def test_aliases_and_keyless_providers() -> None:
    """An alias is the upstream's name for a model; a keyless provider gets no credential at all."""
    alias = (KeyFacts(name="a", value=SecretText("sk-a"), aliases={"gpt-x": "deploy-7"}),)
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, keys=alias)) as gateway:
        upstream.otherwise = GOOD
        await gateway.call(CHAT_PATH, chat())
        assert upstream.requests[0].json()["model"] == "deploy-7"
        assert (gateway.row["model_asked"], gateway.row["model_served"]) == (SOURCE, "deploy-7")
    none = (KeyFacts(name="none", value=SecretText("")),)
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, keys=none)) as gateway:
        upstream.otherwise = GOOD
        assert (await gateway.call(CHAT_PATH, chat())).status == 200
        assert "authorization" not in upstream.requests[0].headers


# Fallbacks: from the provider `openai` to another of the same dialect, `spare`, then to `anthropic`.

SPARE = openai("http://x", name="spare", keys=keys("s"))
CHAIN = fallback(SOURCE, "spare/other", "anthropic/claude-x")


def stage(upstream: FakeUpstream, **changes: Any) -> Gateway:
    """The three providers on one fake, told apart by their keys and paths."""
    spare = openai(upstream.url, name="spare", keys=keys("s"))
    return Gateway(openai(upstream.url, **changes), spare, anthropic(upstream.url), fallbacks=CHAIN)


def by_key(**replies: Reply) -> Any:
    """Replies by the provider key that was shown."""

    def answer(seen: Seen) -> Reply:
        shown = seen.headers.get("authorization", seen.headers.get("x-api-key", "")).rpartition("sk-")[2]
        return replies[shown]

    return answer


FAULTS = {
    "408": Reply.json(BAD, 408),
    "429": Reply.json(BAD, 429),
    "500": Reply.json(BAD, 500),
    "503": Reply.json(BAD, 503),
    "529": Reply.json(BAD, 529),
    "refused keys": Reply.json(BAD, 401),
    "unknown model": Reply.json({"error": {"message": "The model does not exist", "code": "model_not_found"}}, 404),
    "hung up": Reply.raw(FIN),
    "deadline": Reply.raw(STALL),
    "garbage": Reply.body(b"<html>"),
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", FAULTS)
async def test_fallbacks(name: str, stream: bool) -> None:
    """What another target may do better goes to the next target, whole or streamed, made from the original request."""
    short = deadlines(first_token_s=0.1, total_s=0.1)
    async with FakeUpstream() as upstream, stage(upstream, deadlines=short) as gateway:
        upstream.otherwise = by_key(o1=FAULTS[name], s=Reply.events(*CHAT_STREAM) if stream else GOOD)
        answer = await gateway.call(CHAT_PATH, chat(stream=stream))
        assert answer.status == 200
        assert answer.body == CHAT_STREAM_SHOWN if stream else answer.json() == CHAT_REPLY
        assert [one[0] for one in tried(gateway)] == ["openai", "spare"]
        assert answer.headers["x-asbru-provider"] == "spare"
        first, second = (seen.json() for seen in upstream.requests)
        assert (first.pop("model"), second.pop("model")) == ("gpt-x", "other")
        assert first == second
        row = gateway.row
        assert (row["provider"], row["model_asked"], row["model_served"]) == ("spare", SOURCE, "other")
        assert (row["outcome"], row["error_code"], row["output_tokens"]) == ("ok", "", 2)


async def test_exhausted_keys_fall_back() -> None:
    """A target whose every key rests falls back without being asked again."""
    async with FakeUpstream() as upstream, stage(upstream) as gateway:
        upstream.otherwise = by_key(o1=Reply.json(BAD, 429, **{"retry-after": "9"}), s=GOOD)
        for _ in range(2):
            assert (await gateway.call(CHAT_PATH, chat())).status == 200
        assert [seen.headers["authorization"][-2:] for seen in upstream.requests] == ["o1", "-s", "-s"]


async def test_a_fallback_to_another_dialect() -> None:
    """The last target speaks the other dialect: the request is translated from the original, and so is the answer."""
    async with FakeUpstream() as upstream, stage(upstream) as gateway:
        for stream in (False, True):
            good = Reply.events(*MESSAGES_STREAM) if stream else Reply.json(MESSAGES_REPLY)
            upstream.otherwise = by_key(o1=Reply.json(BAD, 500), s=Reply.json(BAD, 502), a1=good)
            answer = await gateway.call(CHAT_PATH, chat(stream=stream, max_tokens=9))
            assert answer.status == 200
            if stream:
                assert chat_text(answer.body) == "Hi you"
            else:
                assert answer.json()["choices"][0]["message"]["content"] == "Hi you"
            assert [one[0] for one in tried(gateway)] == ["openai", "spare", "anthropic"]
            sent = upstream.requests[-1].json()
            assert (sent["model"], sent["max_tokens"]) == ("claude-x", 9)
            assert sent["messages"][0]["role"] == "user"
            assert gateway.rows[-1]["pass_through"] is False


async def test_when_every_target_fails_the_first_is_heard() -> None:
    """The caller hears what its own choice of model said, not the last fallback."""
    async with FakeUpstream() as upstream, stage(upstream) as gateway:
        said = {"error": {"message": "first", "type": "x", "code": "y", "param": None}}
        upstream.otherwise = by_key(o1=Reply.json(said, 503), s=Reply.json(BAD, 500), a1=Reply.raw(FIN))
        answer = await gateway.call(CHAT_PATH, chat())
        assert (answer.status, answer.json()) == (503, said)
        assert [one[0] for one in tried(gateway)] == ["openai", "spare", "anthropic"]
        assert gateway.row["status"] == 503


@pytest.mark.parametrize(
    "start",
    [(), (b": ping\n\n",), (CHAT_START,), (CHAT_START, event(BAD)), (event(BAD),)],
    ids=["nothing", "a comment", "a role", "a role, an error", "an error"],
)
async def test_a_stream_falls_back_before_its_first_content(start: tuple[bytes, ...]) -> None:
    """Until the first content byte a broken stream is replaced by the next target's; the caller sees one stream."""
    async with FakeUpstream() as upstream, stage(upstream) as gateway:
        broken = Reply.events(*start, RST)
        upstream.otherwise = by_key(o1=broken, s=Reply.events(*CHAT_STREAM))
        answer = await gateway.call(CHAT_PATH, chat(stream=True))
        assert answer.body == CHAT_STREAM_SHOWN
        assert [one[0] for one in tried(gateway)] == ["openai", "spare"]
        assert gateway.row["outcome"] == "ok"


async def test_a_stream_does_not_fall_back_after_content() -> None:
    """Once content has gone out a cut stays a cut: no second stream is begun."""
    async with FakeUpstream() as upstream, stage(upstream, retries=retries(2)) as gateway:
        upstream.otherwise = by_key(o1=Reply.events(CHAT_START, CHAT_WORDS[0], RST))
        answer = await gateway.call(CHAT_PATH, chat(stream=True))
        assert "error" in events(answer.body)[-1]
        assert len(upstream.requests) == 1
        assert gateway.row["outcome"] == "cut"


async def test_fallbacks_the_key_may_not_use_are_left_out() -> None:
    """A virtual key's models hold for fallbacks too."""
    from tests.journeys.gateway import allowed

    async with FakeUpstream() as upstream:
        spare = openai(upstream.url, name="spare", keys=keys("s"))
        facts = {"fallbacks": CHAIN, "virtual_keys": allowed(SOURCE, "anthropic/*")}
        async with Gateway(openai(upstream.url), spare, anthropic(upstream.url), **facts) as gateway:
            upstream.otherwise = by_key(o1=Reply.json(BAD, 500), s=GOOD, a1=Reply.json(MESSAGES_REPLY))
            assert (await gateway.call(CHAT_PATH, chat())).status == 200
            assert [one[0] for one in tried(gateway)] == ["openai", "anthropic"]


async def test_a_messages_call_falls_back_to_chat() -> None:
    """Claude Code's case: a messages caller whose first choice is an OpenAI-dialect provider, or falls back to one."""
    async with FakeUpstream() as upstream:
        chain = fallback("anthropic/claude-x", SOURCE)
        async with Gateway(openai(upstream.url), anthropic(upstream.url), fallbacks=chain) as gateway:
            overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
            upstream.otherwise = by_key(a1=Reply.json(overloaded, 529), o1=GOOD)
            answer = await gateway.call(MESSAGES_PATH, messages())
            assert answer.json()["content"] == [{"type": "text", "text": "Hi you"}]
            assert gateway.row["provider"] == "openai"


async def test_a_lost_operation_falls_back() -> None:
    """A target that lacks the operation is passed over for one that has it."""
    async with FakeUpstream() as upstream:
        chain = fallback("anthropic/claude-x", SOURCE)
        async with Gateway(openai(upstream.url), anthropic(upstream.url), fallbacks=chain) as gateway:
            upstream.otherwise = Reply.json({"object": "list", "data": []})
            answer = await gateway.call("/v1/embeddings", {"model": "anthropic/claude-x", "input": "x"})
            assert answer.status == 200
            assert upstream.requests[0].json() == {"model": "gpt-x", "input": "x"}


@pytest.mark.parametrize(("code", "rests"), [("rate_limit_exceeded", False), ("insufficient_quota", True)])
async def test_a_429_rests_the_key_for_that_model(code: str, rests: bool) -> None:
    """A limit is one model's, so a fallback within the provider answers; the key's own limit holds for all models."""
    said = {"error": {"message": "no", "type": "requests", "code": code}}
    async with FakeUpstream() as upstream:
        lines = fallback("openai/gpt-x", "openai/gpt-y")
        async with Gateway(openai(upstream.url), fallbacks=lines) as gateway:
            upstream.queue(Reply.json(said, 429, **{"retry-after": "30"}))
            upstream.otherwise = GOOD
            for _ in range(2):
                answer = await gateway.call(CHAT_PATH, chat("openai/gpt-x"))
                assert answer.status == (429 if rests else 200)
            assert (await gateway.call(CHAT_PATH, chat("openai/gpt-z"))).status == (429 if rests else 200)
            assert len(upstream.requests) == (1 if rests else 4)
