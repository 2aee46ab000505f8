"""A real gateway for the tests of the UI, and the pages on it: all its processes with the mock, and a first admin.
Pages fail on whatever a person would never see and should never happen: see `Watched`."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Response, expect, sync_playwright
from tests.fakes.gateway_process import serve_command, serve_environment
from tests.fakes.waiting import wait
from tools.ui import browser as browser_path

ROOT = Path(__file__).resolve().parents[2]
SHOTS = ROOT / "build" / "shots"
AXE = ROOT / "ui" / "node_modules" / "axe-core" / "axe.min.js"
SETUP_TOKEN = "set-up-token-of-the-tests"
ADMIN, PASSWORD = "ann", "correct horse battery"
START_S = 60.0
WAIT_MS = 30_000
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = {"1280": (1280, 800), "390": (390, 844)}
IS_WHOLE = bool(os.environ.get("ASBRU_UI_MATRIX"))
"""Whether screenshots are taken in all themes and widths, as `make clients` does, or in one of each."""
_SETTLE = """async () => {
  for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame);
  const ends = (one) => Number.isFinite(one.effect?.getComputedTiming().endTime);
  await Promise.all(document.getAnimations().filter(ends).map((one) => one.finished.catch(() => null)));
}"""
_COUNT_FETCHES = """
  const asked = window.fetch;
  window.fetchesOpen = 0;
  window.fetch = async (...what) => {
    window.fetchesOpen++;
    try { return await asked(...what); } finally { window.fetchesOpen--; }
  };
"""
_CALM_MS = 100
_IS_CALM = """(calm_ms) => {
  const calm = document.querySelector("h1, main h2, main h3") !== null && window.fetchesOpen === 0;
  window.calmSince = calm ? (window.calmSince ?? performance.now()) : undefined;
  return calm && performance.now() - window.calmSince > calm_ms;
}"""
"""The page has a heading, and has asked for nothing for a while. Playwright's own "networkidle" takes half a second."""
expect.set_options(timeout=WAIT_MS)
SHOT_MS = 60_000
"""For a picture on a busy machine; Chromium draws in software."""
_EXPECTED_STATUS = re.compile(r"the server responded with a status of (401|403|404|409|412|422|429|502|503)")


class Gateway:
    """See the module. `token`: of the admin, once `set_up`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self.port = 0
        self.token = ""
        self._sessions: dict[str, str] = {}
        prices = {"*": {"input": 3, "output": 15}}
        config = {"providers": {"mock": {"prices": prices}}, "control": {"enabled": True}}
        (folder / "config.json").write_text(json.dumps(config))

    def __enter__(self) -> Gateway:
        argv = serve_command("--port", "0", "--config", str(self.folder / "config.json"))
        argv += ["--data-dir", str(self.folder / "data")]
        with self.log.open("wb") as log:
            environment = serve_environment(ASBRU_SETUP_TOKEN=SETUP_TOKEN)
            self.process = subprocess.Popen(argv, stdout=log, stderr=log, env=environment)
        wait(lambda: "ready: " in self.log.read_text() or self.process.poll() is not None, "ready", START_S)
        assert self.process.poll() is None, self.log.read_text()
        self.port = int(self.log.read_text().partition("ready: http://127.0.0.1:")[2].split()[0])
        wait(lambda: self.ask("GET", "status")[0] == 200, "the control process", START_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60)

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    def set_up(self) -> None:
        """The first admin."""
        status, said = self.ask("POST", "setup", {"token": SETUP_TOKEN, "name": ADMIN, "password": PASSWORD})
        assert status == 201, said
        self.token = said["token"]

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """One request to the management API, as the admin."""
        return self.send(method, f"/api/v1/{path}", body, self.token)

    def session(self, name: str, password: str) -> str:
        """The cookie of a session, the same for all tests of a gateway."""
        if name not in self._sessions:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            body = json.dumps({"name": name, "password": password})
            connection.request("POST", "/api/v1/session", body, {"content-type": "application/json"})
            response = connection.getresponse()
            assert response.status == 200, response.read()
            cookie = response.getheader("set-cookie") or ""
            self._sessions[name] = cookie.partition("=")[2].partition(";")[0]
            connection.close()
        return self._sessions[name]

    def make(self, noun: str, **members: object) -> Any:
        """An object that is there from now on; made already is as good."""
        status, made = self.ask("POST", noun, members)
        assert status in (201, 409), made
        return made

    def call(self, key: str, text: str, model: str = "mock/echo", **members: object) -> tuple[int, Any]:
        """A call to a model."""
        body = {"model": model, "messages": [{"role": "user", "content": text}], **members}
        return self.send("POST", "/v1/chat/completions", body, key)

    def send(self, method: str, path: str, body: object, credential: str) -> tuple[int, Any]:
        """One request; its status and JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"content-type": "application/json"}
        if credential:
            headers["authorization"] = f"Bearer {credential}"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            data = response.read()
            return response.status, json.loads(data) if data else None
        finally:
            connection.close()


class Watched:
    """A page, and what went wrong on it: errors in the console, requests to other hosts, violations of the policy.

    `expected`: words of errors that the test provokes.
    """

    def __init__(self, context: BrowserContext, gateway: Gateway) -> None:
        self.gateway = gateway
        self.expected: list[str] = []
        self.requests: list[str] = []
        self._wrong: list[str] = []
        self._not_understood: list[str] = []
        context.add_init_script(_COUNT_FETCHES)
        self.page: Page = context.new_page()
        self.page.set_default_timeout(WAIT_MS)
        self.page.on("console", lambda said: self._note(said.text) if said.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self._note(f"uncaught: {error}"))
        self.page.on("request", self._seen)
        self.page.on("response", self._answered)

    def open(self, path: str) -> Page:
        """A page of the UI, once its requests are answered."""
        self.page.goto(f"{self.gateway.url}/ui/{path}", wait_until="load")
        self.page.wait_for_function(_IS_CALM, arg=_CALM_MS)
        return self.page

    def log_in(self, name: str = ADMIN, password: str = PASSWORD) -> Page:
        """Be logged in; the way through the page of the log-in has a test of its own."""
        session = self.gateway.session(name, password)
        self.page.context.add_cookies(
            [{"name": "asbru_session", "value": session, "url": f"{self.gateway.url}/api/v1", "httpOnly": True}]
        )
        return self.page

    def is_accessible(self) -> None:
        """No violation that axe calls serious or critical, once colours change no more."""
        self.page.evaluate(_SETTLE)
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations")
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        told = [f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes'][:3]]}" for one in serious]
        assert not told, "\n".join(told)

    def shoot(self, name: str) -> None:
        """Screenshots: build/shots/NAME-THEME-WIDTH.png, in every theme and width if `IS_WHOLE`, else in the first of
        each. Nothing may be wider than the screen, at any width."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        for width, size in reversed(SIZES.items()):
            self.page.set_viewport_size({"width": size[0], "height": size[1]})
            assert self.page.evaluate("document.documentElement.scrollWidth") <= size[0], (
                f"{name} is wider than {width}"
            )
            if IS_WHOLE:
                for theme in reversed(THEMES):
                    self._show_in(theme)
                    self._shoot(f"{name}-{theme}-{width}")
        if not IS_WHOLE:
            self._shoot(f"{name}-{THEMES[0]}-{next(iter(SIZES))}")

    def _show_in(self, theme: Literal["light", "dark"]) -> None:
        self.page.emulate_media(color_scheme=theme)
        self.page.locator(f"html[data-mantine-color-scheme={theme}]").wait_for(state="attached")

    def _shoot(self, name: str) -> None:
        self.page.screenshot(path=SHOTS / f"{name}.png", animations="disabled", timeout=SHOT_MS)

    def check(self) -> None:
        """Nothing went wrong that was not expected, and no page asked with a parameter that the API does not take."""
        for target in self._not_understood:
            _, said = self.gateway.send("GET", target, None, self.gateway.token)
            if isinstance(said, dict) and said.get("error", {}).get("code") in (
                "unknown_parameter",
                "repeated_parameter",
            ):
                self._wrong.append(f"{target}: {said['error']['message']}")
        assert not self._wrong, "\n".join(self._wrong)

    def forgive(self) -> None:
        """For a test whose point is a mistake."""
        self._wrong.clear()

    def _seen(self, request: Request) -> None:
        self.requests.append(f"{request.method} {request.url.removeprefix(self.gateway.url)}")
        if not request.url.startswith((self.gateway.url + "/", "data:", "blob:")):
            self._wrong.append(f"a request to another host: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status == 422 and response.request.method == "GET":
            self._not_understood.append(response.url.removeprefix(self.gateway.url))

    def _note(self, text: str) -> None:
        if _EXPECTED_STATUS.search(text) or any(words in text for words in self.expected):
            return
        self._wrong.append(f"console: {text}")


def launch() -> tuple[Any, Browser]:
    """Playwright, and Debian's Chromium on it; a test without it is skipped with what to do."""
    path = browser_path()
    if path is None:
        pytest.skip("Chromium is not installed (Debian, Ubuntu: `apt-get install chromium`)")
    playwright = sync_playwright().start()
    return playwright, playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
