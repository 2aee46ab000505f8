"""The commands for objects of the management API, against a gateway of made-up answers."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from asbru.cli import commands


class Answers(http.server.BaseHTTPRequestHandler):
    """Keeps what was asked; answers by path."""

    asked: list[tuple[str, str, Any]] = []
    pages: dict[str, tuple[int, Any]] = {}
    raw: dict[str, bytes] = {}

    def do_GET(self) -> None:
        """Any method is answered alike."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        assert self.headers["authorization"] == "Bearer sk-asb-admin-x"
        self.asked.append((self.command, self.path, json.loads(body) if body else None))
        status, answer = self.pages.get(self.path, (200, {"id": "x"}))
        self.send_response(status)
        data = b"" if answer is None else self.raw.get(self.path) or json.dumps(answer).encode()
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_PATCH = do_DELETE = do_GET  # noqa: N815 -- likewise

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Answers]]:
    """A server on loopback that the commands are told of by the environment."""
    answers = type("Fresh", (Answers,), {"asked": [], "pages": {}, "raw": {}})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("ASBRU_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("ASBRU_TOKEN", "sk-asb-admin-x")
    yield answers
    server.shutdown()
    server.server_close()
    thread.join()


def run(*words: str) -> Result:
    """A command's outcome."""
    return CliRunner().invoke(commands()[words[0]], words[1:])


def test_a_list_goes_through_every_page(gateway: type[Answers]) -> None:
    """A table of some members, or all of them as JSON."""
    gateway.pages["/api/v1/teams?limit=200"] = (200, {"items": [{"id": "a", "source": "api"}], "next": "a"})
    gateway.pages["/api/v1/teams?limit=200&after=a"] = (200, {"items": [{"id": "b", "budgets": [1]}], "next": None})
    table = run("teams", "list").output
    assert [line.split() for line in table.splitlines()] == [
        ["id", "source", "customer", "budgets", "rate_limits"],
        ["a", "api", "-", "-", "-"],
        ["b", "-", "-", "[1]", "-"],
    ]
    assert [one["id"] for one in json.loads(run("teams", "list", "--json").output)] == ["a", "b"]


def test_a_table_keeps_ids_and_small_amounts(gateway: type[Answers]) -> None:
    """Piped, each record is one line, whatever its length; an amount has no exponent."""
    record = {"id": "req_1a21ce4199ed2c0a8681", "model_asked": "provider/" + "m" * 90, "outcome": "refused"}
    gateway.pages["/api/v1/records?limit=200"] = (200, {"items": [record], "next": None})
    _, line = run("records", "list").output.splitlines()
    assert line.split()[0] == record["id"] and record["model_asked"] in line
    sums = {"day": "2026-11-27", "calls": 1, "cost_nanousd": 13_000}
    gateway.pages["/api/v1/spend?by=day"] = (200, {"items": [sums]})
    assert run("spend", "--by", "day").output.split()[-1] == "0.000013"


def test_members_are_json_or_text(gateway: type[Answers]) -> None:
    """Each command is one request; an id may hold what a URL may not."""
    run("keys", "create", "name=k", 'models=["a/*"]', "active=false", "team=blue", "expires_at=null")
    run("keys", "set", "k", "team=null")
    run("keys", "rotate", "k", "--grace-s", "60")
    run("limits", "delete", "model/openai/gpt 4o*")
    run("routing-rules", "show", "global/a?b")
    assert gateway.asked == [
        (
            "POST",
            "/api/v1/keys",
            {"name": "k", "models": ["a/*"], "active": False, "team": "blue", "expires_at": None},
        ),
        ("PATCH", "/api/v1/keys/k", {"team": None}),
        ("POST", "/api/v1/keys/k/rotate", {"grace_s": 60}),
        ("DELETE", "/api/v1/limits/model/openai/gpt%204o%2A", None),
        ("GET", "/api/v1/routing-rules/global/a%3Fb", None),
    ]


def test_a_refusal_is_one_line(gateway: type[Answers], monkeypatch: pytest.MonkeyPatch) -> None:
    """The API's own words, and exit 1; so is a gateway that is not there, or is no gateway."""
    gateway.pages["/api/v1/teams/x"] = (404, {"error": {"message": "there is no team 'x'"}})
    gateway.pages["/api/v1/teams/y"] = (502, ["nonsense"])
    for words, said in (
        (("teams", "show", "x"), "Error: there is no team 'x'\n"),
        (("teams", "show", "y"), "control.enabled"),
        (("teams", "set", "x", "nonsense"), "expected NAME=VALUE"),
    ):
        ran = run(*words)
        assert ran.exit_code != 0 and said in ran.output
    monkeypatch.setenv("ASBRU_URL", "http://127.0.0.1:1")
    assert "cannot be reached" in run("teams", "list").output
    monkeypatch.delenv("ASBRU_TOKEN")
    assert "ASBRU_TOKEN" in run("teams", "list").output


def test_records_are_asked_for(gateway: type[Answers]) -> None:
    """By filters, as many as were asked for, and one by its id."""
    page = {"items": [{"id": "r1", "status": 429}, {"id": "r2"}], "next": "r2"}
    gateway.pages["/api/v1/records?limit=200&caller=k&status=429"] = (200, page)
    ran = run("records", "list", "--caller", "k", "--status", "429", "--limit", "2", "--json")
    assert [one["id"] for one in json.loads(ran.output)] == ["r1", "r2"]
    assert json.loads(run("records", "show", "r1").output) == {"id": "x"}


def test_sessions_are_asked_for(gateway: type[Answers], monkeypatch: pytest.MonkeyPatch) -> None:
    """By filters and in an order, of the last hours, as a table with dollars or as JSON; and one by its id."""
    monkeypatch.setattr("time.time", lambda: 7200.0)
    one = {"id": "ses_1", "agent": "claude-cli", "calls": 3, "cost_nanousd": 1_500_000, "models": ["a/b\x1b"]}
    for query in ("since_ms=3600000&failed=true&sort=calls&caller=k", "since_ms=3600000&sort=last_ms"):
        gateway.pages[f"/api/v1/sessions?limit=200&{query}"] = (200, {"items": [one, one], "next": "x"})
    ran = run("sessions", "list", "--hours", "1", "--sort", "calls", "--caller", "k", "--failed", "--limit", "1")
    head, row = (line.split() for line in ran.output.splitlines())
    assert (head[0], row[0]) == ("id", "ses_1") and row[head.index("cost_usd")] == "0.0015"
    assert "\x1b" not in ran.output
    ran = run("sessions", "list", "--hours", "1", "--limit", "2", "--json")
    assert json.loads(ran.output) == [one, one]
    assert json.loads(run("sessions", "show", "ses_1").output) == {"id": "x"}
    assert gateway.asked[-1][1] == "/api/v1/sessions/ses_1"


def test_spend_is_shown_in_dollars(gateway: type[Answers]) -> None:
    """A column for each dimension, and the sums."""
    line = {
        "team": "blue",
        "calls": 2,
        "failed": 0,
        "input_tokens": 1,
        "output_tokens": 2,
        "cost_nanousd": 1_500_000_000,
    }
    gateway.pages["/api/v1/spend?by=team"] = (200, {"items": [line], "more": False})
    table = [row.split() for row in run("spend", "--by", "team").output.splitlines()]
    assert table[1] == ["blue", "2", "0", "1", "2", "1.5"]


def test_records_are_followed_and_exported(gateway: type[Answers]) -> None:
    """Events become lines, reasons go to stderr; an export is passed on as it comes, with filters and tags."""
    record = {"id": "r1", "caller": "k", "provider": "p", "model_asked": "m", "status": 200, "outcome": "ok"}
    record |= {"error_code": "", "cost_nanousd": 1500, "latency_us": 12_000}
    stream = f':\n\nevent: record\ndata: {json.dumps(record)}\n\nevent: dropped\ndata: {{"reason": "slow"}}\n\n'
    gateway.raw["/api/v1/records/live?caller=k&tag.env=prod"] = stream.encode()
    ran = run("tail", "--caller", "k", "--tag", "env=prod")
    assert ran.stdout.split() == ["r1", "k", "p", "m", "200", "ok", "-", "$0.000002", "12.0", "ms"]
    assert ran.stderr == "asbru: slow\n"
    gateway.raw["/api/v1/records/export?format=csv&model_asked=m"] = b"id\r\nr1\r\n"
    assert run("records", "export", "--model", "m").stdout_bytes == b"id\r\nr1\r\n"
    assert "expected NAME=VALUE" in run("tail", "--tag", "env").stderr


HOSTILE = "m\x1b]0;pwned\x07\x9b31m\u202e"


def test_what_callers_wrote_steers_no_terminal(gateway: type[Answers]) -> None:
    """Names of models are theirs: in tables, lines and messages, controls are shown as in JSON."""
    record = {"id": "r1", "caller": "k", "provider": "p", "model_asked": HOSTILE, "status": 404, "outcome": "error"}
    record |= {"error_code": "", "cost_nanousd": None, "latency_us": 1}
    gateway.pages["/api/v1/records?limit=200"] = (200, {"items": [record], "next": None})
    gateway.raw["/api/v1/records/live"] = (
        f"event: record\ndata: {json.dumps(record, ensure_ascii=False)}\n\n".encode()
    )
    gateway.pages["/api/v1/teams/x"] = (404, {"error": {"message": f"no {HOSTILE}"}})
    told = [run("records", "list"), run("tail"), run("tail", "--json"), run("teams", "show", "x")]
    for one in told:
        assert "pwned" in one.output and "\\u009b31m\\u202e" in one.output, one.output
        assert not set(one.output) & set("\x1b\x07\x9b\u202e")


@pytest.mark.parametrize(
    ("url", "token", "told"),
    [
        ("http://127.0.0.1:99999", "t", "expected the address of a gateway"),
        ("http://[::1", "t", "expected the address of a gateway"),
        ("ftp://a", "t", "expected the address of a gateway"),
        ("gateway", "t", "expected the address of a gateway"),
        ("http://127.0.0.1:1", "a\nb", "expected a token"),
        ("http://127.0.0.1:1", "\u043a", "expected a token"),
    ],
)
def test_an_address_or_a_token_that_can_be_none(
    monkeypatch: pytest.MonkeyPatch, url: str, token: str, told: str
) -> None:
    """One line that says what is expected."""
    monkeypatch.setenv("ASBRU_URL", url)
    monkeypatch.setenv("ASBRU_TOKEN", token)
    ran = run("teams", "list")
    assert (ran.exit_code, isinstance(ran.exception, SystemExit)) == (1, True) and told in ran.output


def test_another_server_s_page(gateway: type[Answers], monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no JSON comes from no gateway; the line feed of a file that the token was read from is none of it."""
    monkeypatch.setenv("ASBRU_TOKEN", "sk-asb-admin-x\n")
    gateway.raw["/api/v1/teams?limit=200"] = b"<html>"
    ran = run("teams", "list")
    assert ran.exit_code == 1 and ran.output.startswith("Error: status 200; is this the address of a gateway")
