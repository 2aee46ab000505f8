"""Files and batches at providers that have their own words for them: callers use OpenAI's, and read OpenAI's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.keeping import Keeping
from tests.fakes.keeping_elsewhere import MistralKeeping, TogetherKeeping
from tests.fakes.upstream import FakeUpstream
from tests.journeys.caller import KEY, UpstreamResponse
from tests.journeys.served import Served

ASKED = {"endpoint": "/v1/chat/completions", "completion_window": "24h", "metadata": {"job": "7"}, "model": "m"}


async def _upload(served: Served, purpose: str = "batch") -> UpstreamResponse:
    form = (
        f'--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\n{purpose}\r\n'
        '--b\r\ncontent-disposition: form-data; name="file"; filename="a b.jsonl"\r\n\r\n{"a":1}\n\r\n--b--\r\n'
    ).encode()
    async with served.caller() as caller:
        lines = [
            "POST /v1/files HTTP/1.1",
            "Host: gateway",
            f"Authorization: Bearer {KEY}",
            "Content-Type: multipart/form-data; boundary=b",
            f"Content-Length: {len(form)}",
            "",
            "",
        ]
        caller.send("\r\n".join(lines).encode() + form)
        return await caller.answer()


def _json(answer: UpstreamResponse, status: int = 200) -> dict[str, Any]:
    assert answer.status == status, answer.body
    found: dict[str, Any] = answer.json()
    return found


def _live(kind: str, url: str) -> dict[str, Any]:
    provider = {
        "type": kind,
        "base_url": f"{url}/v1",
        "allow_loopback": True,
        "keys": [{"name": "one", "value": "sk-1"}],
    }
    return {"providers": {"theirs": provider}, "virtual_keys": [{"name": "v", "value": KEY}]}


@pytest.mark.parametrize(
    ("kind", "make", "created", "begun", "done"),
    [
        (
            "mistral",
            MistralKeeping,
            1_700_000_000,
            {"status": "validating", "errors": None, "metadata": {"job": "7"}},
            {
                "status": "completed",
                "request_counts": {"total": 2, "completed": 1, "failed": 1},
                "errors": {"object": "list", "data": [{"message": "Invalid model", "count": 1}]},
                "in_progress_at": 1_700_000_010,
                "completed_at": 1_700_000_020,
            },
        ),
        (
            "together",
            TogetherKeeping,
            1_795_867_200,
            {"status": "validating", "expires_at": 1_795_953_600, "warning": "the file is short"},
            {
                "status": "completed",
                "errors": {"object": "list", "data": [{"message": "one line was not read"}]},
                "completed_at": 1_795_870_800,
            },
        ),
    ],
)
async def test_a_batch_from_its_file_to_its_output(
    tmp_path: Path,
    kind: str,
    make: Callable[[], Keeping],
    *,
    created: int,
    begun: dict[str, Any],
    done: dict[str, Any],
) -> None:
    """Upload, start, read, output, cancel and delete, all by ids of Asbru's; the provider refuses nothing, and none of
    its own ids leaves."""
    keeping = make()
    async with FakeUpstream() as upstream:
        upstream.otherwise = keeping
        async with Served(tmp_path, upstream.url, **_live(kind, upstream.url)) as served:
            file = _json(await _upload(served))
            assert (file["purpose"], file["object"]) == ("batch", "file")
            assert file["filename"] in ("a b.jsonl", "a_b.jsonl")
            asked = {key: value for key, value in ASKED.items() if kind == "mistral" or key != "metadata"}
            answer = await served.call("/v1/batches", {**asked, "input_file_id": file["id"]})
            batch = answer.json()
            assert answer.status in (200, 201), answer.body
            assert batch["object"] == "batch" and batch["created_at"] == created and batch["model"] == "m"
            assert batch["input_file_id"] == file["id"]
            assert begun.items() <= batch.items()
            (own,) = keeping.batches
            keeping.finish(own, b'{"out":1}\n')
            read = _json(await served.call(f"/v1/batches/{batch['id']}", method="GET"))
            assert read["id"] == batch["id"] and done.items() <= read.items()
            output = await served.call(f"/v1/files/{read['output_file_id']}/content", method="GET")
            assert output.body == b'{"out":1}\n'
            if kind == "mistral":
                cancelled = _json(await served.call(f"/v1/batches/{batch['id']}/cancel", method="POST"))
                assert cancelled["status"] == "cancelling"
            listed = _json(await served.call("/v1/batches", method="GET"))["data"]
            assert [one["id"] for one in listed] == [batch["id"]]
            gone = _json(await served.call(f"/v1/files/{file['id']}", method="DELETE"))
            assert gone == {"id": file["id"], "object": "file", "deleted": True}
            for said in (batch, read):
                assert not [value for value in said.values() if str(value).startswith(("file-", own))]


async def test_what_a_provider_cannot_be_told_is_refused(tmp_path: Path) -> None:
    """A window that is no number of hours, and the provider's own refusal of a purpose, in OpenAI's form."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = MistralKeeping()
        async with Served(tmp_path, upstream.url, **_live("mistral", upstream.url)) as served:
            file = _json(await _upload(served))["id"]
            sent = len(upstream.requests)
            answer = await served.call("/v1/batches", {**ASKED, "completion_window": "soon", "input_file_id": file})
            assert (answer.status, answer.error["param"]) == (400, "completion_window")
            assert len(upstream.requests) == sent
            assert (await _upload(served, purpose="vision")).status == 422


@pytest.mark.parametrize("path", ["batch/jobs", "batch/jobs/job-1", "batches", "files"])
async def test_passthrough_does_not_reach_them(tmp_path: Path, path: str) -> None:
    """Neither by the provider's own paths nor by OpenAI's: they may be another key's."""
    async with FakeUpstream() as upstream:
        upstream.otherwise = MistralKeeping()
        async with Served(tmp_path, upstream.url, **_live("mistral", upstream.url)) as served:
            answer = await served.call(f"/passthrough/theirs/{path}", method="GET")
            assert (answer.status, upstream.requests) == (403, [])
