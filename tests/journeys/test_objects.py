"""Files and batches through two workers: any of them opens an id, each key sees its own, also after a restart."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

from tests.fakes.keeping import Keeping
from tests.fakes.upstream import FakeUpstream
from tests.journeys.caller import KEY, UpstreamResponse
from tests.journeys.served import Served

OTHER = "sk-asb-journeys-1111"
FORM = (
    b'--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
    b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.jsonl"\r\n\r\n{"a":1}\n\r\n--b--\r\n'
)
TIMES = 12
"""Calls on connections of their own, which the system spreads over the workers."""


async def _upload(served: Served, key: str = KEY) -> str:
    async with served.caller() as caller:
        lines = [
            "POST /v1/files HTTP/1.1",
            "Host: gateway",
            f"Authorization: Bearer {key}",
            "Content-Type: multipart/form-data; boundary=b",
            f"Content-Length: {len(FORM)}",
            "",
            "",
        ]
        caller.send("\r\n".join(lines).encode() + FORM)
        return str(_json(await caller.answer())["id"])


def _json(answer: UpstreamResponse) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()
    return found


def _provider(url: str) -> dict[str, Any]:
    keys = [{"name": name, "value": f"sk-{name}"} for name in ("one", "two")]
    return {"type": "custom", "dialect": "openai", "base_url": f"{url}/v1", "allow_loopback": True, "keys": keys}


def test_any_worker_serves_what_another_stored(tmp_path: Path) -> None:
    """Reading, content, lists and deletion, many times over two workers; another key's id is 404 everywhere, and so is
    one that was changed. What a batch used is recorded once. After a restart the ids still work."""

    async def body() -> None:
        keeping = Keeping()
        async with FakeUpstream() as upstream:
            upstream.otherwise = keeping
            live = {"providers": {"openai": _provider(upstream.url)}, "key_values": (KEY, OTHER)}
            async with Served(tmp_path, upstream.url, workers=2, **live) as served:
                own = await _upload(served)
                theirs = await _upload(served, OTHER)
                for _ in range(TIMES):
                    assert _json(await served.call(f"/v1/files/{own}", method="GET"))["id"] == own
                    for text in (theirs, own[:-2] + ("AA" if own[-2:] != "AA" else "BB")):
                        assert (await served.call(f"/v1/files/{text}", method="GET")).status == 404
                    listed = _json(await served.call("/v1/files", method="GET"))
                    assert [one["id"] for one in listed["data"]] == [own]
                asked = {"input_file_id": own, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
                batch = _json(await served.call("/v1/batches", asked))["id"]
                keeping.finish("batch_1", b'{"out":1}\n')
                reads = [served.call(f"/v1/batches/{batch}", method="GET") for _ in range(TIMES)]
                (output,) = {_json(one)["output_file_id"] for one in await asyncio.gather(*reads)}
                assert (await served.call(f"/v1/files/{output}/content", method="GET")).body == b'{"out":1}\n'
                assert await served.end(signal.SIGTERM) == 0
                rows = [row for row in served.rows() if row["surface"] == "openai.batches.read"]
                assert sorted(row["input_tokens"] or 0 for row in rows) == [0] * (TIMES - 1) + [60]
            async with Served(tmp_path, upstream.url, workers=2, **live) as served:
                assert _json(await served.call(f"/v1/files/{own}", method="GET"))["id"] == own
                assert _json(await served.call(f"/v1/files/{own}", method="DELETE"))["deleted"] is True
                for _ in range(TIMES):
                    assert _json(await served.call("/v1/files", method="GET"))["data"] == []
                    assert (await served.call(f"/v1/files/{own}", method="GET")).status == 404
            asked_with = {
                seen.headers["authorization"] for seen in upstream.requests if seen.path.endswith("/file-1")
            }
            assert len(asked_with) == 1

    asyncio.run(body())


def test_passthrough_over_sockets(tmp_path: Path) -> None:
    """A path of the provider, with the gateway's key in place of the caller's; what keys store is not reached."""

    async def body() -> None:
        async with FakeUpstream() as upstream:
            upstream.otherwise = Keeping()
            async with Served(tmp_path, upstream.url, providers={"openai": _provider(upstream.url)}) as served:
                answer = await served.call("/passthrough/openai/things/1?a=b", method="GET")
                assert (answer.status, answer.error["message"]) == (404, "Invalid URL (GET /v1/things/1)")
                assert (await served.call("/passthrough/openai/files", method="GET")).status == 403
                (seen,) = upstream.requests
                assert seen.target == "/v1/things/1?a=b" and KEY not in str(seen.header_list)
                assert await served.end(signal.SIGTERM) == 0
                first, second = sorted(served.rows(), key=lambda row: row["status"], reverse=True)
                assert (first["surface"], first["route"]) == ("passthrough.openai", "GET /things/1")
                assert (second["status"], second["error_code"]) == (403, "forbidden")

    asyncio.run(body())
