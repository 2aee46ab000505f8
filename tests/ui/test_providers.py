"""The page of providers in a browser: how they are and whether they answer, a secret that is replaced and never read,
what a deletion breaks, two people at one provider."""

from __future__ import annotations

from playwright.sync_api import Page
from tests.fakes.waiting import wait
from tests.ui.rig import ADMIN, Gateway, Watched

CLOSED = "http://127.0.0.1:9/v1"
SECRET = "sk-of-the-browser-0123456789"


def test_providers_show_how_they_are(web: Watched, gateway: Gateway) -> None:
    """The list needs three requests, the sheet has the health of its keys, and both are accessible."""
    gateway.make("providers", name="ailing", dialect="openai", base_url=CLOSED, allow_loopback=True, keys=KEYS)
    value = gateway.make("keys", name="providers-app")["value"]
    wait(lambda: gateway.call(value, "hi")[0] == 200, "a call")
    wait(lambda: gateway.call(value, "hi", "ailing/any")[0] not in (400, 404), "the provider in the snapshot")
    web.log_in()
    web.requests.clear()
    page = web.open("providers")
    table = page.get_by_role("grid", name="Providers")
    table.get_by_role("row", name="ailing").wait_for()
    assert len([one for one in web.requests if "/api/" in one]) <= 3
    web.is_accessible()
    web.shoot("providers")
    table.get_by_role("row", name="ailing").click()
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("row", name="main").wait_for()
    web.is_accessible()
    sheet.get_by_role("button", name="Test it now").click()
    sheet.get_by_text("It does not answer as expected").wait_for()
    web.shoot("provider")
    assert "provider=ailing" in page.url


def test_a_type_asks_for_what_it_needs(web: Watched, gateway: Gateway) -> None:
    """The form is that of the type: Azure's asks for its address and says what a key may be; what is left empty shows
    at its field; once added it is tested, and the sheet says what is wrong."""
    web.log_in()
    page = web.open("providers?new=1")
    sheet = page.get_by_role("dialog")
    choose(page, "Azure (Microsoft Foundry)")
    sheet.get_by_text("Such as https://RESOURCE.openai.azure.com/openai/v1").wait_for()
    sheet.get_by_text("Often in AZURE_OPENAI_API_KEY.").wait_for()
    assert sheet.get_by_label("Name").first.input_value() == "azure"
    sheet.get_by_role("button", name="Add the provider").click()
    assert sheet.get_by_text("Required", exact=True).count() == 2
    web.is_accessible()
    web.shoot("provider-new")
    sheet.get_by_label("Base URL").fill(CLOSED)
    sheet.get_by_label("API key", exact=True).fill(SECRET)
    sheet.get_by_role("button", name="More options").click()
    sheet.get_by_label("May be at a loopback address").check(force=True)
    sheet.get_by_role("button", name="Add the provider").click()
    page.get_by_text("It does not answer as expected").wait_for()
    made = gateway.ask("GET", "providers/azure")[1]
    assert (made["type"], made["base_url"], made["keys"][0]["name"]) == ("azure", CLOSED, "azure-1")


def test_a_new_provider_answers(web: Watched, gateway: Gateway) -> None:
    """One of no known type is asked for its address and its dialect; it is tested as soon as it is added."""
    value = gateway.make("keys", name="behind")["value"]
    web.log_in()
    page = web.open("providers?new=1")
    sheet = page.get_by_role("dialog")
    choose(page, "Custom (OpenAI- or Anthropic-compatible)")
    sheet.get_by_label("Name").first.fill("another")
    sheet.get_by_label("Base URL").fill(f"{gateway.url}/v1")
    sheet.get_by_role("button", name="Add key").click()
    sheet.get_by_label("API key", exact=True).fill(value)
    sheet.get_by_role("button", name="More options").click()
    sheet.get_by_label("May be at a loopback address").check(force=True)
    sheet.get_by_role("button", name="Add the provider").click()
    page.get_by_text("another is added, and answers.").wait_for(timeout=60_000)


def choose(page: Page, title: str) -> None:
    """Choose the type of a provider."""
    page.get_by_role("dialog").get_by_label("Type").first.click()
    page.get_by_role("option", name=title).click()


def test_a_secret_is_replaced_and_never_shown(web: Watched, gateway: Gateway) -> None:
    """A stored key is masked; "Replace" writes another one, and other changes leave it as it is."""
    gateway.make("providers", name="sealed", dialect="openai", base_url=CLOSED, allow_loopback=True, keys=KEYS)
    web.log_in()
    page = web.open("providers?provider=sealed")
    sheet = page.get_by_role("dialog")
    sheet.get_by_role("button", name="Replace api key").first.click()
    sheet.get_by_label("API key", exact=True).first.fill(SECRET)
    sheet.get_by_role("button", name="Save").click()
    page.get_by_text("sealed is saved.").wait_for()
    page.goto(f"{gateway.url}/ui/providers?provider=sealed")
    shown = page.get_by_role("dialog").get_by_label("API key", exact=True).first
    shown.wait_for()
    assert shown.input_value().endswith(SECRET[-4:]) and SECRET not in page.content()
    sheet.get_by_label("Weight").first.fill("5")
    sheet.get_by_role("button", name="Save").click()
    wait(lambda: gateway.ask("GET", "providers/sealed")[1]["keys"][0]["weight"] == 5, "the weight")
    assert gateway.ask("GET", "providers/sealed")[1]["keys"][0]["value"].endswith(SECRET[-4:])


def test_another_address_asks_for_the_secret_again(web: Watched, gateway: Gateway) -> None:
    """A stored key is not sent to another address: the field of the key says so, and takes it; a refusal that no field
    can show is shown below the form."""
    keys = [{"name": "Key-1", "value": "sk-1234567890abcdefghij"}]
    gateway.make("providers", name="moved", dialect="openai", base_url=CLOSED, allow_loopback=True, keys=keys)
    web.log_in()
    page = web.open("providers?provider=moved")
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Base URL").fill("http://127.0.0.1:2/v1")
    sheet.get_by_role("button", name="Save").click()
    sheet.get_by_text("the address that secrets are sent to changes").wait_for()
    assert sheet.get_by_label("API key", exact=True).get_attribute("aria-invalid") == "true"
    assert sheet.get_by_text("the address that secrets are sent to changes").count() == 1
    sheet.get_by_role("tab", name="JSON").click()
    sheet.get_by_role("alert").get_by_text("the address that secrets are sent to changes").wait_for()
    sheet.get_by_role("tab", name="Form").click()
    sheet.get_by_role("button", name="Replace api key").click()
    sheet.get_by_label("API key", exact=True).fill(SECRET)
    sheet.get_by_role("button", name="Save").click()
    page.get_by_text("moved is saved.").wait_for()
    stored = gateway.ask("GET", "providers/moved")[1]
    assert stored["base_url"] == "http://127.0.0.1:2/v1" and stored["keys"][0]["value"].endswith(SECRET[-4:])


def test_a_deletion_says_what_breaks(web: Watched, gateway: Gateway) -> None:
    """Before a deletion, what names the provider is shown; it is not deleted as long as a rule does."""
    gateway.make("providers", name="needed", dialect="openai", base_url=CLOSED, allow_loopback=True, keys=KEYS)
    gateway.make("routing-rules", name="to-needed", when='model == "never"', to=[{"provider": "needed"}])
    gateway.make("keys", name="needs-it", models=["needed/*"])
    web.log_in()
    page = web.open("providers?provider=needed")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    asked = page.get_by_role("dialog", name="Delete needed?")
    asked.get_by_text("1 routing rule: global/to-needed").wait_for()
    asked.get_by_text("1 virtual key names it: needs-it").wait_for()
    web.is_accessible()
    asked.get_by_role("button", name="Show the rules").click()
    page.wait_for_url(lambda url: "/rules?provider=needed" in url)
    assert gateway.ask("GET", "providers/needed")[0] == 200


def test_two_admins_do_not_overwrite_each_other(web: Watched, gateway: Gateway) -> None:
    """A provider that was changed meanwhile is not overwritten: my change is applied on top of theirs."""
    gateway.make("providers", name="shared", dialect="openai", base_url=CLOSED, allow_loopback=True, keys=KEYS)
    web.log_in(ADMIN)
    page = web.open("providers?provider=shared")
    sheet = page.get_by_role("dialog")
    sheet.get_by_label("Weight").first.fill("7")
    assert gateway.ask("PATCH", "providers/shared", {"connections_max": 12})[0] == 200
    sheet.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Apply my changes").click()
    page.get_by_text("shared is saved.").wait_for()
    stored = gateway.ask("GET", "providers/shared")[1]
    assert stored["connections_max"] == 12 and stored["keys"][0]["weight"] == 7


def test_a_viewer_changes_nothing(web: Watched, gateway: Gateway) -> None:
    """A viewer sees providers and their health, and no button that changes or tests one."""
    gateway.make("users", name="vera", password="correct horse battery", role="viewer")
    web.log_in("vera")
    page = web.open("providers?provider=mock")
    page.get_by_role("dialog").get_by_text("Your role may read providers").wait_for()
    for name in ("Save", "Delete", "Test it now", "Add provider"):
        assert page.get_by_role("button", name=name).count() == 0


KEYS = [{"name": "main", "value": "sk-1234567890abcdefghij"}, {"name": "spare", "value": "sk-2", "weight": 3}]
