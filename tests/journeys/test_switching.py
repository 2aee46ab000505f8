"""Conversations with a tool and thinking that change provider, on every surface, for every pair of families.

Each provider is a strict fake, which refuses what the real one refuses:

| check                                     | openai_chat | anthropic | responses | gemini | bedrock | cohere |
|--|--|--|--|--|--|--|
| unknown members                           | yes         | yes       | yes       | yes    | yes     | yes    |
| every call has its result, and no other   | yes         | yes       | yes       | yes    | yes     | yes    |
| ids: alphabet and length                  | length      | yes       | prefixes  |        | yes     |        |
| ids: unique                               |             | yes       |           |        |         |        |
| roles alternate, and begin with the user  |             | begin     |           | calls  | yes     |        |
| thinking: a MAC over the block            |             | yes       | yes       | yes    | yes     |        |
| thinking: a MAC over what came before     |             | yes       |           |        | yes     |        |
| thinking before the calls it led to       | deepseek    | yes       |           | yes    | yes     |        |
| thinking with what followed it            |             |           | yes       |        |         |        |

An empty place: the provider is not known to check that. Anthropic's and Bedrock's MACs are the same one, as Claude's
are. Gemini wants the signature on the call itself. The rules are in `tests.fakes.strict`.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple

import pytest
from tests.fakes.strict.bedrock import StrictBedrock
from tests.fakes.strict.cohere import StrictCohere
from tests.fakes.strict.gemini import StrictGemini
from tests.fakes.strict.provider import StrictProvider, ToolCall
from tests.fakes.strict.responses import StrictResponses
from tests.fakes.upstream import FakeUpstream
from tests.journeys.gateway import Gateway, keys
from tests.journeys.talks import SURFACES, TOOL

from asbru.app.snapshot import ProviderFacts
from asbru.core.secret_text import SecretText
from asbru.providers import discover
from asbru.routing import RetryPolicy

ARGUMENTS = {"city": "Basel"}


class Script:
    """What all the models say next: a call of the tool, or words."""

    calls = True

    def pair(self, *_: object) -> str | tuple[str, dict[str, Any]]:
        """As some of the fakes take it."""
        return (TOOL, ARGUMENTS) if self.calls else "It is sunny."

    def call(self, _: object) -> str | ToolCall:
        """As the others do."""
        return ToolCall(TOOL, ARGUMENTS) if self.calls else "It is sunny."


class Family(NamedTuple):
    """A provider as its folder describes it (`kind`), asked in `dialect` for `model`, and the fake behind it."""

    kind: str
    dialect: str
    model: str
    path: str
    fake: Callable[[Script], Any]


FAMILIES: Mapping[str, Family] = {
    "gpt": Family("openai", "openai_chat", "gpt-5", "/v1", lambda s: StrictProvider("openai", s.call)),
    "deepseek": Family(
        "deepseek", "openai_chat", "deepseek-v4-pro", "/v1", lambda s: StrictProvider("deepseek", s.call)
    ),
    "claude": Family(
        "anthropic", "anthropic_messages", "claude-sonnet-4-5", "/v1", lambda s: StrictProvider("anthropic", s.call)
    ),
    "responses": Family("openai", "openai_responses", "gpt-5", "/v1", lambda s: StrictResponses(s.pair)),
    "other-responses": Family(
        "openai", "openai_responses", "gpt-5", "/v1", lambda s: StrictResponses(s.pair, secret="another's")
    ),
    "gemini": Family("gemini", "gemini", "gemini-3-flash-preview", "/v1beta", lambda s: StrictGemini(s.pair)),
    "bedrock": Family(
        "bedrock",
        "bedrock_converse",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "",
        lambda s: StrictBedrock(s.call, api_keys=("sk-b1",)),
    ),
    "cohere": Family("cohere", "cohere", "command-a-reasoning-08-2025", "", lambda s: StrictCohere(s.pair)),
}


def facts(name: str, family: Family, url: str) -> ProviderFacts:
    """The provider at `url`."""
    kind = discover()[family.kind]
    access = next(one for one in kind.access if one.dialect == family.dialect)
    invoked = family.dialect == "bedrock_converse"
    return ProviderFacts(
        name=name,
        kind=family.kind,
        dialect=family.dialect,
        base_url=url + family.path,
        auth="bearer" if invoked else access.auth,
        headers={name: SecretText(value) for name, value in access.headers.items()},
        keys=keys("b1"),
        operations=access.operations,
        also={"bedrock_invoke": ("chat",)} if invoked else {},
        also_for={"bedrock_invoke": ("*anthropic.claude-*",)} if invoked else {},
        allow_loopback=True,
        retries=RetryPolicy(max=0, pause_initial_s=0.0),
        traits=kind.traits,
        trait_rules=kind.trait_rules,
    )


@asynccontextmanager
async def providers(script: Script) -> AsyncIterator[tuple[Gateway, dict[str, Any]]]:
    """A gateway before one fake of each family, and the fakes."""
    fakes = {name: family.fake(script) for name, family in FAMILIES.items()}
    async with AsyncExitStack() as stack:
        told: list[ProviderFacts] = []
        for name, family in FAMILIES.items():
            upstream = await stack.enter_async_context(FakeUpstream())
            upstream.otherwise = fakes[name]
            told.append(facts(name, family, upstream.url))
        yield await stack.enter_async_context(Gateway(*told)), fakes


PATHS = {False: "AABBABBA", True: "AABA"}
"""Who is asked, call after call, of whole replies and of streams. Every second call brings a result: they switch there
and between turns."""
ASKED_FIRST = ("thinking", "thought", "encrypted content")
"""What a provider may refuse once: only it knows what it has not signed, and what it must find."""


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("surface", SURFACES)
async def test_a_conversation_goes_on_with_any_provider(surface: str, stream: bool) -> None:
    """Whoever began it, and wherever it switches: before the result of a tool, or after words. A provider refuses
    nothing but thinking, and takes the next try."""
    script = Script()
    faults: list[str] = []
    async with providers(script) as (gateway, fakes):
        for pair in itertools.combinations_with_replacement(FAMILIES, 2):
            talk = SURFACES[surface]("", stream=stream)
            for at, letter in enumerate(PATHS[stream]):
                name = pair["AB".index(letter)]
                talk.model = f"{name}/{FAMILIES[name].model}"
                script.calls = at % 2 == 0
                answer = await gateway.call(talk.path, talk.body())
                if answer.status != 200:
                    faults.append(f"{pair} {at}: {name}: {answer.body!r:.300}")
                    break
                said = talk.take(answer.body)
                if said is not None:
                    talk.ask("And now?")
    assert not faults, "\n".join(faults)
    refused = [words for fake in fakes.values() for words in fake.refused]
    assert all(any(kind in words for kind in ASKED_FIRST) for words in refused), refused
