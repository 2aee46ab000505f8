"""Tools through processes: a server on standard input and output behind two workers, called by keys with limits."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any

from tests.fakes.upstream import FakeUpstream
from tests.journeys.caller import KEY, Caller, UpstreamResponse
from tests.journeys.served import Served

SERVER = Path(__file__).parents[1] / "fakes" / "mcp_server.py"
OTHER = "sk-asb-journeys-1111"
PATIENT = "sk-asb-journeys-2222"
CANCELLED = 6
"""Calls that are cancelled, each on a connection of its own: some of them at the worker that does not have the call."""


async def _send(served: Served, path: str, body: dict[str, Any], key: str = KEY, **headers: str) -> UpstreamResponse:
    """One request on a connection of its own, which the system gives to any worker."""
    data = json.dumps(body)
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: gateway",
        f"Authorization: Bearer {key}",
        "Content-Type: application/json",
        "Accept: application/json, text/event-stream",
        f"Content-Length: {len(data)}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    async with Caller(served.port) as caller:
        caller.send("\r\n".join((*lines, "", data)).encode())
        return await caller.answer()


async def _post(served: Served, path: str, body: dict[str, Any], key: str = KEY) -> tuple[int, dict[str, Any]]:
    answer = await _send(served, path, body, key)
    return answer.status, answer.json()


async def _rpc(served: Served, method: str, key: str = KEY, **params: Any) -> dict[str, Any]:
    status, answer = await _post(served, "/mcp", {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, key)
    assert status == 200, answer
    return answer


async def _cancel_at_any_worker(served: Served) -> None:
    """Calls that never end, of one session, each taken back."""
    params = {"protocolVersion": "2025-11-25"}
    begun = await _send(
        served, "/mcp", {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params}, PATIENT
    )
    own = {"mcp_session_id": begun.headers["mcp-session-id"]}
    call = {"jsonrpc": "2.0", "method": "tools/call", "params": {"name": "local__hang", "arguments": {}}}
    calls = [
        asyncio.create_task(_send(served, "/mcp", {**call, "id": number}, PATIENT, **own))
        for number in range(CANCELLED)
    ]
    told = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
    async with asyncio.timeout(60.0):
        for number, asked in enumerate(calls):
            while not asked.done():  # until the call is under way, there is nothing to take back
                params = {"requestId": number}
                assert (await _send(served, "/mcp", {**told, "params": params}, PATIENT, **own)).status == 202
                await asyncio.wait([asked], timeout=0.1)
            assert (await asked).json()["error"]["message"] == "the caller has cancelled the request"


async def _listed(served: Served) -> list[str]:
    """The names of tools, once there are any."""
    async with asyncio.timeout(60.0):
        while True:
            tools = (await _rpc(served, "tools/list"))["result"]["tools"]
            if tools:
                return [tool["name"] for tool in tools]


def test_tools_are_listed_called_limited_and_recorded(tmp_path: Path) -> None:
    """One server counts for all workers. Its tools are there once it is; a key without any sees none; a limit of a tool
    holds over all workers, and what is refused does not reach the server. Each call is a record with its price."""

    async def body() -> None:
        tools = tmp_path / "tools.json"
        tools.write_text(json.dumps([{"name": "hang", "inputSchema": {"type": "object"}}]))
        mcp = {
            "servers": {
                "local": {"command": [sys.executable, str(SERVER), "--tools", str(tools)], "price_usd": 0.25}
            },
            "groups": {"sums": ["local/add"]},
        }
        keys = [{"name": "agents", "value": KEY, "mcp": ["sums"]}, {"name": "other", "value": OTHER}]
        keys.append({"name": "patient", "value": PATIENT, "mcp": ["local/hang"]})
        limits = [
            {
                "scope": "tool",
                "name": "local/a*",
                "rate_limits": [{"metric": "requests", "amount": 6, "window": "1d"}],
            }
        ]
        live = {"mcp": mcp, "virtual_keys": keys, "governance": {"limits": limits}}
        async with FakeUpstream() as upstream, Served(tmp_path, upstream.url, workers=2, **live) as served:
            listed = await _listed(served)
            assert listed == ["local__add"]
            assert (await _rpc(served, "tools/list", OTHER))["result"]["tools"] == []
            refused = await _rpc(served, "tools/call", OTHER, name="local__add", arguments={})
            assert refused["error"]["code"] == -32602
            counts: list[str] = []
            for _ in range(3):
                told = await _rpc(served, "tools/call", name="local__add", arguments={})
                counts.append(told["result"]["content"][0]["text"])
                status, bare = await _post(served, "/v1/mcp/tools/call", {"name": "local__add"})
                assert status == 200, bare
                counts.append(bare["content"][0]["text"])
            assert counts == [str(number) for number in range(1, 7)]
            limited = await _rpc(served, "tools/call", name="local__add", arguments={})
            assert limited["error"]["data"]["status"] == 429, limited
            status, bare = await _post(served, "/v1/mcp/tools/call", {"name": "local__add"})
            assert (status, bare["error"]["code"]) == (429, "rate_limit_exceeded")
            status, bare = await _post(served, "/v1/mcp/tools/call", {"name": "local__echo"})
            assert status == 404 and "Unknown tool" in bare["error"]["message"]
            await _cancel_at_any_worker(served)
            assert await served.end(signal.SIGTERM) == 0
            rows = [row for row in served.rows() if row["surface"] == "mcp.tool"]
            good = [row for row in rows if row["outcome"] == "ok"]
            assert {(row["caller"], row["provider"], row["model_served"], row["cost_nanousd"]) for row in good} == {
                ("agents", "mcp:local", "add", 250_000_000)
            }
            assert len(good) == 6
            assert sorted(row["status"] for row in rows if row["outcome"] not in ("ok", "cancelled")) == [
                404,
                404,
                429,
                429,
            ]
            assert sum(row["outcome"] == "cancelled" for row in rows) == CANCELLED

    asyncio.run(body())
