"""Tools called from within another call: what they may, what is recorded, how they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec
import pytest
from tests.fakes.tool_server import DirectPorts, ToolServer, feed
from tests.fakes.waiting import until
from tests.journeys.gateway import PEPPER, Gateway

from asbru.core.errors import AsbruError, BadRequest, GuardrailBlocked
from asbru.core.ports import ResponsePort
from asbru.governance import digest_of
from asbru.governance.entries import KeyEntry
from asbru.guardrails import GuardrailRule, GuardrailSettings
from asbru.mcp.access import NeedsApproval
from asbru.mcp.catalogue import MCP_SERVER
from asbru.mcp.catalogue.merged import Address
from asbru.mcp.protocol import Message
from asbru.mcp.protocol.dialect import MCP, TOOL
from asbru.mcp.servers import McpSettings, ServerSettings
from asbru.pipeline.call import Call
from asbru.pipeline.stepper import Stepper
from asbru.pipeline.tools import Asked, Toolbox
from asbru.pipeline.tools.nested import NestedTools


def _key(name: str, tools: tuple[str, ...], approved: tuple[str, ...]) -> dict[str, bytes]:
    entry = KeyEntry(name, ("*",), mcp=tools, auto_approve=approved, record_bodies=True)
    return {digest_of(f"sk-asb-{name}".encode(), PEPPER): msgspec.msgpack.encode(entry)}


class Inside:
    """A call of the key `agent` that calls tools."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        assert gateway.door.rooms is not None
        self.rooms = gateway.door.rooms
        self.parent = Call("openai.chat", TOOL, MCP, b"", cast("ResponsePort", None))
        self.parent.id = b"req_parent"
        self.parent.credentials = (b"", b"Bearer sk-asb-agent", b"")

    def tools(self, **options: Any) -> NestedTools:
        """The tools of the call."""
        return NestedTools(self.parent, self.rooms, options.pop("asked", None), **options)

    async def run(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Run as a path does: without a task."""
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        found: list[Any] = []

        async def path() -> None:
            found.append(await work())

        def ended(_: None, error: BaseException | None) -> None:
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(found[0])

        Stepper().run(path(), ended, None)
        return await done

    async def call(self, server: str, tool: str, arguments: Any = None, **options: Any) -> Any:
        """One call, and its result read."""
        approved = options.pop("approved", False)
        body = msgspec.json.encode(arguments or {})
        nested = self.tools(**options)
        return msgspec.json.decode(await self.run(lambda: nested.call(server, tool, body, approved=approved)))


@asynccontextmanager
async def _inside(
    server: ToolServer,
    *,
    tools: tuple[str, ...] = ("*",),
    approved: tuple[str, ...] = ("*",),
    stateless: bool = True,
    rules: tuple[GuardrailRule, ...] = (),
) -> AsyncIterator[Inside]:
    entries = [await server.entry(name, stateless=stateless) for name in ("one", "two")]
    settings = McpSettings(
        servers={
            name: ServerSettings(url=server.url, allow_loopback=True, price_usd=0.25) for name in ("one", "two")
        },
        groups={"sums": ("*/add",)},
    )
    gateway = Gateway(
        tools=Toolbox(DirectPorts({"one": server.url, "two": server.url})),
        declared={MCP_SERVER: feed(*entries)},
        mcp=settings,
        guardrails=GuardrailSettings(rules=rules),
        virtual_keys=_key("agent", tools, approved),
    )
    async with gateway:
        yield Inside(gateway)


def test_a_nested_call_is_a_call_of_its_own() -> None:
    """It returns the tool's result, and has a record with its price that names its parent."""

    async def body() -> None:
        async with ToolServer() as server, _inside(server) as inside:
            assert (await inside.call("two", "add", {"a": 2, "b": 3}))["structuredContent"] == {"result": 5}
            assert (await inside.call("one", "fails"))["isError"] is True
            first, second = inside.gateway.rows
            assert (first["surface"], first["provider"], first["model_served"]) == ("mcp.tool", "mcp:two", "add")
            assert (first["parent_id"], first["caller"], first["status"]) == ("req_parent", "agent", 200)
            assert (first["cost_nanousd"], second["outcome"]) == (250_000_000, "ok")
            assert inside.rooms.load.in_flight == 0

    asyncio.run(body())


def test_approval_is_asked_for_what_is_permitted() -> None:
    """A tool that is not on the list of those approved raises, unless the call is approved; nothing is recorded. One
    that is not permitted at all is refused in the words for what does not exist, approved or not."""

    async def body() -> None:
        async with (
            ToolServer() as server,
            _inside(server, tools=("one/*",), approved=("one/told", "two/*")) as inside,
        ):
            await inside.call("one", "told")
            with pytest.raises(NeedsApproval):
                await inside.call("one", "add", {"a": 1, "b": 1})
            assert len(inside.gateway.rows) == 1
            added = await inside.call("one", "add", {"a": 1, "b": 1}, approved=True)
            assert added["structuredContent"] == {"result": 2}
            for approved in (False, True):
                with pytest.raises(AsbruError, match="Unknown tool: two__add"):
                    await inside.call("two", "add", {"a": 1, "b": 1}, approved=approved)
            assert [row["outcome"] for row in inside.gateway.rows] == ["ok", "ok", "refused", "refused"]
            assert server.calls == ["told", "add"]

    asyncio.run(body())


def test_headers_and_the_address_of_the_parent_narrow() -> None:
    """What the header of the parent, or the address that it came to, leaves out is not there."""

    async def body() -> None:
        async with ToolServer() as server, _inside(server) as inside:
            message = Message(jsonrpc="2.0", method="tools/call")
            at_one = Asked(message, {}, Address(server="one"))
            assert (await inside.call("one", "add", {"a": 1, "b": 1}, asked=at_one))["isError"] is False
            sums = Asked(message, {}, Address(group="sums"))
            assert (await inside.call("two", "add", {"a": 1, "b": 1}, asked=sums))["isError"] is False
            for asked, name in ((at_one, ("two", "add")), (sums, ("one", "told"))):
                with pytest.raises(AsbruError, match="Unknown"):
                    await inside.call(*name, asked=asked)
            inside.parent.watched = {"x-asbru-mcp-tools": "one/told"}
            await inside.call("one", "told")
            with pytest.raises(AsbruError, match="Unknown"):
                await inside.call("one", "add")
            assert server.calls == ["add", "add", "told"]

    asyncio.run(body())


def test_who_calls_is_asked_again() -> None:
    """A key that is withdrawn while its call goes on calls no more tools; the refusal is recorded."""

    async def body() -> None:
        async with ToolServer() as server, _inside(server) as inside:
            await inside.call("one", "told")
            inside.gateway.virtual_keys = _key("other", ("*",), ("*",))
            inside.gateway.swap(inside.gateway.snapshot)
            with pytest.raises(AsbruError) as refused:
                await inside.call("one", "told")
            assert refused.value.status == 401
            assert server.calls == ["told"]

    asyncio.run(body())


@pytest.mark.parametrize("stateless", [False, True])
def test_a_nested_call_has_a_deadline(stateless: bool) -> None:
    """A tool that does not answer in time is taken back, and the error says so; the record is of a failed call."""

    async def body() -> None:
        async with ToolServer() as server, _inside(server, stateless=stateless) as inside:
            waiting = asyncio.ensure_future(inside.call("one", "slow", deadline_s=0.3))
            with pytest.raises(AsbruError, match=r"did not answer within 0.3 s"):
                await waiting
            await until(lambda: server.calls == [] or server.cancelled, "the tool is taken back")
            row = inside.gateway.row
            assert (row["status"], row["outcome"], row["error_code"]) == (504, "error", "mcp_tool_timeout")

    asyncio.run(body())


def test_nested_calls_end_with_their_parent() -> None:
    """Several run at a time; when the parent is over they are taken back, and recorded as cancelled."""

    async def body() -> None:
        async with ToolServer() as server, _inside(server) as inside:
            nested = inside.tools()
            for _ in range(3):
                nested.begin("one", "slow", b"{}", approved=False)
            await until(lambda: len(server.calls) == 3, "all are under way")
            nested.close()
            nested.close()
            await until(lambda: server.cancelled == 3, "all are taken back")
            assert [row["outcome"] for row in inside.gateway.rows] == ["cancelled"] * 3

    asyncio.run(body())


def test_guardrails_see_nested_calls() -> None:
    """A rule over the arguments of tools looks at nested calls as at others, and blocks them."""
    rule = GuardrailRule(name="r", checks=("secrets",), places=("tool_arguments",), action="block")

    async def body() -> None:
        async with ToolServer() as server, _inside(server, rules=(rule,)) as inside:
            with pytest.raises(GuardrailBlocked):
                await inside.call("one", "add", {"a": "AKIAIOSFODNN7EXAMPLE", "b": 1})
            assert server.calls == []
            assert inside.gateway.row["outcome"] == "refused"

    asyncio.run(body())


@pytest.mark.parametrize(("tool", "stateless"), [("ask", False), ("named", True)])
def test_a_parent_that_cannot_be_asked(tool: str, stateless: bool) -> None:
    """A tool that needs input of the caller fails, in either era of its server: nothing waits."""

    async def body() -> None:
        async with ToolServer() as server, _inside(server, stateless=stateless) as inside:
            if stateless:
                with pytest.raises(AsbruError, match="input"):
                    await inside.call("one", tool)
            else:
                with pytest.raises(AsbruError, match="does not support"):
                    await inside.call("one", tool)
            assert inside.gateway.row["outcome"] in ("refused", "error")

    asyncio.run(body())


@pytest.mark.parametrize(
    "arguments", [b'{"a":2,"b":3},"name":"told"', b"{}}", b"{", b"[]", b'"x"', b'{}},"method":"ping","params":{}']
)
def test_arguments_cannot_go_on_where_they_end(arguments: bytes) -> None:
    """They are what a model wrote: what is no JSON object could name another tool, or make another request of it."""

    async def body() -> None:
        async with ToolServer() as server, _inside(server, tools=("one/add",), stateless=False) as inside:
            nested = inside.tools()
            with pytest.raises(BadRequest, match="JSON object"):
                await inside.run(lambda: nested.call("one", "add", arguments, approved=True))
            assert not server.calls
            assert (inside.gateway.rows[0]["status"], inside.gateway.rows[0]["attempts"]) == (400, 0)

    asyncio.run(body())
