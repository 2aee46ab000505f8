"""The page of agents' sessions in a browser: from a call that names one to its timeline, and back from the record."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from tests.ui.rig import Gateway, Watched, wait

SESSION = "0af76519-16cd-43dd-8448-eb211c80319c"
HOSTILE = "<img src=x onerror=alert(1)>"
TOOL = {"surface": "mcp.tool", "provider": "docs", "model_served": "look", "latency_us": 3_000_000, "cost_nanousd": 0}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One of its own: rules that other tests make would send these calls to other models."""
    with Gateway(tmp_path_factory.mktemp("sessions")) as served:
        served.set_up()
        yield served


def call(gateway: Gateway, key: str, session: str, model: str = "mock/echo") -> None:
    """A call of Claude Code's in a session."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    headers |= {"user-agent": "claude-cli/2.0.1 (external, cli)", "x-claude-code-session-id": session}
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    connection.getresponse().read()
    connection.close()


def made(gateway: Gateway, name: str, *models: str, session: str = SESSION, **members: object) -> str:
    """A key whose calls to these models make a session; its id. `members`: of the key."""
    key = gateway.make("keys", name=name, **members)["value"]
    for model in models:
        call(gateway, key, session, model)

    def found() -> list[dict[str, object]]:
        return gateway.ask("GET", f"sessions?caller={name}")[1]["items"]

    wait(lambda: sum(int(str(one["calls"])) for one in found()) == len(models), "the session", 30)
    return str(found()[0]["id"])


def test_a_session_is_found_and_opened(web: Watched, gateway: Gateway) -> None:
    """Two clicks from the list to the record of a call; the URL is the state, Back goes back; the record leads to the
    session again."""
    made(gateway, "agent", "mock/echo", "mock/story", "mock/echo", "nobody/knows")
    web.log_in()
    page = web.open("sessions?caller=agent")
    grid = page.get_by_role("grid", name="Sessions")
    row = grid.get_by_role("row").nth(1)
    expect(row).to_contain_text("Claude Code")
    expect(row).to_contain_text("echo +1")
    web.is_accessible()
    web.shoot("sessions")
    row.click()
    page.get_by_role("heading", name="Claude Code").wait_for()
    calls = page.get_by_role("region", name="Timeline").get_by_role("listitem")
    expect(calls).to_have_count(4)
    expect(calls.nth(1)).to_contain_text("story")
    expect(calls.nth(3)).to_contain_text("404")
    expect(page.get_by_text(SESSION)).to_be_visible()
    web.is_accessible()
    web.shoot("session")
    page.set_viewport_size({"width": 1280, "height": 800})
    calls.nth(1).get_by_role("link").click()
    page.get_by_role("dialog").get_by_role("link", name=SESSION).click()
    page.get_by_role("heading", name="Claude Code").wait_for()
    page.get_by_role("button", name="All sessions").click()
    grid.wait_for()
    page.go_back()
    page.get_by_role("heading", name="Claude Code").wait_for()


def test_a_link_to_a_session_is_light(web: Watched, gateway: Gateway) -> None:
    """Three requests show a session: who one is, its sums, its calls."""
    session_id = made(gateway, "linked", "mock/echo")
    web.log_in()
    page = web.open(f"sessions?id={session_id}")
    expect(page.get_by_role("region", name="Timeline").get_by_role("listitem")).to_have_count(1)
    assert len([one for one in web.requests if "/api/" in one]) <= 3, web.requests


def test_a_session_shows_what_it_used_of_its_budget(web: Watched, gateway: Gateway) -> None:
    """A budget of a run is shown with the session that is one, and with the key, which counts how many there are; from
    the key its sessions are one click away."""
    session_id = made(gateway, "budgeted", "mock/echo", budgets=[{"amount_usd": 2, "window": "run"}])
    web.log_in()
    page = web.open(f"sessions?id={session_id}")
    limits = page.get_by_role("region", name="Limits of this session")
    expect(limits).to_contain_text("of $2.00 / run")
    expect(limits).to_contain_text("of the key budgeted")
    web.is_accessible()
    web.shoot("session-limits")
    page.set_viewport_size({"width": 1280, "height": 800})
    page = web.open("keys?key=budgeted")
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("region", name="Used of its limits")).to_contain_text("fullest of 1 run")
    sheet.get_by_role("link", name="Its sessions").click()
    expect(page.get_by_role("grid", name="Sessions").get_by_role("row")).to_have_count(2)


def test_a_long_session_can_be_read(web: Watched, gateway: Gateway) -> None:
    """Calls of tools stand below the call that made them, pauses are shortened and said, earlier calls are brought on
    demand; what is no longer kept is counted."""
    session_id = made(gateway, "busy", "mock/echo")
    listed = gateway.ask("GET", "records?caller=busy&limit=1")[1]["items"][0]
    hour_ms, began_ms = 3_600_000, int(listed["started_ms"]) - 4 * 3_600_000
    late = [
        listed
        | {"id": "req_5", "started_ms": began_ms + hour_ms + 9_000, "latency_us": 9_000_000, "outcome": "error"},
        listed | TOOL | {"id": "req_4", "started_ms": began_ms + hour_ms + 2_000, "parent_id": "req_3"},
        listed | {"id": "req_3", "started_ms": began_ms + hour_ms, "latency_us": 7_000_000},
    ]
    early = [listed | {"id": f"req_{number}", "started_ms": began_ms + 1000 * number} for number in (2, 1)]

    def shown(url: str) -> dict[str, object]:
        return {"items": early, "next": None} if "before=req_3" in url else {"items": late, "next": "req_3"}

    one = gateway.ask("GET", f"sessions/{session_id}")[1]
    sums = {"calls": 9, "tool_calls": 1, "failed": 1, "input_tokens": 1_234_567, "cached_tokens": 900_000}
    sums |= {"unpriced": 2, "team": "engineering", "models": ["anthropic/claude-sonnet-4-5", "openai/gpt-4o"]}
    web.log_in()
    page = web.page
    page.route(f"**/sessions/{session_id}", lambda route: route.fulfill(json=one | sums | {"first_ms": began_ms}))
    page.route("**/records?*session=*", lambda route: route.fulfill(json=shown(route.request.url)))
    web.open(f"sessions?id={session_id}")
    calls = page.get_by_role("region", name="Timeline").get_by_role("listitem")
    expect(calls).to_have_count(3)
    expect(calls.nth(1)).to_contain_text("docs/look")
    page.get_by_role("button", name="Show earlier calls").click()
    expect(calls).to_have_count(6)
    expect(calls.nth(2)).to_have_text("59 min 58 s without calls")
    expect(page.get_by_text("no longer kept: 5 calls")).to_be_visible()
    maker, tool = (calls.nth(at).get_by_role("link").bounding_box() for at in (3, 4))
    assert maker is not None and tool is not None and tool["x"] > maker["x"]
    web.is_accessible()
    web.shoot("session-long")


def test_sessions_are_sorted_and_opened_by_keyboard(web: Watched, gateway: Gateway) -> None:
    """The order is in the URL; arrows move, Enter opens."""
    made(gateway, "short", "mock/echo", session="short-run")
    made(gateway, "long", "mock/echo", "mock/echo", session="long-run")
    web.log_in()
    page = web.open("sessions?agent=claude-cli")
    page.get_by_role("grid", name="Sessions").get_by_role("button", name="Calls", exact=True).click()
    page.wait_for_url("**sort=calls**")
    page.get_by_role("grid", name="Sessions").focus()
    page.keyboard.press("Enter")
    page.get_by_role("region", name="Timeline").wait_for()


def test_hostile_names_are_text(web: Watched, gateway: Gateway) -> None:
    """What a caller writes into a header is shown as it is."""
    session_id = made(gateway, "hostile", "mock/echo", session=HOSTILE)
    web.log_in()
    page = web.open(f"sessions?id={session_id}")
    expect(page.get_by_text(HOSTILE)).to_be_visible()
    page = web.open("sessions?caller=hostile")
    expect(page.get_by_role("grid", name="Sessions").get_by_role("row").nth(1)).to_contain_text("<img src=x")


def test_nothing_yet(web: Watched) -> None:
    """An empty list says what names a session, and how to send one."""
    web.log_in()
    page = web.open("sessions?range=1600000000000-1600000100000")
    expect(page.get_by_text("No agent has named a session")).to_be_visible()
    expect(page.get_by_text("x-asbru-session: my-first-run")).to_be_visible()
    page = web.open("sessions?range=1600000000000-1600000100000&team=none")
    page.get_by_role("button", name="Remove the filters").click()
    expect(page.get_by_text("No agent has named a session")).to_be_visible()
    web.page.goto(f"{web.gateway.url}/ui/sessions?id=ses_none")
    expect(page.get_by_text("there is no session")).to_be_visible()
