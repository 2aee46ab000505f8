"""One gateway for all SDK tests, in front of the mock in both of its dialects; and the three ways to call it.

Every SDK test runs three times: straight at the mock (which proves the test and the mock), through Asbru to an
OpenAI-dialect upstream, and through Asbru to an Anthropic-dialect upstream. What is expected is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from clients.gateway import KEY, VIRTUAL_KEYS, Gateway, loopback, start_mock


@dataclass(frozen=True)
class Route:
    """A way to a model. `root` is where the SDKs' paths begin, without the surface's own."""

    name: str
    root: str
    key: str = KEY

    @property
    def openai_url(self) -> str:
        """What the OpenAI SDK calls its base URL."""
        return f"{self.root}/v1" if self.is_direct else f"{self.root}/openai/v1"

    @property
    def anthropic_url(self) -> str:
        """What the Anthropic SDK calls its base URL."""
        return self.root if self.is_direct else f"{self.root}/anthropic"

    @property
    def is_direct(self) -> bool:
        """Whether there is no gateway on this way."""
        return self.name == "direct"

    def model(self, name: str) -> str:
        """A model of the mock, as it is called on this way."""
        return name if self.is_direct else f"{self.name}/{name}"

    def limited_model(self, name: str) -> str:
        """The same at a provider of its own: a 429 makes that provider's keys rest for a while."""
        return name if self.is_direct else f"{self.name}-limited/{name}"


@pytest.fixture(scope="session")
def mock_url() -> Iterator[str]:
    """The mock provider's own server."""
    served, url = start_mock()
    yield url
    assert served.end() == 0


@pytest.fixture(scope="session")
def gateway(mock_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Asbru, with the mock as an OpenAI-dialect provider (`oai`) and as an Anthropic-dialect one (`ant`),
    each once more for 429."""
    dialects = {"oai": "openai", "ant": "anthropic"}
    providers = {
        f"{name}{end}": loopback(f"{mock_url}/v1", dialect=dialect)
        for name, dialect in dialects.items()
        for end in ("", "-limited")
    }
    config = {"providers": providers, "virtual_keys": VIRTUAL_KEYS}
    with Gateway(tmp_path_factory.mktemp("gateway"), config) as running:
        yield running


@pytest.fixture(scope="session", params=["direct", "oai", "ant"])
def route(request: pytest.FixtureRequest, mock_url: str) -> Route:
    """The three ways, one after the other."""
    if request.param == "direct":
        return Route("direct", mock_url)
    running: Gateway = request.getfixturevalue("gateway")
    return Route(request.param, running.url)
