"""Agents and tool servers of both eras, all of the official SDK, with the gateway between them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import msgspec
import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult
from tests.fakes.tool_server import STATELESS, ToolServer
from tests.fakes.waiting import until
from tests.journeys.mcp_gateway import ERAS, SECRET, client_of, serving


@pytest.mark.parametrize("stateless", [False, True])
@pytest.mark.parametrize("mode", ERAS)
def test_an_agent_lists_and_calls_tools(mode: str, stateless: bool) -> None:
    """Callers and servers of either era: tools of two servers are listed with joined names, called, priced and
    recorded; members that no library knows come through, and so does progress."""

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=stateless) as gateway:
            progress: list[float] = []

            async def heard(value: float, total: float | None, message: str | None) -> None:
                del total, message
                progress.append(value)

            async with client_of(gateway, mode) as client:
                names = [tool.name for tool in (await client.list_tools()).tools]
                assert names == [
                    f"{one}__{tool}"
                    for one in ("one", "two")
                    for tool in ("add", "slow", "told", "ask", "fails", "named", "needs", "quotes")
                ]
                added = await client.call_tool("two__add", {"a": 2, "b": 3})
                assert added.structured_content == {"result": 5}
                told = await client.call_tool("one__told", {}, progress_callback=heard)
                assert told.structured_content == {"deep": [1, {"x": None}]}
                assert told.meta is not None and told.meta["example.com/own"] == {"kept": True}
                assert progress == [1]
                failed = await client.call_tool("one__fails", {})
                assert failed.is_error
            rows = gateway.rows
            assert [(row["surface"], row["provider"], row["model_served"], row["status"]) for row in rows] == [
                ("mcp.tool", "mcp:two", "add", 200),
                ("mcp.tool", "mcp:one", "told", 200),
                ("mcp.tool", "mcp:one", "fails", 200),
            ]
            assert [row["cost_nanousd"] for row in rows] == [0, 500_000_000, 2_000_000]
            assert [row["caller"] for row in rows] == ["all"] * 3

    asyncio.run(body())


@pytest.mark.parametrize("mode", ERAS)
def test_a_key_sees_and_calls_only_what_is_granted(mode: str) -> None:
    """Deny by default: of two keys each sees its own tools. What is not granted is refused in the words for what does
    not exist, also where a header asks for more; the refusal is recorded."""

    async def body() -> None:
        keys = {"some": ("one/a*", "sums"), "none": (), "all": ("*",)}
        async with ToolServer(json=True) as server, serving(server, stateless=True, **keys) as gateway:
            async with client_of(gateway, mode, "sk-asb-some") as client:
                assert [tool.name for tool in (await client.list_tools()).tools] == [
                    "one__add",
                    "one__ask",
                    "two__add",
                ]
                assert (await client.list_resources()).resources == []
                for name in ("one__told", "two__told", "one__nothing", "three__add", "add"):
                    with pytest.raises(MCPError, match=f"Unknown tool: {name}"):
                        await client.call_tool(name, {})
            assert server.calls == []
            narrowed = {"headers": {"x-asbru-mcp-tools": "one__add, two__told"}}
            async with client_of(gateway, mode, "sk-asb-some", **narrowed) as client:
                assert [tool.name for tool in (await client.list_tools()).tools] == ["one__add"]
                with pytest.raises(MCPError, match="Unknown tool"):
                    await client.call_tool("one__ask", {})
            async with client_of(gateway, mode, "sk-asb-none") as client:
                assert (await client.list_tools()).tools == []
            assert {row["outcome"] for row in gateway.rows} == {"refused"}
            assert {row["status"] for row in gateway.rows} == {404}

    asyncio.run(body())


@pytest.mark.parametrize("mode", ERAS)
def test_addresses_of_servers_and_groups(mode: str) -> None:
    """/mcp/<server> has the server's own names, its introduction, resources and prompts; /mcp/<group> the tools of a
    group. Elsewhere there is nothing."""

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=False) as gateway:
            async with client_of(gateway, mode, path="/one") as client:
                assert [tool.name for tool in (await client.list_tools()).tools][:2] == ["add", "slow"]
                assert (await client.call_tool("add", {"a": 1, "b": 1})).structured_content == {"result": 2}
                assert [str(one.uri) for one in (await client.list_resources()).resources] == ["note://one"]
                read: Any = (await client.read_resource("note://one")).contents[0]
                assert read.text == "noted"
                prompt: Any = (await client.get_prompt("greet", {"name": "Ada"})).messages[0].content
                assert prompt.text == "Greet Ada."
                if mode == "legacy":
                    assert client.session.initialize_result is not None
                    assert client.session.initialize_result.server_info.name == "fake"
            async with client_of(gateway, mode, path="/sums") as client:
                assert [tool.name for tool in (await client.list_tools()).tools] == ["one__add", "two__add"]
                with pytest.raises(MCPError, match="Unknown tool"):
                    await client.call_tool("one__told", {})
            with pytest.raises(BaseException, match=r"no MCP server or group|unhandled errors"):
                async with client_of(gateway, mode, path="/three") as client:
                    await client.list_tools()
            surfaces = [row["surface"] for row in gateway.rows]
            assert surfaces == ["mcp.tool", "mcp.resource", "mcp.prompt", "mcp.tool"]

    asyncio.run(body())


@pytest.mark.parametrize("stateless", [False, True])
def test_one_call_without_mcp(stateless: bool) -> None:
    """`POST /v1/mcp/tools/call`: the tool's result as the server gave it, from servers of either era; a tool's own
    error is a result, and what is refused an error in OpenAI's format. The metrics know the tool by its name."""

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=stateless) as gateway:
            url = f"http://127.0.0.1:{gateway.port}/v1/mcp/tools/call"
            async with httpx2.AsyncClient(headers=_HEADERS) as client:
                told = (await client.post(url, json={"name": "one__told", "arguments": {}})).json()
                assert told["structuredContent"] == {"deep": [1, {"x": None}]}
                assert told["_meta"]["example.com/own"] == {"kept": True}
                assert ("resultType" in told) == stateless
                failed = await client.post(url, json={"name": "one__fails"})
                assert (failed.status_code, failed.json()["isError"]) == (200, True)
                for wrong in ({}, {"name": 3}, [], {"name": "one__nothing"}):
                    refused = await client.post(url, json=wrong)
                    assert refused.status_code in (400, 404) and refused.json()["error"]["message"]
            assert gateway.lasting.meter.model_label("mcp:one", "told") == "told"
            assert gateway.lasting.meter.model_label("mcp:one", "invented") == "other"

    asyncio.run(body())


@pytest.mark.parametrize("stateless", [False, True])
def test_errors_of_servers_do_not_show_their_credential(stateless: bool) -> None:
    """One that quotes what it was shown, in an error or in a result that is a failure: callers do not see it. A result
    that is none stays as it is."""

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=stateless) as gateway:
            url = f"http://127.0.0.1:{gateway.port}/v1/mcp/tools/call"
            async with (
                httpx2.AsyncClient(headers=_HEADERS) as plain,
                client_of(gateway, STATELESS if stateless else "legacy") as client,
            ):
                for how in ("error", "failure"):
                    bare = await plain.post(url, json={"name": "two__quotes", "arguments": {"how": how}})
                    assert "[hidden]" in bare.text and SECRET not in bare.text
                failed = await client.call_tool("two__quotes", {"how": "failure"})
                assert failed.is_error and "[hidden]" in str(failed.content) and SECRET not in str(failed.content)
                with pytest.raises(MCPError, match=r"bad credential Bearer \[hidden\]"):
                    await client.call_tool("two__quotes", {"how": "error"})

    asyncio.run(body())


def test_callers_share_a_session_that_is_made_anew_when_lost() -> None:
    """A server with sessions sees one, whoever calls; when it has forgotten it, another one is made and the call is
    made once more. The caller's key does not reach the server."""

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=False, a=("*",), b=("*",)) as gateway:
            for key in ("sk-asb-a", "sk-asb-b"):
                async with client_of(gateway, "legacy", key) as client:
                    await client.call_tool("one__add", {"a": 1, "b": 1})
            posts = [one for one in server.headers if "mcp-session-id" in one]
            assert len({one["mcp-session-id"] for one in posts}) == 1
            assert not [one for one in server.headers if "sk-asb" in str(one)]
            ports: Any = gateway.lasting.tools
            lost = next(iter(ports.ports.sessions.values())).id
            async with httpx2.AsyncClient() as client:
                await client.delete(server.url, headers={"mcp-session-id": lost})
            async with client_of(gateway, "legacy", "sk-asb-a") as client:
                added = await client.call_tool("one__add", {"a": 1, "b": 1})
                assert added.structured_content == {"result": 2}
            assert ports.ports.made == 2
            assert gateway.rows[-1]["attempts"] == 2

    asyncio.run(body())


def test_a_server_asks_its_caller_within_a_call() -> None:
    """Elicitation of the era of sessions: the server's request reaches the caller, its response the server. A caller
    that cannot be asked leaves no server waiting."""

    async def body() -> None:
        async def named(context: Any, params: Any) -> ElicitResult:
            del context
            assert params.message == "Your name?"
            return ElicitResult(action="accept", content={"name": "Ada"})

        async with ToolServer() as server, serving(server, stateless=False) as gateway:
            async with client_of(gateway, "legacy", elicitation_callback=named) as client:
                found: Any = (await client.call_tool("one__ask", {})).content[0]
                assert found.text == "hello Ada"
            async with client_of(gateway, "legacy") as client:
                with pytest.raises(MCPError, match="the caller does not support elicitation/create"):
                    await client.call_tool("one__ask", {})

    asyncio.run(body())


@pytest.mark.parametrize(("stateless", "tool"), [(False, "one__ask"), (True, "one__named")])
def test_nobody_answers_or_cancels_for_another(stateless: bool, tool: str) -> None:
    """Another key knows the id of the question, the id of the request and the session: what it posts comes to nothing,
    and the caller's own answer is the one that counts."""

    async def body() -> None:
        async with (
            ToolServer() as server,
            serving(server, stateless=stateless, all=("*",), evil=("*",)) as gateway,
            httpx2.AsyncClient(headers=_HEADERS) as client,
        ):
            url = f"http://127.0.0.1:{gateway.port}/mcp"
            params = {"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}}}
            first = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
            evil = {"authorization": "Bearer sk-asb-evil"}
            own = {"mcp-session-id": (await client.post(url, json=first)).headers["mcp-session-id"]}
            theirs = {"mcp-session-id": (await client.post(url, json=first, headers=evil)).headers["mcp-session-id"]}
            async with client.stream("POST", url, json=_call(tool), headers=own) as stream:
                data = (json.loads(line[6:]) async for line in stream.aiter_lines() if line.startswith("data: "))
                question = await anext(data)
                assert question["method"] == "elicitation/create"

                def answer(name: str) -> dict[str, Any]:
                    result = {"action": "accept", "content": {"name": name}}
                    return {"jsonrpc": "2.0", "id": question["id"], "result": result}

                cancels = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
                for message in (answer("Eve"), cancels):
                    assert (await client.post(url, json=message, headers=evil | theirs)).status_code == 202
                    assert (await client.post(url, json=message, headers=evil | own)).status_code == 404
                assert (await client.post(url, json=answer("Ada"), headers=own)).status_code == 202
                assert (await anext(data))["result"]["content"][0]["text"].startswith("hello Ada")

    asyncio.run(body())


def test_input_that_a_server_wants_of_a_caller_with_a_session() -> None:
    """What a server of the stateless era wants is asked of the caller within its call, and the call goes on with the
    answer; one that cannot be asked receives the server's refusal, or is told so."""

    async def body() -> None:
        async def named(context: Any, params: Any) -> ElicitResult:
            del context
            assert params.message == "Your name?"
            return ElicitResult(action="accept", content={"name": "Ada"})

        async with ToolServer() as server, serving(server, stateless=True) as gateway:
            async with client_of(gateway, "legacy", elicitation_callback=named) as client:
                found: Any = (await client.call_tool("one__named", {})).content[0]
                assert found.text == "hello Ada, s-1"
            async with client_of(gateway, "legacy") as client:
                with pytest.raises(MCPError):
                    await client.call_tool("one__named", {})
            assert [row["attempts"] for row in gateway.rows] == [2, 1]

    asyncio.run(body())


@pytest.mark.parametrize("stateless", [False, True])
def test_a_caller_with_a_session_takes_a_call_back(stateless: bool) -> None:
    """By a notification on another connection, of the same session: the server stops, and the caller's request ends."""

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=stateless) as gateway:
            url = f"http://127.0.0.1:{gateway.port}/mcp"
            first = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}
            async with httpx2.AsyncClient(headers=_HEADERS) as client:
                session = (await client.post(url, json=first)).headers["mcp-session-id"]
                own = {"mcp-session-id": session}
                asked = asyncio.create_task(client.post(url, json=_call("one__slow"), headers=own))
                await until(lambda: server.calls, "the tool is called")
                told = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
                await client.post(url, json={**told, "params": {"requestId": 8}}, headers=own)
                await client.post(url, json=told)  # of no session
                assert not asked.done()
                assert (await client.post(url, json=told, headers=own)).status_code == 202
                assert (await asked).json()["error"]["message"] == "the caller has cancelled the request"
            await until(lambda: server.cancelled, "the tool is cancelled")
            assert [row["outcome"] for row in await gateway.recorded()] == ["cancelled"]

    asyncio.run(body())


def test_input_that_a_server_wants_in_the_stateless_era() -> None:
    """The caller is told what is wanted and calls again with it. The state that goes with it comes back to the server
    as it was, and only in a call of the same key to the same tool."""

    async def body() -> None:
        async def named(context: Any, params: Any) -> ElicitResult:
            del context, params
            return ElicitResult(action="accept", content={"name": "Ada"})

        async with (
            ToolServer() as server,
            serving(server, stateless=True, all=("*",), b=("*",)) as gateway,
            client_of(gateway, "2026-07-28", elicitation_callback=named) as client,
        ):
            found: Any = (await client.call_tool("one__named", {})).content[0]
            assert found.text == "hello Ada, s-1"
            asked: Any = await client.session.call_tool("one__named", {}, allow_input_required=True)
            assert asked.request_state and asked.request_state != "s-1"
            answers = {"name": ElicitResult(action="accept", content={"name": "Eve"})}
            for key, tool, state in (
                ("all", "two__named", asked.request_state),
                ("all", "one__named", "s-1"),
                ("b", "one__named", asked.request_state),
            ):
                async with client_of(gateway, "2026-07-28", f"sk-asb-{key}") as other:
                    with pytest.raises(MCPError, match="requestState"):
                        await other.session.call_tool(tool, {}, input_responses=answers, request_state=state)

    asyncio.run(body())


@pytest.mark.parametrize("stateless", [False, True])
def test_a_caller_that_goes_away_ends_the_call(stateless: bool) -> None:
    """The server is told, by the end of the exchange or by a notification; the call is recorded as cancelled."""

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=stateless) as gateway:
            async with httpx2.AsyncClient(headers=_HEADERS) as client:
                url = f"http://127.0.0.1:{gateway.port}/mcp"
                asked = asyncio.create_task(client.post(url, json=_call("one__slow")))
                await until(lambda: server.calls, "the tool is called")
                asked.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await asked
            await until(lambda: server.cancelled, "the tool is cancelled")
            rows = await gateway.recorded()
            assert rows[0]["outcome"] == "cancelled"

    asyncio.run(body())


_HEADERS = {
    "authorization": "Bearer sk-asb-all",
    "accept": "application/json, text/event-stream",
    "content-type": "application/json",
}


def _call(name: str, **arguments: Any) -> dict[str, Any]:
    params = {"name": name, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}


def test_refusals_at_the_door() -> None:
    """Without a key 401; a page of another origin 403; sessions that are another key's 404; headers that say something
    else than the body, unknown versions, batches and garbage 400; each with an error of JSON-RPC."""

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=True, a=("*",), all=("*",)) as gateway:
            url = f"http://127.0.0.1:{gateway.port}/mcp"

            async def refused(status: int, code: int, body: Any = None, **headers: str) -> None:
                told = {**_HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
                data = body if isinstance(body, bytes) else msgspec.json.encode(body or _call("one__add"))
                answer = await client.post(url, headers=told, content=data)
                assert answer.status_code == status, answer.text
                assert answer.json()["error"]["code"] == code

            async with httpx2.AsyncClient() as client:
                await refused(401, -32000, authorization="Bearer sk-asb-nobody")
                await refused(403, -32000, origin="http://evil.test")
                await refused(400, -32700, b"{")
                await refused(400, -32600, b"[]")
                await refused(
                    400, -32022, mcp_protocol_version="2030-01-01", mcp_method="tools/call", mcp_name="one__add"
                )
                await refused(400, -32602, mcp_protocol_version="2026-07-28")
                modern = _call("one__add", a=1, b=1)
                modern["params"]["_meta"] = {
                    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
                    "io.modelcontextprotocol/clientCapabilities": {},
                }
                names = {"mcp_protocol_version": "2026-07-28", "mcp_method": "tools/call"}
                await refused(400, -32020, modern, **names, mcp_name="two__add")
                await refused(400, -32020, modern, mcp_protocol_version="2026-07-28", mcp_method="tools/list")
                lost = {**modern, "method": "tools/nothing"}
                await refused(404, -32601, lost, mcp_protocol_version="2026-07-28", mcp_method="tools/nothing")
                removed = {**modern, "method": "initialize"}
                await refused(404, -32601, removed, mcp_protocol_version="2026-07-28", mcp_method="initialize")
                begun = await client.post(
                    url,
                    headers=_HEADERS,
                    json={
                        "jsonrpc": "2.0",
                        "id": 1,
                        "method": "initialize",
                        "params": {"protocolVersion": "2025-06-18"},
                    },
                )
                session = begun.headers["mcp-session-id"]
                assert begun.json()["result"]["protocolVersion"] == "2025-06-18"
                await refused(404, -32600, mcp_session_id=session, authorization="Bearer sk-asb-a")
                await refused(404, -32600, mcp_session_id=session[:-2])
                ended = await client.delete(url, headers={**_HEADERS, "mcp-session-id": session})
                assert ended.status_code == 204
                await refused(404, -32600, mcp_session_id=session)
                for status, more in (
                    (404, {"mcp-session-id": session}),
                    (400, {}),
                    (405, {"mcp-protocol-version": "2026-07-28"}),
                ):
                    ended = await client.delete(url, headers={**_HEADERS, **more})
                    assert ended.status_code == status
            assert server.calls == []

    asyncio.run(body())


def test_a_caller_ends_its_session() -> None:
    """By DELETE, as the protocol has it: the streams of the session end, those of others do not; the library of an
    agent does so when it leaves."""

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=True) as gateway, httpx2.AsyncClient() as http:
            url = f"http://127.0.0.1:{gateway.port}/mcp"
            begin = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}}
            sessions = [(await http.post(url, headers=_HEADERS, json=begin)).headers["mcp-session-id"] for _ in "ab"]
            own, other = ({**_HEADERS, "mcp-session-id": one} for one in sessions)
            async with http.stream("GET", url, headers=own) as ends, http.stream("GET", url, headers=other) as stays:
                lines = ends.aiter_lines(), stays.aiter_lines()
                for one in lines:
                    assert (await anext(one)).startswith(":")
                assert (await http.delete(url, headers=own)).status_code == 204
                assert [line async for line in lines[0] if line] == []
                assert gateway.lasting.tools is not None
                catalogue = gateway.lasting.tools.catalogue
                entry = catalogue.servers["one"].entry
                changed = msgspec.structs.replace(entry, tools=entry.tools[:1])
                catalogue.put("one", msgspec.msgpack.encode(changed))
                heard = [line async for line in _until_data(lines[1], 1)]
                assert "list_changed" in heard[0]
            async with client_of(gateway, "legacy") as client:
                await client.list_tools()
            assert gateway.lasting.tools.ended.count == 2

    asyncio.run(body())


@pytest.mark.parametrize("mode", ERAS)
def test_callers_hear_that_lists_have_changed(mode: str) -> None:
    """A caller that listens is told when the tools of a server that it may see have changed."""

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=True, all=("one",)) as gateway:
            url = f"http://127.0.0.1:{gateway.port}/mcp"
            assert gateway.lasting.tools is not None
            catalogue = gateway.lasting.tools.catalogue
            async with httpx2.AsyncClient() as client:
                if mode == "legacy":
                    asked = client.stream("GET", url, headers=_HEADERS)
                else:
                    meta = {
                        "io.modelcontextprotocol/protocolVersion": mode,
                        "io.modelcontextprotocol/clientCapabilities": {},
                    }
                    params = {"notifications": {"toolsListChanged": True}, "_meta": meta}
                    told = {"jsonrpc": "2.0", "id": "l1", "method": "subscriptions/listen", "params": params}
                    headers = {**_HEADERS, "mcp-protocol-version": mode, "mcp-method": "subscriptions/listen"}
                    asked = client.stream("POST", url, headers=headers, json=told)
                async with asked as stream:
                    lines = stream.aiter_lines()
                    first = await anext(lines)
                    entry = catalogue.servers["one"].entry
                    other = msgspec.structs.replace(entry, name="two", tools=())
                    catalogue.put("two", msgspec.msgpack.encode(other))
                    changed = msgspec.structs.replace(entry, tools=entry.tools[:1])
                    catalogue.put("one", msgspec.msgpack.encode(changed))
                    heard = [json.loads(line[6:]) async for line in _until_data(lines, 1 if mode == "legacy" else 2)]
                assert first.startswith(":" if mode == "legacy" else "event:")
                assert heard[-1]["method"] == "notifications/tools/list_changed"
                if mode != "legacy":
                    assert heard[0]["method"] == "notifications/subscriptions/acknowledged"
                    tag = "io.modelcontextprotocol/subscriptionId"
                    assert all(one["params"]["_meta"][tag] == "l1" for one in heard)

    asyncio.run(body())


async def _until_data(lines: AsyncIterator[str], count: int) -> AsyncIterator[str]:
    async for line in lines:
        if line.startswith("data: "):
            yield line
            count -= 1
            if not count:
                return
