"""The tool servers of the benchmark, on a port: they speak MCP and refuse what a real server refuses."""

import http.client
import json
from typing import Any

import pytest
from bench.code_mode.serve import Served, ToolServers, shares
from bench.code_mode.tables import tables


def test_tools_are_shared_out() -> None:
    """Each server has about the same number, and together they have all."""
    assert shares(3, 8) == [3, 3, 2]
    assert sum(shares(16, 508)) == 508


def test_servers_speak_mcp() -> None:
    """They are greeted, list, call, and take notifications; other methods and paths are refused."""
    servers = ToolServers(tables()[:2], 32)

    def ask(link: http.client.HTTPConnection, path: str, message: dict[str, Any]) -> tuple[int, Any]:
        link.request("POST", path, json.dumps({"jsonrpc": "2.0", **message}))
        response = link.getresponse()
        body = response.read()
        return response.status, json.loads(body) if body else None

    with Served(servers) as served:
        link = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
        assert ask(link, "/crm/mcp", {"id": 1, "method": "initialize"})[1]["result"]["serverInfo"]["name"] == "crm"
        assert ask(link, "/crm/mcp", {"method": "notifications/initialized"}) == (202, None)
        listed = ask(link, "/crm/mcp", {"id": 2, "method": "tools/list"})[1]["result"]["tools"]
        assert len(listed) == 16 and all("outputSchema" in tool for tool in listed)
        params = {"name": "get_deal", "arguments": {"id": "CRDEA-0001"}}
        result = ask(link, "/crm/mcp", {"id": 3, "method": "tools/call", "params": params})[1]["result"]
        assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
        assert ask(link, "/crm/mcp", {"id": 4, "method": "prompts/list"})[1]["error"]["code"] == -32601
        assert ask(link, "/nothing/mcp", {"id": 5, "method": "ping"})[0] == 404
        link.request("GET", "/crm/mcp")
        assert link.getresponse().status == 405
        link.close()


@pytest.mark.parametrize(
    ("tool", "arguments", "problem"),
    [
        ("get_deal", {}, "needs the argument 'id'"),
        ("get_deal", {"id": "x"}, "there is no deal 'x'"),
        ("get_deal", {"id": 7}, "must be of the type string"),
        ("list_deals", {"stage": "sold"}, "must be one of lead"),
        ("list_deals", {"order_by": "colour"}, "no field 'colour'"),
        ("list_deals", {"limit": True}, "must be of the type integer"),
        ("no_tool", {}, "there is no tool"),
    ],
)
def test_what_does_not_fit_the_schema_is_refused(tool: str, arguments: dict[str, Any], problem: str) -> None:
    """With a text for the model, as an error of the tool."""
    result = ToolServers(tables()[:2], 32).call("crm", tool, arguments)
    assert result["isError"]
    assert problem in result["content"][0]["text"]


def test_all_tools_of_a_server_do_what_they_say() -> None:
    """What is created, changed, noted, assigned, archived and deleted shows in lists, counts and history."""
    servers = ToolServers(tables()[2:3], 33)

    def call(tool: str, **arguments: Any) -> Any:
        result = servers.call("calendar", tool, arguments)
        assert not result["isError"], result
        return result["structuredContent"]

    made = call("create_booking", purpose="Talk", room="studio", state="requested", requester="a@b.example")
    key = made["id"]
    assert call("search_bookings", query="talk")["total"] == 1
    call("update_booking", id=key, seats=12)
    call("assign_booking", id=key, requester="c@d.example")
    assert call("add_booking_note", id=key, text="Yes.")["notes"] == 1
    assert [one["field"] for one in call("trace_booking", id=key)["changes"]] == ["seats", "requester"]
    assert call("list_bookings", requester="c@d.example", min_seats=12)["items"][0]["id"] == key
    assert sum(call("count_bookings", group_by="room")["counts"].values()) == 61
    call("archive_booking", id=key)
    assert call("search_bookings", query="talk")["total"] == 0
    assert call("get_booking", id=key)["notes"] == ["Yes."]
    call("delete_booking", id=key)
    assert len(servers.world["calendar"]["bookings"]) == 60
    first = call("list_events", order_by="-minutes", limit=3)
    assert first["total"] == 60 and first["next_offset"] == 3
    assert first["items"][0]["minutes"] >= first["items"][2]["minutes"]
