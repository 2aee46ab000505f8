"""Passthrough calls, in process: what is sent, what comes back, who may, and what is recorded."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.fakes.inside import KEY, PEPPER, Caller, Inside, answer, provider
from tests.pipeline.test_leases import LIMIT_ID, PRICED, TARGET_ID, Governed, budget

from asbru.app.snapshot import KeyFacts, Snapshot
from asbru.catalog import MatchClause
from asbru.core.secret_text import SecretText
from asbru.governance import digest_of
from asbru.governance.entries import KeyEntry, LimitEntry, ProviderEntry
from asbru.pipeline import Stage

REPLY = {"id": "1", "model": "m", "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}
GOOD = answer(200, msgspec.json.encode(REPLY), b"x-request-id: theirs", b"set-cookie: a=b")
CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
EVENTS = (
    b'data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n',
    b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10}}\n\n',
    b"data: [DONE]\n\n",
)


def _chunks(*pieces: bytes, content_type: bytes = b"text/event-stream") -> tuple[bytes, ...]:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: %b\r\n\r\n" % content_type
    return (head, *(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces))


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Inside:
    """A provider of each dialect."""
    facts = (provider("x", prices=PRICED), provider("y", "anthropic_messages"))
    return Inside(Snapshot(providers=facts), monkeypatch)


def _sent(inside: Inside) -> tuple[bytes, dict[bytes, bytes], bytes]:
    """First line, headers and body of the only request."""
    ((_, data),) = inside.requests
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    return first, dict(line.split(b": ", 1) for line in lines), body


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", ["models", "a/b/c/", "a%2Fb", "models?limit=2&order=desc"])
def test_a_request_goes_as_it_came(inside: Inside, method: str, path: str) -> None:
    """Method, path, query and body go to the provider below its base URL; the reply comes as it is."""
    inside.script("x", GOOD)
    body = b"\x00any \xff bytes" if method not in ("GET", "DELETE") else b""
    caller = inside.call(f"/passthrough/x/{path}", body, b"content-type: application/x-thing", method=method)
    assert (caller.status, msgspec.json.decode(caller.body)) == (200, REPLY)
    first, lines, sent = _sent(inside)
    assert first == b"%b /v1/%b HTTP/1.1" % (method.encode(), path.encode())
    assert (lines[b"content-type"], lines[b"content-length"], sent) == (
        b"application/x-thing",
        b"%d" % len(body),
        body,
    )


def test_credentials_are_exchanged(inside: Inside) -> None:
    """The provider sees Asbru's key, and the caller's in no header and no parameter; cookies of the provider stay."""
    inside.script("x", GOOD)
    caller = inside.call(
        "/passthrough/x/models?api_key=sk-asb-test&limit=2", None, b"x-api-key: sk-asb-test", method="GET"
    )
    assert caller.status == 200 and caller.header(b"set-cookie") is None
    assert caller.header(b"x-request-id") == b"theirs"
    assert inside.requests[0][1].count(b"secret-x-1") == 1
    assert b"sk-asb" not in inside.requests[0][1]
    assert _sent(inside)[0] == b"GET /v1/models?limit=2 HTTP/1.1"


@pytest.mark.parametrize(
    "path", ["../admin", "%2e%2e/admin", "a/..%2f..%2fadmin", "/other.test/a", "a//b", "a%0d%0ab"]
)
def test_a_path_that_leads_elsewhere_is_refused(inside: Inside, path: str) -> None:
    """Nothing is sent; the refusal is recorded."""
    caller = inside.call(f"/passthrough/x/{path}", method="GET")
    assert caller.status in (400, 404) and b'"error"' in caller.body
    assert not inside.upstreams


def test_a_stream_comes_as_it_is(inside: Inside) -> None:
    """Every byte, with the usage of a known operation read from its end and priced."""
    inside.script("x", (*_chunks(*EVENTS), b"0\r\n\r\n"))
    caller = inside.call("/passthrough/x/chat/completions", {**CHAT, "stream": True})
    assert caller.body == b"".join(EVENTS) and caller.header(b"content-type") == b"text/event-stream"
    (row,) = inside.recorder.rows
    assert (row["input_tokens"], row["output_tokens"], row["outcome"]) == (7, 3, "ok")
    assert row["cost_nanousd"] is not None


def test_a_stream_that_is_an_array_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Google sends one where nobody asks for events; its usage is read all the same."""
    inside = Inside(Snapshot(providers=(provider("g", "gemini", prices=PRICED),)), monkeypatch)
    told = {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10}
    array = msgspec.json.encode([{"candidates": []}, {"candidates": [], "usageMetadata": told}])
    inside.script("g", (*_chunks(array[:9], array[9:], content_type=b"application/json"), b"0\r\n\r\n"))
    caller = inside.call("/passthrough/g/models/m:streamGenerateContent", {"contents": []})
    assert caller.body == array
    (row,) = inside.recorder.rows
    assert (row["input_tokens"], row["output_tokens"], row["outcome"]) == (7, 3, "ok")


def test_bytes_come_as_they_are(inside: Inside) -> None:
    """What is no JSON and no event stream, too."""
    sound = bytes(range(256)) * 40
    inside.script("x", (*_chunks(sound[:100], sound[100:], content_type=b"audio/mpeg"), b"0\r\n\r\n"))
    caller = inside.call("/passthrough/x/sounds/1", method="GET")
    assert (caller.body, caller.header(b"content-type")) == (sound, b"audio/mpeg")


def test_an_error_inside_a_stream_does_not_tell_the_providers_key(inside: Inside) -> None:
    """As in other calls: what Asbru showed to the provider is masked where the provider repeats it."""
    fault = b'data: {"error":{"message":"Incorrect API key: secret-x-1"}}\n\n'
    inside.script("x", (*_chunks(EVENTS[0], fault), b"0\r\n\r\n"))
    caller = inside.call("/passthrough/x/chat/completions", {**CHAT, "stream": True})
    assert b"Incorrect API key: " in caller.body and b"secret-x-1" not in caller.body


def test_an_error_inside_an_array_does_not_tell_the_providers_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that is one JSON array is a stream of events, too."""
    inside = Inside(Snapshot(providers=(provider("g", "gemini"),)), monkeypatch)
    array = b'[{"error":{"code":400,"message":"bad key: secret-g-1"}}]'
    inside.script("g", (*_chunks(array, content_type=b"application/json"), b"0\r\n\r\n"))
    caller = inside.call("/passthrough/g/models/m:streamGenerateContent", {"contents": []})
    assert b"bad key: " in caller.body and b"secret-g-1" not in caller.body


def test_what_breaks_off_is_seen_as_such(inside: Inside) -> None:
    """An event stream ends with an error event, anything else with its connection; both are recorded as cut."""
    inside.script("x", _chunks(EVENTS[0]), _chunks(b"abc", content_type=b"audio/mpeg"))
    stream = inside.call("/passthrough/x/chat/completions", {**CHAT, "stream": True})
    assert b"upstream_cut" in stream.body and stream.answer.endswith(b"0\r\n\r\n")
    sound = inside.call("/passthrough/x/sounds/1", method="GET")
    assert not sound.answer.endswith(b"0\r\n\r\n") and sound.transport.closing
    assert [row["outcome"] for row in inside.recorder.rows] == ["cut", "cut"]


def test_what_is_recorded(inside: Inside) -> None:
    """The surface names the provider, the route method and path; an unknown path has no model and no cost, a known one
    has both."""
    inside.script("x", GOOD, GOOD)
    inside.call("/passthrough/x/models/m?secret=1", method="GET")
    inside.call("/passthrough/x/chat/completions", CHAT)
    unknown, known = inside.recorder.rows
    assert (unknown["surface"], unknown["route"]) == ("passthrough.x", "GET /models/m")
    assert (unknown["model_asked"], unknown["cost_nanousd"], unknown["provider"]) == ("", None, "x")
    assert (known["surface"], known["route"]) == ("passthrough.x", "POST /chat/completions")
    assert (known["model_asked"], known["input_tokens"], known["output_tokens"]) == ("m", 7, 3)
    assert known["cost_nanousd"] is not None and known["key_name"] == "x-1"


def test_errors_of_the_provider_come_as_they_are(inside: Inside) -> None:
    """With their status; what they quote of Asbru's key is hidden, and a 401, which may quote a part of it, is put in
    other words. No key cools down for them."""
    body = b'{"error":{"message":"bad key secret-x-1","type":"t","code":"c"}}'
    for status in (400, 401, 403, 404, 429, 500):
        inside.script("x", answer(status, body))
        caller = inside.call("/passthrough/x/things", {"a": 1})
        assert caller.status == status and b"secret" not in caller.body
        assert status == 401 or caller.body == body.replace(b"secret-x-1", b"[hidden]")
    inside.script("x", GOOD)
    assert inside.call("/passthrough/x/chat/completions", CHAT).status == 200


def test_redirects_are_not_followed(inside: Inside) -> None:
    """Nor passed on: they could lead a client that follows them to show its key elsewhere."""
    inside.script("x", answer(302, b"", b"location: http://evil.test/"))
    caller = inside.call("/passthrough/x/things", method="POST")
    assert caller.status == 502 and caller.header(b"location") is None
    assert len(inside.requests) == 1


@pytest.mark.parametrize(("method", "times"), [("GET", 3), ("POST", 1), ("PUT", 1), ("PATCH", 1), ("DELETE", 1)])
@pytest.mark.parametrize("script", [answer(500, b"{}"), ConnectionResetError()], ids=["500", "reset"])
def test_only_safe_methods_are_sent_again(inside: Inside, method: str, times: int, script: bytes | Exception) -> None:
    """Anything else may have been done already."""
    inside.script("x", *[script] * 4)
    inside.call("/passthrough/x/things", b"", method=method)
    assert len(inside.requests) == times
    assert inside.recorder.rows[0]["attempts"] == times


@pytest.mark.parametrize(("name", "begins"), [("x", b'{"error":'), ("y", b'{"type":"error"'), ("z", b'{"error":')])
def test_refusals_speak_the_providers_dialect(inside: Inside, name: str, begins: bytes) -> None:
    """A caller of Anthropic's paths speaks its dialect; on an unknown provider it is OpenAI's."""
    for key, path in ((None, "things"), ("sk-asb-few", "things"), ("sk-asb-test", "a//b")):
        caller = inside.call(f"/passthrough/{name}/{path}", key=key, method="GET")
        assert caller.status in (400, 401, 403, 404) and caller.body.startswith(begins)
    assert not inside.upstreams


def test_an_unknown_provider_is_404(inside: Inside) -> None:
    """As is a path without one."""
    caller = inside.call("/passthrough/nobody/models", method="GET")
    assert caller.status == 404 and b"provider_not_found" in caller.body
    assert inside.call("/passthrough/x", method="GET").status == 404
    assert inside.call("/passthrough/", method="GET").status == 404


def test_websockets_are_426_and_other_methods_405(inside: Inside) -> None:
    """With the methods that are allowed."""
    upgrade = (b"connection: upgrade", b"upgrade: websocket")
    assert inside.call("/passthrough/x/realtime", None, *upgrade, method="GET").status == 426
    caller = inside.call("/passthrough/x/models", method="HEAD")
    assert (caller.status, caller.header(b"allow")) == (405, b"GET, POST, PUT, PATCH, DELETE")
    assert not inside.upstreams


def test_of_two_members_only_one_is_sent(inside: Inside) -> None:
    """The model that was judged is the model that the provider reads."""
    inside.script("x", GOOD)
    inside.call("/passthrough/x/chat/completions", b'{"model":"dear","model":"m","messages":[]}')
    assert _sent(inside)[2] == b'{"model":"m","messages":[]}'
    assert inside.recorder.rows[0]["model_asked"] == "m"


# Who may


ANY = ProviderEntry("*", models=("*",), keys=("*",))


def _governed(
    monkeypatch: pytest.MonkeyPatch, *limits: LimitEntry, unknown_price: str = "refuse", **key: Any
) -> Governed:
    governed = Governed(monkeypatch, *limits, unknown_price=unknown_price)
    _allow(governed, *limits, **key)
    return governed


def _allow(governed: Governed, *limits: LimitEntry, **key: Any) -> None:
    """What the key `test` may use, as the feed tells it."""
    entry = KeyEntry("test", ("*",), owner_id="key/test", limits=limits, **key)
    governed.inside.lasting.virtual_keys.put(digest_of(KEY.encode(), PEPPER), msgspec.msgpack.encode(entry))


def _get(
    governed: Governed, path: str = "/passthrough/a/things", *, method: str = "GET", body: object = None
) -> Caller:
    return governed.play(governed.inside.call(path, body, method=method))


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ({"surfaces": ("openai",)}, "surface_not_allowed"),
        ({"surfaces": ()}, "surface_not_allowed"),
        ({"providers": ()}, "provider_not_allowed"),
        ({"providers": (ProviderEntry("b", models=("*",)),)}, "provider_not_allowed"),
        ({"providers": (ProviderEntry("a", models=("m",)),)}, "model_not_allowed"),
        ({"providers": (ProviderEntry("a", models=("*",), blocked_models=("m",)),)}, "model_not_allowed"),
        ({"providers": (ProviderEntry("a", models=("*",), keys=("other",)),)}, "provider_not_allowed"),
        ({"blocked_models": ("z",)}, "model_not_allowed"),
        ({"surfaces": ("passthrough",)}, ""),
        ({"surfaces": ("*",)}, ""),
        ({"providers": (ProviderEntry("a", models=("a/*",), keys=("a-1",)),)}, ""),
    ],
)
def test_who_may_call_an_unknown_path(monkeypatch: pytest.MonkeyPatch, key: dict[str, Any], code: str) -> None:
    """The surface `passthrough`, the provider, one of its keys, and every model of it: the path may name any."""
    governed = _governed(monkeypatch, **{"providers": (ANY,), **key})
    governed.inside.script("a", GOOD)
    caller = _get(governed)
    if not code:
        assert caller.status == 200
        return
    assert (caller.status, msgspec.json.decode(caller.body)["error"]["code"]) == (403, code)
    assert not governed.inside.upstreams


def test_a_key_that_may_use_some_models_may_ask_known_paths_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the model is known it is judged as anywhere; spelled otherwise, the path is unknown and refused."""
    governed = _governed(monkeypatch, providers=(ProviderEntry("a", models=("m",)),))
    governed.inside.script("a", GOOD)
    assert _get(governed, "/passthrough/a/chat/completions", method="POST", body=CHAT).status == 200
    other = {**CHAT, "model": "dear"}
    for path in ("chat/completions", "chat/completions/", "chat/completion%73", "Chat/completions"):
        caller = _get(governed, f"/passthrough/a/{path}", method="POST", body=other)
        assert (caller.status, msgspec.json.decode(caller.body)["error"]["code"]) == (403, "model_not_allowed")
    assert len(governed.inside.requests) == 1


def test_only_the_keys_that_the_caller_may_use_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a provider's keys, and of these only those that serve every model."""
    keys = tuple(
        KeyFacts(name=f"a-{n}", value=SecretText(f"secret-a-{n}"), models=models)
        for n, models in enumerate((("*",), ("*",), ("m",)))
    )
    for allowed, shown in (("a-0", b"secret-a-0"), ("a-1", b"secret-a-1"), ("a-2", None)):
        governed = _governed(monkeypatch, providers=(ProviderEntry("a", models=("*",), keys=(allowed,)),))
        governed.inside.load(Snapshot(providers=(provider("a", keys=keys),)))
        _allow(governed, providers=(ProviderEntry("a", models=("*",), keys=(allowed,)),))
        governed.inside.script("a", GOOD)
        assert _get(governed).status == (200 if shown else 404)
        assert [shown in data for _, data in governed.inside.requests] == ([True] if shown else [])


# What it may cost


@pytest.mark.parametrize(("unknown_price", "status"), [("refuse", 403), ("allow", 200)])
def test_a_budget_refuses_an_unknown_cost(monkeypatch: pytest.MonkeyPatch, unknown_price: str, status: int) -> None:
    """Unless the operator allows it; a known operation is held and settled by its price."""
    governed = _governed(monkeypatch, budget(100_000), unknown_price=unknown_price)
    governed.inside.script("a", GOOD, GOOD)
    caller = _get(governed)
    assert caller.status == status and (b"price_unknown" in caller.body) == (status == 403)
    chat = {**CHAT, "max_tokens": 10}
    assert _get(governed, "/passthrough/a/chat/completions", method="POST", body=chat).status == 200
    assert governed.used() == 3


def test_a_price_for_every_model_prices_no_unknown_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """A price that fits any name is not that of a call without one; the message names no model."""
    governed = _governed(monkeypatch, budget(100_000))
    anything = (msgspec.structs.replace(PRICED[0], match=MatchClause("starts_with", "")),)
    governed.inside.load(Snapshot(providers=(provider("a", prices=anything),)))
    _allow(governed, budget(100_000))
    caller = _get(governed)
    assert caller.status == 403 and b"price_unknown" in caller.body
    assert b"the cost of this call to 'a' cannot be known in advance" in caller.body


def test_a_budget_of_the_provider_holds_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits of a target are met by passthrough as by any call."""
    governed = _governed(monkeypatch)
    governed.know_owner("provider/a", budget(100, id=TARGET_ID))
    caller = _get(governed)
    assert caller.status == 403 and b"price_unknown" in caller.body
    assert not governed.inside.requests


def test_requests_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit of requests lets as many through."""
    governed = _governed(monkeypatch, LimitEntry(LIMIT_ID, "requests", 2, "1d"))
    governed.inside.script("a", *[GOOD] * 3)
    assert [_get(governed).status for _ in range(3)] == [200, 200, 429]
    assert len(governed.inside.requests) == 2


# Objects that belong to keys, content that a rule must see


def test_what_a_stage_must_see_is_not_passed_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that takes part in the call cannot see what is passed, so nothing is."""
    inside = Inside(Snapshot(providers=(provider("x"),)), monkeypatch, stages=(lambda _: Stage(),))
    caller = inside.call("/passthrough/x/chat/completions", CHAT)
    assert caller.status == 400 and b"unchecked_operation" in caller.body
    assert not inside.upstreams
