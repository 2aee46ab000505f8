"""Message batches with the official `anthropic` package; their results are read through Asbru, too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from clients.gateway import KEY, Gateway, loopback
from tests.fakes.keeping import Keeping
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.clients

OTHER = "sk-asb-other-0123456789abcdef0123456789abcd"
PARAMS: Any = {"model": "claude-haiku-4-5", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Asbru, in front of a provider that keeps batches."""
    keys = [{"name": "one", "value": KEY}, {"name": "two", "value": OTHER}]
    with FakeUpstream() as upstream:
        upstream.otherwise = Keeping()
        config = {"providers": {"anthropic": loopback(f"{upstream.url}/v1")}, "virtual_keys": keys}
        with Gateway(tmp_path_factory.mktemp("objects"), config) as gateway:
            yield gateway.url


@pytest.mark.parametrize("base", ["/anthropic", ""])
def test_a_batch_from_start_to_deletion(url: str, base: str) -> None:
    """Below both base URLs; another key finds nothing."""
    with (
        anthropic.Anthropic(base_url=f"{url}{base}", api_key=KEY, max_retries=0) as client,
        anthropic.Anthropic(base_url=f"{url}{base}", api_key=OTHER, max_retries=0) as other,
    ):
        batch = client.messages.batches.create(requests=[{"custom_id": "1", "params": PARAMS}])
        assert batch.id.startswith("asbru_")
        assert client.messages.batches.retrieve(batch.id).processing_status == "ended"
        assert [one.custom_id for one in client.messages.batches.results(batch.id)] == ["1"]
        assert [one.id for one in client.messages.batches.list(limit=1)] == [batch.id]
        assert [one.id for one in other.messages.batches.list()] == []
        with pytest.raises(anthropic.NotFoundError):
            other.messages.batches.results(batch.id)
        assert client.messages.batches.delete(batch.id).id == batch.id
        with pytest.raises(anthropic.NotFoundError):
            client.messages.batches.retrieve(batch.id)
