"""The records in a browser: found, followed live, opened; and nothing that a caller wrote becomes markup."""

from __future__ import annotations

import base64
import json

import pytest
from playwright.sync_api import expect
from tests.fakes.waiting import wait
from tests.ui.rig import Gateway, Watched

TRACE = "0af7651916cd43dd8448eb211c80319c"
HOSTILE = "<img src=x onerror=alert(1)>{{7*7}}';--"


@pytest.fixture(scope="package")
def key(gateway: Gateway) -> str:
    """A key with a few calls, one of a model whose name is hostile."""
    value = str(gateway.make("keys", name="records-app")["value"])
    for number in range(30):
        gateway.call(value, f"call {number}")
    gateway.call(value, "hi", f"mock/{HOSTILE}")
    wait(lambda: len(recorded(gateway)) >= 31, "the records")
    return value


def recorded(gateway: Gateway) -> list[object]:
    """Records of the key."""
    status, page = gateway.ask("GET", "records?caller=records-app&limit=100")
    assert status == 200, page
    return list(page["items"])


def test_records_are_filtered_and_opened_by_keyboard(web: Watched, key: str) -> None:
    """Filters come from the URL; arrows and Enter open a row; j goes to the next one; the table has no serious flaw."""
    assert key
    web.log_in()
    web.requests.clear()
    page = web.open("records?caller=records-app")
    table = page.get_by_role("grid", name="Records")
    table.get_by_role("row").nth(2).wait_for()
    assert len([one for one in web.requests if "/api/" in one]) <= 3
    web.is_accessible()
    web.shoot("records")
    table.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    sheet = page.get_by_role("dialog")
    sheet.get_by_text("Attempts").wait_for()
    web.is_accessible()
    web.shoot("record")
    before = page.url
    page.keyboard.press("j")
    page.wait_for_url(lambda url: url != before)
    page.keyboard.press("Escape")
    sheet.wait_for(state="detached")
    assert "id=" not in page.url and "caller=records-app" in page.url


_MANY = """
  const fetched = window.fetch;
  window.fetch = async (url, options) => {
    const response = await fetched(url, options);
    if (!String(url).includes("/records?")) return response;
    const [one] = (await response.json()).items;
    const items = Array.from({ length: 100_000 }, (_, at) => ({ ...one, id: `req_${at}`, caller: `row-${at}` }));
    return { ok: true, status: 200, json: async () => ({ items, next: null }) };
  };
"""


def test_a_hundred_thousand_rows_are_drawn_by_windows(web: Watched, key: str) -> None:
    """Of a list of any length only the rows in sight are in the page, at its beginning and at its end."""
    assert key
    web.log_in()
    web.page.add_init_script(_MANY)
    page = web.open("records?caller=records-app")
    table = page.get_by_role("grid", name="Records")
    expect(table).to_have_attribute("aria-rowcount", "100001")
    assert table.get_by_role("row").count() < 80
    table.focus()
    page.keyboard.press("End")
    expect(table.get_by_role("row", name="row-99999")).to_be_visible()
    assert table.get_by_role("row").count() < 80
    page.keyboard.press("Home")
    expect(table.get_by_role("row", name="row-0 ")).to_be_visible()


def test_a_card_opens_wherever_it_is_pressed(web: Watched, key: str) -> None:
    """On a phone a record is a card, and all of it opens the record, not only its time."""
    assert key
    web.log_in()
    web.page.set_viewport_size({"width": 390, "height": 844})
    page = web.open("records?caller=records-app")
    card = page.get_by_role("list", name="Records").get_by_role("listitem").first
    latency = card.get_by_text("Latency").bounding_box()
    assert latency
    page.mouse.click(latency["x"] + 5, latency["y"] + 5)
    page.get_by_role("dialog").get_by_role("button", name="Copy as curl").wait_for()


def test_filters_are_typed_in_words(web: Watched, key: str) -> None:
    """A latency with its unit becomes a filter that says the same, and the address has it; nonsense is refused."""
    assert key
    web.log_in()
    page = web.open("records?caller=records-app")
    page.get_by_role("button", name="Filter", exact=True).click()
    page.get_by_role("combobox", name="Field").click()
    page.get_by_role("option", name="Latency, at least").click()
    page.get_by_role("combobox", name="Is", exact=True).fill("fast")
    page.get_by_role("button", name="Add filter").click()
    page.get_by_text("Expected a time such as").wait_for()
    page.get_by_role("combobox", name="Is", exact=True).fill("20 s")
    page.get_by_role("button", name="Add filter").click()
    page.get_by_text("No record of this time fits").wait_for()
    assert "latency_min_us=20000000" in page.url
    page.get_by_role("button", name="Remove the filter Latency, at least").click()
    page.get_by_role("row").nth(1).wait_for()


def test_a_call_appears_while_one_looks(web: Watched, gateway: Gateway, key: str) -> None:
    """Followed live, a call is there without a reload, with the filters that are set."""
    web.log_in()
    page = web.open("records?caller=records-app&live=1")
    page.get_by_role("button", name="Live").wait_for()
    page.get_by_role("grid", name="Records").get_by_role("row").nth(1).wait_for()
    gateway.call(key, "a live one", "mock/story")
    page.get_by_role("row", name="story").first.wait_for()


def test_hostile_text_stays_text(web: Watched, key: str) -> None:
    """A model's name with markup is shown as it was written; no element comes of it, no script runs."""
    assert key
    web.page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    web.log_in()
    page = web.open("records?caller=records-app&status=404")
    page.get_by_role("row").nth(1).click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_text(HOSTILE).first.wait_for()
    sheet.get_by_role("tab", name="Raw").click()
    sheet.get_by_text("onerror").first.wait_for()
    assert page.locator("img[src=x]").count() == 0


def test_a_conversation_is_shown_and_none_of_it_becomes_markup(web: Watched, gateway: Gateway) -> None:
    """With bodies stored: turns, tools and images as they were said. Markup stays text, and an image from elsewhere is
    named instead of fetched (a request to another host fails the test)."""
    value = gateway.make("keys", name="talks", record_bodies=True)["value"]
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    said = [
        {"type": "text", "text": f"</script><script>alert(1)</script> {HOSTILE}"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixel}"}},
        {"type": "image_url", "image_url": {"url": "https://images.example/secret.png"}},
    ]
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    body = {"model": "mock/echo", "messages": [{"role": "user", "content": said}], "tools": [tool]}
    status, _ = gateway.send("POST", "/v1/chat/completions", body, value)
    assert status == 200
    wait(lambda: bodies_of(gateway, "talks"), "the record with its bodies")
    web.page.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    web.log_in()
    page = web.open("records?caller=talks")
    page.get_by_role("row").nth(1).click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("tab", name="Conversation").click()
    sheet.get_by_text("<script>alert(1)</script>").first.wait_for()
    sheet.get_by_text("1 tool offered").wait_for()
    sheet.get_by_text("https://images.example/secret.png").wait_for()
    expect(sheet.locator("img")).to_have_count(1)
    web.is_accessible()
    web.shoot("conversation")


def bodies_of(gateway: Gateway, key: str) -> object:
    """The sizes of the bodies of the newest call of a key; None as long as there are none."""
    _, page = gateway.ask("GET", f"records?caller={key}&limit=1")
    return page["items"] and gateway.ask("GET", f"records/{page['items'][0]['id']}")[1]["bodies"]


def test_bodies_are_shown_by_what_they_are(web: Watched, gateway: Gateway) -> None:
    """An image is drawn, audio can be played, JSON is indented with the images that it holds, and of other bytes there
    is the size; the trace of a call has a tab."""
    value = gateway.make("keys", name="speaks", record_bodies=True)["value"]
    assert gateway.call(value, "hi")[0] == 200
    wait(lambda: bodies_of(gateway, "speaks"), "the record with its bodies")
    found = gateway.ask("GET", f"records/{gateway.ask('GET', 'records?caller=speaks')[1]['items'][0]['id']}")[1]
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    silence = base64.b64encode(
        b"RIFF\x2d\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x40\x1f\0\0\1\0\x08\0data\x09\0\0\0" + bytes(9)
    ).decode()
    bodies = {
        "request": {"bytes": 68, "truncated": False, "base64": pixel},
        "response": {"bytes": 53, "truncated": False, "base64": silence},
        "upstream_request": {"bytes": 90, "truncated": False, "text": json.dumps({"data": [{"b64_json": pixel}]})},
        "upstream_response": {"bytes": 2048, "truncated": False, "base64": "H4sIAAAA"},
    }
    web.log_in()
    web.page.route(f"**/records/{found['id']}", lambda route: route.fulfill(json={**found, "trace_id": TRACE}))
    web.page.route("**/bodies", lambda route: route.fulfill(json=bodies))
    page = web.open(f"records?caller=speaks&id={found['id']}")
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("tab", name="Trace").click()
    sheet.get_by_text(TRACE).wait_for()
    sheet.get_by_role("tab", name="Raw").click()
    sheet.get_by_role("img", name="Request", exact=True).wait_for()
    assert (
        sheet.get_by_role("img", name="Image 1 of the reply").evaluate("one => one.complete && one.naturalWidth") == 1
    )
    page.wait_for_function("() => document.querySelector('audio').duration > 0")
    sheet.get_by_text("2 KiB, binary").wait_for()
    web.is_accessible()
    web.shoot("bodies")


def test_calls_that_a_call_made_lead_to_each_other(web: Watched, gateway: Gateway, key: str) -> None:
    """A call lists what it made, in order, and each of those names it; a trace leads to its records."""
    assert key
    parent, child = [one["id"] for one in gateway.ask("GET", "records?caller=records-app&limit=2")[1]["items"]]
    whole = {one: gateway.ask("GET", f"records/{one}")[1] for one in (parent, child)}
    whole[child] |= {"parent_id": parent, "surface": "mcp.tool", "provider": "docs", "model_served": "look"}
    whole[child]["trace_id"] = TRACE

    def made(url: str) -> dict[str, object]:
        return {"items": [whole[child]] if f"parent_id={parent}" in url else [], "next": None}

    web.log_in()
    page = web.page
    page.route("**/records/req_*", lambda route: route.fulfill(json=whole[route.request.url.rpartition("/")[2]]))
    page.route("**/records?*parent_id=*", lambda route: route.fulfill(json=made(route.request.url)))
    web.open(f"records?caller=records-app&id={child}")
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("button", name=parent).click()
    sheet.get_by_role("region", name="Calls that it made").get_by_role("button", name="docs/look").click()
    sheet.get_by_role("button", name=parent).wait_for()
    web.is_accessible()
    sheet.get_by_role("tab", name="Trace").click()
    sheet.get_by_role("button", name="Records of this trace").click()
    page.wait_for_url(lambda url: f"trace_id={TRACE}" in url)
