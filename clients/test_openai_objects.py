"""Files and batches with the official `openai` package: upload, lists, content, a batch from start to output."""

from __future__ import annotations

import io
from collections.abc import Iterator

import openai
import pytest
from clients.gateway import KEY, Gateway, loopback
from tests.fakes.keeping import Keeping
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.clients

OTHER = "sk-asb-other-0123456789abcdef0123456789abcd"
LINES = b'{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-4o-mini"}}\n'


@pytest.fixture(scope="module")
def keeping() -> Keeping:
    """What the provider keeps."""
    return Keeping()


@pytest.fixture(scope="module")
def url(keeping: Keeping, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Asbru, in front of a provider that keeps files."""
    keys = [{"name": "one", "value": KEY}, {"name": "two", "value": OTHER}]
    with FakeUpstream() as upstream:
        upstream.otherwise = keeping
        config = {"providers": {"openai": loopback(f"{upstream.url}/v1")}, "virtual_keys": keys}
        with Gateway(tmp_path_factory.mktemp("objects"), config) as gateway:
            yield f"{gateway.url}/v1"


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    """The SDK with one key."""
    with openai.OpenAI(base_url=url, api_key=KEY, max_retries=0, timeout=120) as made:
        yield made


@pytest.fixture
def other(url: str) -> Iterator[openai.OpenAI]:
    """And with another."""
    with openai.OpenAI(base_url=url, api_key=OTHER, max_retries=0, timeout=120) as made:
        yield made


def test_a_file_from_upload_to_deletion(client: openai.OpenAI, other: openai.OpenAI) -> None:
    """Its id is Asbru's; its content is what was sent; another key does not find it, nor this one after deletion."""
    file = client.files.create(file=("a b.jsonl", LINES), purpose="batch")
    assert file.id.startswith("asbru_") and (file.purpose, file.bytes) == ("batch", len(LINES))
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).read() == LINES
    with pytest.raises(openai.NotFoundError) as refused:
        other.files.retrieve(file.id)
    assert refused.value.code == "object_not_found"
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file.id)


def test_pages_of_files_follow_each_other(client: openai.OpenAI, other: openai.OpenAI) -> None:
    """The SDK walks through all pages of the caller's own files, the newest first."""
    made = [client.files.create(file=io.BytesIO(LINES), purpose="batch").id for _ in range(5)]
    assert [file.id for file in client.files.list(limit=2)] == made[::-1]
    assert [file.id for file in other.files.list()] == []
    for file in made:
        client.files.delete(file)


def test_a_batch_from_start_to_output(client: openai.OpenAI, other: openai.OpenAI, keeping: Keeping) -> None:
    """Started with a file, read, listed, its output read by the id in it; cancelled by nobody else."""
    file = client.files.create(file=io.BytesIO(LINES), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h", metadata={"a": "b"}
    )
    assert batch.input_file_id == file.id and batch.output_file_id is None
    keeping.finish("batch_1", b"out")
    done = client.batches.retrieve(batch.id)
    assert (done.id, done.status) == (batch.id, "completed") and done.output_file_id is not None
    assert client.files.content(done.output_file_id).read() == b"out"
    assert [(one.id, one.status) for one in client.batches.list()] == [(batch.id, "completed")]
    for refused in (lambda: other.batches.cancel(batch.id), lambda: other.files.content(done.output_file_id or "")):
        with pytest.raises(openai.NotFoundError):
            refused()
    assert client.batches.cancel(batch.id).status == "cancelling"


def test_a_providers_refusal_is_kept(client: openai.OpenAI) -> None:
    """In its own words."""
    file = client.files.create(file=io.BytesIO(LINES), purpose="assistants")
    with pytest.raises(openai.BadRequestError, match="Invalid batch"):
        client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    client.files.delete(file.id)
