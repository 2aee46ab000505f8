"""What a call leaves in the metrics: retries, rotations, errors by type, and the labels of the caller."""

from __future__ import annotations

from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.gateway import Gateway, keys, openai, retries
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, chat

from asbru.app.snapshot import MetricsSettings
from asbru.telemetry import Collected, names

BAD = {"error": {"message": "no", "type": "x", "code": "y"}}
GOOD = Reply.json(CHAT_REPLY)


def collected(gateway: Gateway) -> Collected:
    """All that the meter has."""
    found = gateway.lasting.meter.collect_delta(everything=True)
    assert found is not None
    return found


def counters(gateway: Gateway, metric: names.Metric) -> dict[tuple[str, ...], float]:
    """One metric's series."""
    return {labels: value for name, labels, value in collected(gateway).counters if name == metric.name}


async def test_retries_are_counted_by_reason() -> None:
    """A retry with the same key, by the status that led to it; a model that is not known is other."""
    async with (
        FakeUpstream() as upstream,
        Gateway(openai(upstream.url, retries=retries(2), known_models=("gpt-x",))) as gateway,
    ):
        upstream.queue(Reply.json(BAD, 500), Reply.json(BAD, 503), GOOD, Reply.json(BAD, 500), GOOD)
        await gateway.call(CHAT_PATH, chat())
        await gateway.call(CHAT_PATH, chat("openai/made-up"))
        assert counters(gateway, names.RETRIES) == {
            ("openai", "gpt-x", "500"): 1,
            ("openai", "gpt-x", "503"): 1,
            ("openai", "other", "500"): 1,
        }
        assert counters(gateway, names.KEY_ROTATIONS) == {}


async def test_rotations_are_counted_by_the_key_that_is_left() -> None:
    """A refused key gives way to the next, which is a rotation and no retry."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, keys=keys("a", "b"))) as gateway:
        upstream.queue(Reply.json(BAD, 429), GOOD)
        await gateway.call(CHAT_PATH, chat())
        assert counters(gateway, names.KEY_ROTATIONS) == {("openai", "a", "429"): 1}
        assert counters(gateway, names.RETRIES) == {}


async def test_calls_name_their_caller_and_the_type_of_their_error() -> None:
    """The virtual key is a label; an invented model makes no series, whatever the provider answers."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, known_models=("gpt-x",))) as gateway:
        upstream.otherwise = lambda seen: GOOD if seen.json()["model"] != "gone" else Reply.json(BAD, 404)
        for model in ("gpt-x", "gone", *(f"made-up-{number}" for number in range(20))):
            await gateway.call(CHAT_PATH, chat(f"openai/{model}"))
        await gateway.call(CHAT_PATH, chat(), key="sk-asb-nobody")
        slots = {slot[0]: slot[1] for slot in collected(gateway).slots}
    where = ("openai.chat", "openai")
    assert slots == {
        (*where, "gpt-x", "o1", 200, "ok", "tester", "", "", "", ()): 1,
        (*where, "other", "o1", 200, "ok", "tester", "", "", "", ()): 20,
        (*where, "other", "o1", 404, "error", "tester", "", "", "upstream_not_found", ()): 1,
        (*where, "other", "o1", 404, "status", "tester", "", "", "upstream_not_found", ()): 0,
        ("openai.chat", "", "", "", 401, "refused", "", "", "", "authentication", ()): 1,
    }


async def test_a_listed_model_has_its_name_at_once() -> None:
    """After a caller has asked for the list of models, a model in the provider's own list has a label."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.on("/v1/models", Reply.json({"data": [{"id": "mine"}]}))
        upstream.otherwise = GOOD
        await gateway.call(CHAT_PATH, chat("openai/mine"))
        await gateway.call("/v1/models", method="GET")
        await gateway.call(CHAT_PATH, chat("openai/mine"))
        assert [slot[0][2] for slot in collected(gateway).slots] == ["other", "mine"]


async def test_tags_are_labels_where_they_are_configured() -> None:
    """A tag of the call becomes a label; the others do not."""
    settings = MetricsSettings(tags=("team-name", "absent"))
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), metrics=settings) as gateway:
        upstream.queue(GOOD)
        await gateway.call(CHAT_PATH, chat(), headers=["x-asbru-tag-team-name: blue", "x-asbru-tag-run: 7"])
        (slot,) = collected(gateway).slots
        assert slot[0][-1] == (("team-name", "blue"), ("absent", ""))
