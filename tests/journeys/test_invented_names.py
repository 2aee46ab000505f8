"""A caller invents the names of models: the metrics of a gateway that runs have no series for them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.caller import request
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, chat

INVENTED = 1_000
REPORTED_S = 30.0
"""Within which workers report what they have counted."""
KNOWN = "openai/gpt-4o"


async def models(served: Served) -> dict[str, float]:
    """How many calls each model's label has."""
    text = (await served.call("/metrics", method="GET", key=None)).body.decode()
    return {
        sample.labels["model"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "asbru_calls_total" and sample.labels["model"]
    }


async def test_a_thousand_invented_names_are_one_series(tmp_path: Path) -> None:
    """A thousand names that nobody configured are counted as "other"; a model that is configured has its series
    before and after them."""
    known = [{"from": KNOWN, "to": ["anthropic/claude"]}]
    async with FakeUpstream() as upstream, Served(tmp_path, upstream.url, fallbacks=known) as served:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        async with served.caller() as caller:
            for model in (KNOWN, *(f"openai/invented-{number}" for number in range(INVENTED)), KNOWN):
                caller.send(request(CHAT_PATH, chat(model)))
                assert (await caller.answer()).status == 200
        async with asyncio.timeout(REPORTED_S):
            while sum((found := await models(served)).values()) < INVENTED + 2:
                pass
    assert found == {"gpt-4o": 2, "other": INVENTED}
