"""Servers and callers of both eras: in which a server is asked, and how its errors reach the caller."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult
from tests.fakes.tool_server import ToolServer
from tests.journeys.mcp_gateway import ERAS, client_of, serving

_HEADERS = {"authorization": "Bearer sk-asb-all"}


def test_a_server_of_both_eras_is_asked_in_the_era_of_its_caller() -> None:
    """A caller with a session is asked live, which servers can do in sessions only; one without is served without, and
    so is a call that came in no era at all."""

    async def body() -> None:
        async def named(context: Any, params: Any) -> ElicitResult:
            del context, params
            return ElicitResult(action="accept", content={"name": "Ada"})

        async with ToolServer() as server, serving(server, stateless=True, both=True) as gateway:
            async with client_of(gateway, "legacy", elicitation_callback=named) as client:
                found: Any = (await client.call_tool("one__ask", {})).content[0]
                assert found.text == "hello Ada"
            async with client_of(gateway, "2026-07-28", elicitation_callback=named) as client:
                found = (await client.call_tool("one__named", {})).content[0]
                assert found.text == "hello Ada, s-1"
            async with httpx2.AsyncClient(headers=_HEADERS) as http:
                url = f"http://127.0.0.1:{gateway.port}/v1/mcp/tools/call"
                called = await http.post(url, json={"name": "one__add", "arguments": {"a": 1, "b": 2}})
                assert called.status_code == 200
            assert [headers["mcp-protocol-version"] for headers in server.headers if "mcp-method" in headers] == [
                "2026-07-28"
            ] * 3

    asyncio.run(body())


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("stateless", [False, True])
def test_an_error_of_a_server_reaches_the_caller_as_it_is(mode: str, stateless: bool) -> None:
    """Its code, words and data, whatever the status of its response was. Callers of the stateless era are told the code
    by the status as well."""

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=stateless) as gateway:
            async with client_of(gateway, mode) as client:
                with pytest.raises(MCPError, match="this needs sampling") as raised:
                    await client.call_tool("one__needs", {})
                assert raised.value.error.code == -32021
                assert raised.value.error.data == {"requiredCapabilities": {"sampling": {}}}
            expected = 400 if mode == "2026-07-28" else 200
            assert [row["status"] for row in gateway.rows] == [expected]

    asyncio.run(body())
