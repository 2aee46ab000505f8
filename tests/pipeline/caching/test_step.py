"""The cache on the path: served again to whom, in which form, and what is never kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.fakes.inside import PEPPER, Caller, Inside, answer, provider

from asbru.app.build import watched_headers
from asbru.app.snapshot import Fallback, Snapshot
from asbru.cache import CacheSettings
from asbru.governance import digest_of
from asbru.governance.entries import KeyEntry

CHAT = "/v1/chat/completions"
MESSAGES = "/anthropic/v1/messages"
RESPONSES = "/v1/responses"


def reply(text: str = "hello", finish: str = "stop", **message: Any) -> bytes:
    """A chat's reply with white space that no encoder would write."""
    said = {"role": "assistant", "content": text, **message}
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 7,
            "model": "m",
            "choices": [{"index": 0, "message": said, "finish_reason": finish}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        },
        indent=1,
    ).encode()


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    """An event of a stream."""
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 7,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return b"data: " + json.dumps(body).encode() + b"\n\n"


USAGE = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","choices":[],'
    b'"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
)
EVENTS = (
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "hel"}),
    chunk({"content": "lo"}),
    chunk({}, "stop"),
    USAGE,
    b"data: [DONE]\n\n",
)


def stream(*events: bytes) -> tuple[bytes, ...]:
    """A provider's streamed answer."""
    head = b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return (head, *(b"%x\r\n%b\r\n" % (len(event), event) for event in events), b"0\r\n\r\n")


def snapshot(**settings: Any) -> Snapshot:
    return Snapshot(
        providers=(provider("a"), provider("b"), provider("claude", "anthropic_messages")),
        fallbacks=(Fallback(source="a/falls", targets=("b/m",)),),
        cache=CacheSettings(**{"enabled": True, **settings}),
    )


class Gateway(Inside):
    """Two callers, and the headers of the cache."""

    keys = {"test": ("*",), "few": ("a/*",)}

    def load(self, snapshot: Snapshot) -> None:
        super().load(snapshot)
        assert self.door.rooms is not None
        self.server.watch(watched_headers(self.door.rooms))

    def ask(
        self, *lines: bytes, text: str = "hi", path: str = CHAT, key: str = "sk-asb-test", **members: Any
    ) -> Caller:
        """A chat on any surface."""
        body: dict[str, Any] = {"model": "a/m", "max_tokens": 50, **members}
        if path == RESPONSES:
            del body["max_tokens"]
            body = {**body, "input": text, "max_output_tokens": 50}
        else:
            body["messages"] = [{"role": "user", "content": text}]
        return self.call(path, body, *lines, key=key)

    @property
    def row(self) -> dict[str, Any]:
        return self.recorder.rows[-1]


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    yield Gateway(snapshot(), monkeypatch)


def test_a_key_by_the_name_of_one_that_is_gone_shares_nothing(gateway: Gateway) -> None:
    """Whoever is given a name again is another one."""
    gateway.script("a", answer(200, reply()), answer(200, reply()))
    assert gateway.ask().header(b"x-asbru-cache") == b"miss"
    again = msgspec.msgpack.encode(KeyEntry("test", ("*",), identity="another"))
    gateway.lasting.virtual_keys.put(digest_of(b"sk-asb-again", PEPPER), again)
    assert gateway.ask(key="sk-asb-again").header(b"x-asbru-cache") == b"miss"
    assert len(gateway.requests) == 2


def test_the_same_question_is_answered_from_the_cache_with_the_same_bytes(gateway: Gateway) -> None:
    """A hit sends nothing, is the provider's body byte for byte, says so in headers, and is recorded at no cost."""
    gateway.script("a", answer(200, reply(), b"x-request-id: theirs"))
    first, second = gateway.ask(), gateway.ask()
    assert (first.status, second.status) == (200, 200)
    assert first.body == second.body == reply()
    assert (first.header(b"x-asbru-cache"), second.header(b"x-asbru-cache")) == (b"miss", b"hit")
    assert second.header(b"x-asbru-cache-age") == b"0"
    assert first.header(b"x-asbru-cache-key") == second.header(b"x-asbru-cache-key")
    assert second.header(b"x-request-id") != b"theirs"
    assert len(gateway.requests) == 1
    assert (gateway.row["cache"], gateway.row["cost_nanousd"], gateway.row["attempts"]) == ("hit", 0, 0)
    assert (gateway.row["provider"], gateway.row["model_served"], gateway.row["outcome"]) == ("a", "m", "ok")


def test_a_cache_that_is_off_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the section nothing is kept, and nothing is said of it."""
    gateway = Gateway(Snapshot(providers=(provider("a"),)), monkeypatch)
    gateway.script("a", answer(200, reply()), answer(200, reply()))
    assert gateway.ask().header(b"x-asbru-cache") is None
    gateway.ask()
    assert len(gateway.requests) == 2
    assert gateway.row["cache"] == ""


def test_two_keys_never_share_by_default(gateway: Gateway) -> None:
    """The scope is the virtual key: another caller's identical question is asked anew."""
    gateway.script("a", answer(200, reply("mine")), answer(200, reply("yours")))
    assert b"mine" in gateway.ask().body
    assert b"yours" in gateway.ask(key="sk-asb-few").body
    assert b"mine" in gateway.ask().body
    assert b"yours" in gateway.ask(key="sk-asb-few").body


def test_a_global_scope_is_shared_and_can_be_narrowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `scope: global` keys share; a header keeps a call to its own key; no header widens."""
    gateway = Gateway(snapshot(scope="global"), monkeypatch)
    gateway.script("a", answer(200, reply("all")), answer(200, reply("own")))
    gateway.ask()
    assert gateway.ask(key="sk-asb-few").header(b"x-asbru-cache") == b"hit"
    assert b"own" in gateway.ask(b"x-asbru-cache-scope: key", key="sk-asb-few").body
    narrow = Gateway(snapshot(scope="key"), monkeypatch)
    refused = narrow.ask(b"x-asbru-cache-scope: global")
    assert refused.status == 400
    assert b"wider" in refused.body


@pytest.mark.parametrize(
    "changed",
    [
        {"text": "Hi"},
        {"text": "hi "},
        {"temperature": 0.5},
        {"max_tokens": 51},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]},
        {"user": "u-2"},
        {"model": "a/other"},
        {"response_format": {"type": "json_object"}},
        {"unknown_member": 1},
    ],
)
def test_what_differs_in_anything_that_counts_is_asked(gateway: Gateway, changed: dict[str, Any]) -> None:
    """Letters, white space, parameters, tools, the user and the model tell requests apart."""
    gateway.script("a", answer(200, reply("first")), answer(200, reply("second")))
    gateway.ask()
    assert b"second" in gateway.ask(**changed).body


def test_what_differs_in_form_only_is_the_same(gateway: Gateway) -> None:
    """The order of members, white space in JSON, and a text given as a list of one part do not count."""
    gateway.script("a", answer(200, reply()))
    gateway.ask()
    body = (
        b'{ "messages": [ {"content": [{"text": "hi", "type": "text"}], "role": "user"} ],'
        b' "max_tokens": 50,  "model": "a/m" }'
    )
    assert gateway.call(CHAT, body).header(b"x-asbru-cache") == b"hit"


def test_a_stream_is_recorded_and_replayed_with_its_pieces(gateway: Gateway) -> None:
    """Each piece that came is written as one again, in order; the bytes are those of the first call."""
    gateway.script("a", stream(*EVENTS))
    first, second = gateway.ask(stream=True), gateway.ask(stream=True)
    assert second.header(b"x-asbru-cache") == b"hit"
    assert second.body == first.body
    assert second.answer.count(b"\r\ndata: ") == first.answer.count(b"\r\ndata: ") == 5  # usage was not asked for
    assert second.body.endswith(b"data: [DONE]\n\n")
    assert (gateway.row["stream"], gateway.row["outcome"], gateway.row["status"]) == (True, "ok", 200)
    asked = gateway.ask(stream=True, stream_options={"include_usage": True})
    assert asked.header(b"x-asbru-cache") == b"hit"
    assert b'"total_tokens":5' in asked.body


def test_a_kept_stream_serves_who_wants_the_whole(gateway: Gateway) -> None:
    """The events are put together into the reply they stand for."""
    gateway.script("a", stream(*EVENTS))
    gateway.ask(stream=True)
    whole = gateway.ask()
    assert whole.header(b"x-asbru-cache") == b"hit"
    said = json.loads(whole.body)
    assert said["choices"][0]["message"]["content"] == "hello"
    assert said["usage"]["total_tokens"] == 5


def test_a_kept_whole_serves_who_wants_a_stream(gateway: Gateway) -> None:
    """The reply is taken apart into events, with an end and, where it was asked for, usage."""
    gateway.script("a", answer(200, reply()))
    gateway.ask()
    streamed = gateway.ask(stream=True, stream_options={"include_usage": True})
    assert streamed.header(b"x-asbru-cache") == b"hit"
    assert (streamed.header(b"content-type") or b"").startswith(b"text/event-stream")
    assert b'"content":"hello"' in streamed.body
    assert b'"finish_reason":"stop"' in streamed.body
    assert b'"total_tokens":5' in streamed.body
    assert streamed.body.endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("path", [MESSAGES, RESPONSES])
@pytest.mark.parametrize("kept_as_stream", [False, True])
@pytest.mark.parametrize("wanted_as_stream", [False, True])
def test_an_entry_serves_callers_of_other_dialects(
    gateway: Gateway, path: str, kept_as_stream: bool, wanted_as_stream: bool
) -> None:
    """What was kept for a caller of one dialect is written in another, whole and streamed."""
    gateway.script("a", stream(*EVENTS) if kept_as_stream else answer(200, reply()))
    gateway.ask(stream=kept_as_stream)
    other = gateway.ask(path=path, stream=wanted_as_stream)
    assert other.status == 200, other.body
    assert other.header(b"x-asbru-cache") == b"hit"
    assert b"hel" in other.body
    if wanted_as_stream:
        assert (b"message_stop" if path == MESSAGES else b"response.completed") in other.body
    assert len(gateway.requests) == 1


@pytest.mark.parametrize(
    "script",
    [
        answer(500, b'{"error":{"message":"no"}}'),
        answer(400, b'{"error":{"message":"no"}}'),
        answer(200, b'{"error":{"message":"inside"}}'),
        answer(200, reply("no", "content_filter")),
        answer(200, reply("", refusal="I will not")),
        answer(200, reply()[:-20]),
        answer(200, b'{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[]}'),
    ],
)
def test_what_is_no_whole_reply_is_never_kept(gateway: Gateway, script: bytes) -> None:
    """Errors, refusals and what is not complete are asked for again."""
    gateway.script("a", script, script, script)
    gateway.ask()
    gateway.scripts.clear()
    gateway.script("a", answer(200, reply("good")))
    assert b"good" in gateway.ask().body


@pytest.mark.parametrize(
    "events",
    [
        EVENTS[:3],
        (*EVENTS[:2], b'data: {"error":{"message":"broke","type":"server_error"}}\n\n'),
        (*EVENTS[:2], b"data: {nonsense\n\n", *EVENTS[2:]),
        (EVENTS[0], EVENTS[1], chunk({}, "content_filter"), b"data: [DONE]\n\n"),
    ],
)
def test_a_stream_that_does_not_end_well_is_never_kept(gateway: Gateway, events: tuple[bytes, ...]) -> None:
    """Cut, faulty and refused streams are asked for again."""
    gateway.script("a", stream(*events))
    gateway.ask(stream=True)
    gateway.script("a", answer(200, reply("good")))
    assert b"good" in gateway.ask().body


def test_a_reply_larger_than_an_entry_may_be_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole or streamed, it goes to its caller whole, and is asked for again."""
    gateway = Gateway(snapshot(entry_bytes_max=1024), monkeypatch)
    long = reply("x" * 2000)
    gateway.script("a", answer(200, long), stream(*EVENTS[:1], chunk({"content": "y" * 2000}), *EVENTS[3:]))
    assert gateway.ask().body == long
    assert b"y" * 2000 in gateway.ask(stream=True).body
    gateway.script("a", answer(200, reply()))
    assert gateway.ask().header(b"x-asbru-cache") == b"miss"


def test_a_long_reply_is_judged_beside_the_loop_and_kept(gateway: Gateway) -> None:
    """Above the size that is read at once, the entry is there a turn later."""
    gateway.script("a", answer(200, reply("x" * 100_000)))
    gateway.ask()
    assert gateway.ask().header(b"x-asbru-cache") == b"hit"


def test_a_fallbacks_reply_is_not_kept(gateway: Gateway) -> None:
    """The key names the first target: what another model said in its place must not outlast the failure."""
    gateway.script("a", *(answer(500, b"{}"),) * 3)
    gateway.script("b", answer(200, reply("stand-in")))
    assert b"stand-in" in gateway.ask(model="a/falls").body
    gateway.script("a", answer(200, reply("itself")))
    assert b"itself" in gateway.ask(model="a/falls").body


def test_headers_decide_for_one_call(gateway: Gateway) -> None:
    """off neither looks nor keeps, read keeps nothing, refresh asks anew and keeps, only never asks."""
    gateway.script("a", *(answer(200, reply(f"reply-{n}")) for n in range(1, 5)))
    assert gateway.ask(b"x-asbru-cache: only").status == 404
    assert gateway.row["error_code"] == "cache_miss"
    assert gateway.ask(b"x-asbru-cache: off").header(b"x-asbru-cache") == b"off"
    assert b"reply-2" in gateway.ask(b"x-asbru-cache: read").body
    assert b"reply-3" in gateway.ask(b"x-asbru-cache: refresh").body
    assert b"reply-3" in gateway.ask(b"x-asbru-cache: only").body
    assert b"reply-3" in gateway.ask(b"x-asbru-cache: read").body
    assert b"reply-4" in gateway.ask(b"x-asbru-cache: refresh").body
    assert b"reply-4" in gateway.ask().body
    assert gateway.ask(b"x-asbru-cache: sometimes").status == 400
    assert [row["cache"] for row in gateway.recorder.rows] == [
        *("miss", "off", "miss", "refresh", "hit", "hit", "refresh", "hit", "")
    ]


def test_only_never_asks_also_where_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a model that keeps out of the cache it is a miss, and not a call."""
    gateway = Gateway(snapshot(exclude_models=("a/*",)), monkeypatch)
    assert gateway.ask(b"x-asbru-cache: only").status == 404
    assert gateway.requests == []


def test_a_models_name_cannot_write_headers(gateway: Gateway) -> None:
    """Callers choose names of models, which are part of the key."""
    gateway.script("a", answer(200, reply()))
    odd = gateway.ask(model="a/m\r\nset-cookie: x=1\r\n\u00e9")
    assert odd.header(b"set-cookie") is None
    assert b"/a/m??set-cookie: x=1???/" in (odd.header(b"x-asbru-cache-key") or b"")


def test_the_headers_of_bifrost_mean_the_same(gateway: Gateway) -> None:
    """`x-bf-cache-no-store` keeps nothing; `x-bf-cache-key` keeps entries apart."""
    gateway.script("a", *(answer(200, reply(f"reply-{n}")) for n in range(1, 4)))
    gateway.ask(b"x-bf-cache-no-store: true")
    assert b"reply-2" in gateway.ask(b"x-bf-cache-key: one", b"x-bf-cache-ttl: 5m").body
    assert b"reply-3" in gateway.ask(b"x-bf-cache-key: two").body
    assert b"reply-2" in gateway.ask(b"x-bf-cache-key: one").body


def test_an_entry_expires(gateway: Gateway) -> None:
    """After its time a reply is asked for again; the caller may shorten the time."""
    rooms = gateway.door.rooms
    assert rooms is not None
    now_s = rooms.unix_time()
    rooms.unix_time = lambda: now_s
    gateway.script("a", answer(200, reply("old")), answer(200, reply("new")))
    gateway.ask(b"x-asbru-cache-ttl: 60")
    rooms.unix_time = lambda: now_s + 59
    aged = gateway.ask()
    assert (aged.header(b"x-asbru-cache"), aged.header(b"x-asbru-cache-age")) == (b"hit", b"59")
    rooms.unix_time = lambda: now_s + 60
    assert b"new" in gateway.ask().body


def test_models_operations_and_keys_can_keep_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """`exclude_models` and `operations` say what is never kept."""
    gateway = Gateway(snapshot(exclude_models=("a/secret*",)), monkeypatch)
    gateway.script("a", answer(200, reply()), answer(200, reply()))
    gateway.ask(model="a/secret-1")
    assert gateway.ask(model="a/secret-1").header(b"x-asbru-cache") == b"off"
    assert len(gateway.requests) == 2
    gateway.load(snapshot(operations=("embeddings",)))
    gateway.script("a", answer(200, reply()), answer(200, reply()))
    gateway.ask()
    assert gateway.ask().header(b"x-asbru-cache") is None


def test_embeddings_are_kept_within_their_dialect(gateway: Gateway) -> None:
    """An operation that is no chat is kept by the members of its body."""
    vectors = b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"model":"m","usage":{}}'
    gateway.script("a", answer(200, vectors))
    body = {"model": "a/m", "input": "hi"}
    gateway.call("/v1/embeddings", body)
    again = gateway.call("/v1/embeddings", b'{"input":"hi","model":"a/m"}')
    assert (again.header(b"x-asbru-cache"), again.body) == (b"hit", vectors)


def test_identical_calls_at_once_ask_once(gateway: Gateway) -> None:
    """One asks, the others wait and are served what it got; if it fails they go on their own."""
    waiting = [gateway.ask() for _ in range(3)]
    gateway.script("a", answer(200, reply()))
    gateway.play()
    assert [caller.status for caller in waiting] == [200, 200, 200]
    assert sorted(str(caller.header(b"x-asbru-cache")) for caller in waiting) == ["b'hit'", "b'hit'", "b'miss'"]
    assert len(gateway.requests) == 1
    failing = [gateway.ask(text="else") for _ in range(3)]
    gateway.script("a", answer(400, b'{"error":{"message":"no"}}'), answer(200, reply("1")), answer(200, reply("2")))
    gateway.play()
    assert sorted(caller.status for caller in failing) == [200, 200, 400]


def test_a_call_whose_caller_leaves_lets_the_others_go_on(gateway: Gateway) -> None:
    """Who waits for a call that is given up asks itself."""
    first = gateway.ask()
    second = gateway.ask()
    first.transport.lose()
    gateway.script("a", answer(200, reply()))
    gateway.play()
    gateway.script("a", answer(200, reply()))
    gateway.play()
    assert second.status == 200


def test_a_malformed_body_is_the_providers_to_refuse(gateway: Gateway) -> None:
    """What has no key goes on as it would without a cache."""
    gateway.script("a", answer(400, b'{"error":{"message":"theirs"}}'))
    refused = gateway.call(CHAT, {"model": "a/m", "messages": "none"})
    assert b"theirs" in refused.body
    assert gateway.row["cache"] == ""


def test_a_virtual_key_can_keep_out(gateway: Gateway) -> None:
    """With `cache: false` its calls are neither served nor kept, and say so."""
    entry = msgspec.msgpack.encode(KeyEntry("test", ("*",), cache=False))
    gateway.lasting.virtual_keys.put(digest_of(b"sk-asb-test", PEPPER), entry)
    gateway.script("a", answer(200, reply("1")), answer(200, reply("2")))
    assert b"1" in gateway.ask().body
    again = gateway.ask()
    assert (again.header(b"x-asbru-cache"), b"2" in again.body) == (b"off", True)


def test_the_form_of_a_stream_in_the_query_does_not_count(gateway: Gateway) -> None:
    """Gemini's SDKs ask for events in the query, its REST examples for an array, and whole replies for neither; any
    other word in the query counts."""
    gateway.script("a", stream(*EVENTS), stream(*EVENTS))
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    asked = (":streamGenerateContent?alt=sse", ":streamGenerateContent", ":generateContent")
    callers = [gateway.call(f"/genai/v1beta/models/a/m{method}", body) for method in asked]
    assert [caller.header(b"x-asbru-cache") for caller in callers] == [b"miss", b"hit", b"hit"]
    events, array, whole = (caller.body for caller in callers)
    assert events.startswith(b"data: {")
    assert [part["text"] for one in json.loads(array) for part in one["candidates"][0]["content"]["parts"]] == [
        "hel",
        "lo",
        "",
    ]
    assert json.loads(whole)["candidates"][0]["content"]["parts"] == [{"text": "hello"}]
    other = gateway.call("/genai/v1beta/models/a/m:streamGenerateContent?alt=sse&x=1", body)
    assert other.header(b"x-asbru-cache") == b"miss"
