"""The page of the system in a browser: what runs, a circuit that opens meanwhile, and no asking in a hidden tab."""

from __future__ import annotations

from tests.fakes.waiting import wait
from tests.ui.rig import Gateway, Watched

OPEN_S = 20.0
HIDE = """hidden => {
    Object.defineProperty(document, 'visibilityState', {value: hidden ? 'hidden' : 'visible', configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
}"""


def _asked(web: Watched) -> int:
    return sum("/api/v1/system" in one for one in web.requests)


def test_what_runs_is_shown(web: Watched, gateway: Gateway) -> None:
    """Processes, workers, providers and stores, each as a table; how busy a process is, from the second look on."""
    web.log_in()
    page = web.open("system")
    processes = page.get_by_role("region", name="Processes")
    for role in ("supervisor", "bookkeeper", "control", "worker-0"):
        processes.get_by_role("cell", name=role, exact=True).wait_for()
    page.get_by_role("region", name="Stores").get_by_role("cell", name="records", exact=True).wait_for()
    page.get_by_role("region", name="Workers").get_by_role("cell", name="worker-0").wait_for()
    page.get_by_role("region", name="Providers").get_by_text("mock").first.wait_for()
    processes.get_by_text("%").first.wait_for()
    web.is_accessible()
    web.shoot("system")


def test_a_circuit_opens_while_one_looks(web: Watched, gateway: Gateway) -> None:
    """A provider that does not answer: its circuit is said to be open, and when it is tried again."""
    keys = [{"name": "main", "value": "not-a-secret"}]
    closed = "http://127.0.0.1:9/v1"
    gateway.make("providers", name="dead", dialect="openai", base_url=closed, allow_loopback=True, keys=keys)
    key = gateway.make("keys", name="calls-the-dead")["value"]
    web.log_in()
    page = web.open("system")

    def is_shown() -> bool:
        """Called again and again, since a circuit that is open for a while is half-open for a moment."""
        gateway.call(key, "hi", model="dead/any")
        return page.get_by_text("open, tried again").first.is_visible()

    wait(is_shown, "the open circuit", OPEN_S)
    web.shoot("system-circuit")
    gateway.ask("DELETE", "providers/dead")


def test_a_hidden_tab_does_not_ask(web: Watched) -> None:
    """It asks while it is seen, stops when it is hidden or paused, and goes on when it is seen again."""
    web.log_in()
    page = web.open("system")
    with page.expect_request("**/api/v1/system"):
        pass
    page.evaluate(HIDE, True)
    page.wait_for_load_state("networkidle")
    before = _asked(web)
    page.wait_for_timeout(3 * 2000)
    assert _asked(web) == before
    with page.expect_request("**/api/v1/system"):
        page.evaluate(HIDE, False)
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Continue").wait_for()
    assert "paused=1" in page.url
