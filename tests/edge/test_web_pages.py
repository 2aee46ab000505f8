"""Which requests a web page may have made, where no key is needed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes.forms import FORM_LINE, form
from tests.fakes.inside import Caller, Inside, answer, provider
from tests.fakes.stored import OBJECT_KEY, Asking

from asbru.app.snapshot import Snapshot
from asbru.core.errors import CallerError
from asbru.core.secret_text import SecretText
from asbru.edge.server import Head
from asbru.edge.web_pages import check_no_page
from asbru.storage import sqlite_url

LISTED = frozenset({b"https://app.example"})


def head(**members: bytes) -> Head:
    """A POST of JSON to localhost, but for what is given."""
    made = Head()
    for name, value in {"method": b"POST", "host": b"localhost:8080", "content_type": b"application/json"}.items():
        setattr(made, name, members.get(name, value))
    made.origin = members.get("origin", b"")
    return made


@pytest.mark.parametrize(
    "host", [b"localhost", b"app.localhost:1", b"127.0.0.1:8080", b"[::1]:8080", b"[::1]", b"", b"10.0.0.7"]
)
def test_known_hosts(host: bytes) -> None:
    """Addresses and local names, with and without a port; HTTP/1.0 may send none."""
    check_no_page(head(host=host), LISTED, local=True)


@pytest.mark.parametrize("host", [b"evil.example:8080", b"localhost.evil.example", b"127.0.0.1.evil.example", b"[x]"])
def test_unknown_hosts(host: bytes) -> None:
    """A name that a page may have pointed here; behind a name of its own the gateway is known by it."""
    with pytest.raises(CallerError) as raised:
        check_no_page(head(host=host), LISTED, local=True)
    assert (raised.value.status, raised.value.code) == (403, "unknown_host")
    check_no_page(head(host=host), LISTED, local=False)


@pytest.mark.parametrize("origin", [b"https://app.example", b"http://localhost:8080", b""])
def test_own_and_listed_origins(origin: bytes) -> None:
    """The gateway's own pages, those that are listed, and clients that are no browsers."""
    check_no_page(head(origin=origin), LISTED, local=True)


@pytest.mark.parametrize("origin", [b"https://evil.example", b"null", b"http://localhost:3000", b"file://"])
def test_other_origins(origin: bytes) -> None:
    """Refused, unless all are listed."""
    with pytest.raises(CallerError) as raised:
        check_no_page(head(origin=origin), LISTED, local=True)
    assert (raised.value.status, raised.value.code) == (403, "cross_origin")
    check_no_page(head(origin=origin), frozenset({b"*"}), local=True)


@pytest.mark.parametrize(
    ("content_type", "is_json"),
    [
        (b"application/json; charset=utf-8", True),
        (b"Application/JSON", True),
        (b"application/vnd.x+json", True),
        (b"text/plain", False),
        (b"text/plain; application/json", False),
        (b"application/x-www-form-urlencoded", False),
        (b"", False),
    ],
)
def test_bodies_are_declared(content_type: bytes, is_json: bool) -> None:
    """What a page may send without asking first is not taken as JSON."""
    if is_json:
        check_no_page(head(content_type=content_type), LISTED, local=True)
        return
    with pytest.raises(CallerError) as raised:
        check_no_page(head(content_type=content_type), LISTED, local=True)
    assert (raised.value.status, raised.value.code) == (415, "json_expected")


@pytest.mark.parametrize("origin", [b"", b"http://localhost:8080", b"https://app.example"])
def test_forms_where_they_are_taken(origin: bytes) -> None:
    """From clients that are no browsers, and pages that may call; on other paths they are no JSON."""
    form = head(content_type=b"multipart/form-data; boundary=x", origin=origin)
    check_no_page(form, LISTED, local=True, forms=True)
    with pytest.raises(CallerError) as raised:
        check_no_page(form, LISTED, local=True)
    assert raised.value.code == "json_expected"


@pytest.mark.parametrize("origin", [b"https://evil.example", b"null"])
def test_forms_of_other_pages(origin: bytes) -> None:
    """A page may send a form without asking first: it is refused by its origin, which browsers always send along."""
    with pytest.raises(CallerError) as raised:
        check_no_page(
            head(content_type=b"multipart/form-data; boundary=x", origin=origin), LISTED, local=True, forms=True
        )
    assert raised.value.code == "cross_origin"


PATH = "/v1/chat/completions"
BODY = {"model": "a/m", "messages": [{"role": "user", "content": "hi"}]}
JSON = b"content-type: application/json"


@pytest.mark.parametrize("needed", [True, False])
def test_a_page_spends_no_money(needed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page sends does not reach a provider where no key is needed; with a key, nothing of it is asked."""
    monkeypatch.setattr(Inside, "keys", {"test": ("*",)} if needed else {})
    inside = Inside(Snapshot(providers=(provider("a"),), open_access=True), monkeypatch)
    inside.script("a", *[answer(200, b"{}")] * 3)
    key = "sk-asb-test" if needed else None
    sent = [(b"content-type: text/plain",), (JSON, b"origin: https://evil.example"), (JSON,)]
    statuses = [inside.call(PATH, BODY, *lines, key=key).status for lines in sent]
    assert (statuses == [200, 200, 200]) is needed
    assert len(inside.requests) == (3 if needed else 0)  # its host is `h`
    assert needed or statuses == [403, 403, 403]
    assert inside.call("/livez", method="GET", key=None).status == 200


@pytest.mark.parametrize("path", ["/v1/files", "/v1/audio/transcriptions", "/passthrough/a/audio/transcriptions"])
@pytest.mark.parametrize("origin", [b"", b"origin: https://evil.example\r\n"])
def test_forms_without_a_key(path: str, origin: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Wherever a form is taken, also where it is kept or passed through; from no other page."""
    monkeypatch.setattr(Inside, "keys", {})
    asking = Asking(sqlite_url(tmp_path / "asbru.sqlite"))
    facts = provider("a", operations=("chat", "files", "transcriptions"))
    keys = (SecretText(OBJECT_KEY.hex()),)
    snapshot = Snapshot(providers=(facts,), open_access=True, object_keys=keys)
    inside = Inside(snapshot, monkeypatch, object_index=asking.index)
    inside.script("a", answer(200, b'{"id":"file-1","text":"hi"}'))
    body = form(("model", "a/m"), ("file", ("a.mp3", b"abc")))
    head = b"POST %b HTTP/1.1\r\nhost: localhost\r\n%b%b\r\ncontent-length: %d\r\n\r\n"
    caller = Caller(inside)
    caller.transport.receive(head % (path.encode(), origin, FORM_LINE.encode(), len(body)) + body)
    inside.play()
    asking.close()
    assert caller.status == (403 if origin else 200)
