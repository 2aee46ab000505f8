"""The playground in a browser: a streamed reply with its figures, a tool's call answered by hand, an image, two models
side by side, a reply that is stopped, a record that is opened, and a refusal in words."""

from __future__ import annotations

import base64
import re

from playwright.sync_api import Page, expect
from tests.fakes.waiting import wait
from tests.ui.rig import Gateway, Watched

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def say(page: Page, text: str) -> None:
    """Write a message and send it."""
    page.get_by_role("textbox", name="Message").fill(text)
    page.get_by_role("button", name="Send", exact=True).click()


def test_a_reply_is_streamed_with_its_figures(web: Watched) -> None:
    """The page needs three requests; a reply shows its times, tokens and cost, and leads to its record."""
    web.log_in()
    web.requests.clear()
    page = web.open("playground?model=mock%2Fecho")
    assert len([one for one in web.requests if "/api/" in one]) <= 3
    say(page, "Good morning <b>gateway</b>")
    reply = page.get_by_role("article").filter(has_text="Model")
    reply.get_by_text("Good morning <b>gateway</b>").wait_for()
    reply.get_by_text("first token").wait_for()
    reply.get_by_text(re.compile(r"\$\S+ cost")).wait_for()
    web.is_accessible()
    reply.get_by_role("link", name="Record").click()
    page.get_by_role("dialog").get_by_text("playground-ann").wait_for()


def test_a_tool_is_answered_by_hand(web: Watched) -> None:
    """The model's call is shown, nothing else is sent until it has a result, and then the conversation goes on."""
    web.log_in()
    page = web.open("playground?model=mock%2Ftools")
    page.get_by_role("button", name="Insert an example").click()
    say(page, "What is the weather in Oslo?")
    result = page.get_by_label("Result of get_weather")
    result.wait_for()
    expect(page.get_by_text("Answer the calls of tools first.")).to_be_visible()
    web.is_accessible()
    web.shoot("playground-tool")
    result.fill('{"temperature": 4}')
    page.get_by_role("button", name="Send the result").click()
    page.get_by_role("article").nth(3).get_by_text("in all").wait_for()
    expect(page.get_by_role("article").nth(3)).to_contain_text("temperature")


def test_two_models_side_by_side_and_an_image(web: Watched) -> None:
    """One message goes to both, with the image; each side has its own figures."""
    web.log_in()
    page = web.open("playground?model=mock%2Fvision&other=mock%2Fstory")
    page.get_by_label("Images").set_input_files({"name": "dot.png", "mimeType": "image/png", "buffer": PNG})
    page.get_by_alt_text("Image 1 to send").wait_for()
    say(page, "What is this?")
    for side in ("Left", "Right"):
        page.get_by_role("region", name=side).get_by_text("in all").wait_for()
    expect(page.get_by_role("region", name="Left").get_by_role("article").nth(1)).to_contain_text("image")
    page.get_by_role("region", name="Right").get_by_text(re.compile(r"\$\S+ cost")).wait_for()
    web.is_accessible()
    web.shoot("playground")


def test_a_reply_is_stopped(web: Watched, gateway: Gateway) -> None:
    """Stop ends the call at once and keeps what was said; its record says that the caller cancelled."""
    web.log_in()
    page = web.open("playground?model=mock%2Fstory%2Bpause-200")
    say(page, "Tell me a story")
    page.get_by_role("article").nth(1).get_by_text(re.compile(r"\w+ \w+ \w+")).first.wait_for()
    page.get_by_role("button", name="Stop").click()
    page.get_by_text("stopped", exact=True).wait_for()
    wait(lambda: gateway.ask("GET", "records?outcome=cancelled&caller=playground-ann")[1]["items"], "the record")


def test_a_record_is_opened(web: Watched, gateway: Gateway) -> None:
    """A recorded call is taken over with its instructions and tools, and can be sent again."""
    value = gateway.make("keys", name="playground-source", record_bodies=True)["value"]
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Recorded words"}]

    def called() -> bool:
        body = {"model": "mock/echo", "messages": messages}
        return gateway.send("POST", "/v1/chat/completions", body, value)[0] == 200

    wait(called, "the call")
    found: list[dict[str, str]] = []

    def recorded() -> bool:
        found[:] = gateway.ask("GET", "records?caller=playground-source")[1]["items"]
        return bool(found) and gateway.ask("GET", f"records/{found[0]['id']}/bodies")[0] == 200

    wait(recorded, "the bodies")
    web.log_in()
    page = web.open(f"playground?record={found[0]['id']}")
    expect(page.get_by_label("Instructions")).to_have_value("Be brief.")
    page.get_by_role("button", name="Send this to the model").click()
    page.get_by_role("article").nth(1).get_by_text("Recorded words").wait_for()


def test_a_refusal_is_in_words(web: Watched) -> None:
    """A call that fails shows the code and the message of the error, and can be tried again."""
    web.log_in()
    page = web.open("playground?model=nowhere%2Fmodel")
    say(page, "hi")
    alert = page.get_by_role("article").get_by_role("alert")
    alert.wait_for()
    expect(alert.get_by_role("button", name="Try again")).to_be_visible()
    web.is_accessible()
    web.shoot("playground-refused")


def test_the_key_is_nowhere_on_the_page(web: Watched) -> None:
    """The request as curl names a variable for the key; the key itself is in no address and no text."""
    web.log_in()
    page = web.open("playground?model=mock%2Fecho")
    say(page, "hi")
    page.get_by_role("article").nth(1).get_by_text("in all").wait_for()
    assert "sk-asb-" not in page.content() and "sk-asb-" not in page.url
    kept = page.evaluate("() => Object.values(localStorage).concat(Object.values(sessionStorage)).join()")
    assert "sk-asb-" not in kept
