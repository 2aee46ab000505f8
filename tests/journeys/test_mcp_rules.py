"""Rules on calls of tools: guardrails over what goes in and comes out, and conditions on arguments."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult
from tests.fakes.tool_server import ToolServer
from tests.journeys.mcp_gateway import ERAS, client_of, serving

from asbru.guardrails import GuardrailRule
from asbru.mcp.servers.rule import McpRule

_BOTH = ("tool_arguments", "tool_results")
_WORD = ({"words": {"words": ["zebra"]}},)


@pytest.mark.parametrize("stateless", [False, True])
@pytest.mark.parametrize("mode", ERAS)
def test_rules_see_arguments_and_results(mode: str, stateless: bool) -> None:
    """A word in arguments is replaced before the server is asked, in results, in messages before them and in errors
    before the caller has them; a rule that blocks refuses the call by name, before the server is asked."""
    rules = (
        GuardrailRule(
            name="r", checks=_WORD, places=("tool_arguments", "tool_results"), action="redact", replacement="mask"
        ),
        GuardrailRule(name="no-lions", checks=({"words": {"words": ["lion"]}},), places=("tool_arguments",)),
    )

    async def body() -> None:
        async with ToolServer(echo=True) as server, serving(server, stateless=stateless, rules=rules) as gateway:
            heard: list[str | None] = []

            async def hear(value: float, total: float | None, message: str | None) -> None:
                del value, total
                heard.append(message)

            async with client_of(gateway, mode) as client:
                echoed = await client.call_tool("one__echo", {"text": "a zebra"}, progress_callback=hear)
                assert server.echoed == ["a *****"]
                assert "zebra" not in str(echoed) and echoed.structured_content == {"deep": ["z: *****"]}
                assert heard == ["now *****"]
                with pytest.raises(MCPError, match="no-lions"):
                    await client.call_tool("one__echo", {"text": {"lion": 1}})
                assert server.echoed == ["a *****"]
                with pytest.raises(MCPError, match="cannot be checked"):
                    await client.call_tool("one__echo", {"text": "blob"})
            assert [row["error_code"] or "" for row in gateway.rows] == [
                "",
                "guardrail_blocked",
                "unchecked_operation",
            ]
            assert '"tool_results"' in gateway.rows[0]["guardrails"]

    asyncio.run(body())


def test_rules_see_what_a_server_asks_and_what_its_caller_answers() -> None:
    """A server with sessions asks during a call: its question is masked before the caller has it, the answer before the
    server has it. An answer that a rule blocks ends the call, and the next one is served."""
    rules = (
        GuardrailRule(name="r", checks=({"words": {"words": ["Ada", "your"]}},), places=_BOTH, action="redact"),
        GuardrailRule(name="no-lions", checks=({"words": {"words": ["lion"]}},), places=("tool_arguments",)),
    )
    answers = ["Ada", "lion", "Eve"]
    asked: list[str] = []

    async def named(context: Any, params: Any) -> ElicitResult:
        del context
        asked.append(params.message)
        return ElicitResult(action="accept", content={"name": answers[len(asked) - 1]})

    async def body() -> None:
        async with (
            ToolServer() as server,
            serving(server, stateless=False, rules=rules) as gateway,
            client_of(gateway, "legacy", elicitation_callback=named) as client,
        ):
            found: Any = (await client.call_tool("one__ask", {})).content[0]
            assert found.text.startswith("hello ") and "Ada" not in found.text
            with pytest.raises(MCPError, match="no-lions"):
                await client.call_tool("one__ask", {})
            found = (await client.call_tool("one__ask", {})).content[0]
            assert found.text == "hello Eve"
            assert len(asked) == 3 and not [words for words in asked if "Your" in words]
            assert [row["error_code"] or "" for row in gateway.rows] == ["", "guardrail_blocked", ""]

    asyncio.run(body())


@pytest.mark.parametrize("mode", ERAS)
def test_rules_on_arguments_refuse_calls_by_name(mode: str) -> None:
    """A condition over the arguments, the tool and who calls; a name that is absent does not hold, what cannot be
    evaluated does. The server is not asked."""
    rules = (
        McpRule(name="small", tools=("sums",), when="arguments.a > 100 || arguments.b > 100", message="at most 100"),
        McpRule(name="no-two", when='server == "two" && tool == "told" && virtual_key_name == "all"'),
        McpRule(name="off", enabled=False),
    )

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=True, argument_rules=rules) as gateway:
            async with client_of(gateway, mode) as client:
                assert (await client.call_tool("one__add", {"a": 2, "b": 3})).structured_content == {"result": 5}
                assert not (await client.call_tool("one__told", {})).is_error
                calls = list(server.calls)
                for name, arguments, rule in (
                    ("two__add", {"a": 200, "b": 1}, "'small' refuses this call: at most 100"),
                    ("one__add", {"a": 2, "b": 300}, "'small' refuses"),
                    ("one__add", {"a": [1], "b": 1}, "'small' refuses"),
                    ("one__add", {"a": 2**70, "b": 1}, "'small' refuses"),
                    ("two__told", {}, "'no-two' refuses"),
                ):
                    with pytest.raises(MCPError, match=rule):
                        await client.call_tool(name, arguments)
                assert server.calls == calls
            assert {row["error_code"] for row in gateway.rows[2:]} == {"mcp_rule_denied"}

    asyncio.run(body())


def test_rules_about_chats_leave_tools_alone() -> None:
    """A rule without `tool_arguments` and `tool_results` among its places has nothing to look at."""
    rule = GuardrailRule(name="r", checks=_WORD, places=("input", "output", "tool_descriptions"))

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=True, rules=(rule,)) as gateway:
            async with client_of(gateway, "legacy") as client:
                assert (await client.call_tool("two__add", {"a": 2, "b": 3})).structured_content == {"result": 5}
            assert gateway.row["guardrails"] == ""

    asyncio.run(body())


_TWICE = b'{"name": "one__add", "arguments": {"a": 500, "a": 2, "b": {"zebra": 1, "zebra": 2}}}'


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ({"argument_rules": (McpRule(name="small", when="arguments.a > 100"),)}, "mcp_rule_denied"),
        ({"rules": (GuardrailRule(name="r", checks=_WORD, places=("tool_arguments",)),)}, "unchecked_operation"),
    ],
)
def test_members_of_one_name_are_refused_where_a_rule_looks(rules: dict[str, Any], code: str) -> None:
    """A rule would judge one of them, and the server might read the other. Without a rule it is the server's matter."""

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=True, **rules) as gateway:
            answer = await gateway.call("/v1/mcp/tools/call", _TWICE, key="sk-asb-all")
            assert answer.json()["error"]["code"] == code
            assert not server.calls

    asyncio.run(body())


@pytest.mark.parametrize("arguments", [{"a": "200", "b": 1}, {"A": 200, "a": 1, "b": 1}, {"a": 1, "b": "1"}])
def test_a_rule_judges_arguments_as_the_tool_declares_them(arguments: dict[str, Any]) -> None:
    """A value of another type could mean another thing to the server than to the condition, as could a name that
    differs from a declared one in its letter case alone."""
    rules = (McpRule(name="small", when="arguments.a == 200"),)

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=True, argument_rules=rules) as gateway:
            asked = {"name": "one__add", "arguments": arguments}
            answer = await gateway.call("/v1/mcp/tools/call", asked, key="sk-asb-all")
            assert answer.json()["error"]["code"] == "mcp_rule_denied"
            assert not server.calls

    asyncio.run(body())
