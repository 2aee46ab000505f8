"""Bad input: a clear refusal in the dialect of the surface, one record for each call, never a 500."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.caller import KEY, UpstreamResponse, request
from tests.journeys.gateway import Gateway, allowed, anthropic, openai
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, COUNT_PATH, MESSAGES_PATH, MESSAGES_REPLY, chat, messages

COMPLETIONS_PATH = "/v1/completions"
EMBEDDINGS_PATH = "/v1/embeddings"
GOOD: dict[str, dict[str, Any]] = {
    CHAT_PATH: chat(),
    MESSAGES_PATH: messages(),
    COUNT_PATH: {"model": "anthropic/claude-x", "messages": messages()["messages"]},
    COMPLETIONS_PATH: {"model": "openai/gpt-x", "prompt": "x"},
    EMBEDDINGS_PATH: {"model": "openai/gpt-x", "input": "x"},
}
PATHS = tuple(GOOD)
OPENAI_TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error"}
DEEP = b"[" * 100_000 + b"]" * 100_000


def body(path: str, **changes: Any) -> dict[str, Any]:
    """A good body with some members changed; None leaves one out."""
    return {name: value for name, value in {**GOOD[path], **changes}.items() if value is not None}


def member(path: str, name: str, raw: bytes) -> bytes:
    """A good body with one member given as raw bytes."""
    return json.dumps(body(path, **{name: None}))[:-1].encode() + b', "%b": %b}' % (name.encode(), raw)


def malformed(path: str) -> Iterator[tuple[str, bytes]]:
    """Bodies that no surface may take, each with its name."""
    yield "empty", b""
    yield "not JSON", b"hello"
    yield "half an object", json.dumps(GOOD[path]).encode()[:-1]
    yield "two objects", json.dumps(GOOD[path]).encode() * 2
    yield "an array", b"[]"
    yield "a string", b'"model"'
    yield "null", b"null"
    yield "a number", b"1e999"
    yield "no model", json.dumps(body(path, model=None)).encode()
    yield "model is a number", json.dumps(body(path, model=7)).encode()
    yield "model is null", member(path, "model", b"null")
    yield "model is an array", json.dumps(body(path, model=[])).encode()
    yield "invalid UTF-8 in the model", member(path, "model", b'"\xff\xfe"')
    yield "invalid UTF-8 around", b"\xff\xfe" + json.dumps(GOOD[path]).encode()
    yield "UTF-16", json.dumps(GOOD[path]).encode("utf-16")
    yield "deep arrays", DEEP
    yield "deep objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    yield "deep model", member(path, "model", DEEP)
    yield "model is empty", json.dumps(body(path, model="")).encode()
    yield "stream is a word", json.dumps(body(path, stream="yes")).encode()
    yield "NUL bytes", b"\0" * 100
    yield "NaN", member(path, "temperature", b"NaN")


def check(answer: UpstreamResponse, path: str, status: int) -> dict[str, Any]:
    """The error of `answer`, which must have the whole shape of the path's dialect."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/json"
    error = answer.error
    assert error["message"]
    assert "Traceback" not in error["message"]
    assert answer.headers["x-asbru-id"].startswith("req_")
    if "messages" in path or path.startswith("/anthropic"):
        assert answer.json()["type"] == "error"
        assert answer.json()["request_id"] == answer.headers["x-asbru-id"]
        assert set(error) == {"type", "message"}
    else:
        assert set(error) == {"message", "type", "param", "code"}
        assert error["code"]
    return error


@asynccontextmanager
async def both() -> AsyncIterator[tuple[FakeUpstream, Gateway]]:
    """A gateway with a provider of each dialect."""
    async with FakeUpstream() as upstream:
        upstream.on(CHAT_PATH, Reply.json(CHAT_REPLY))
        upstream.on("/v1/messages", Reply.json(MESSAGES_REPLY))
        async with Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
            yield upstream, gateway


@pytest.mark.parametrize("path", PATHS)
async def test_malformed_bodies(path: str) -> None:
    """What is no request of the surface is 400, said in its dialect, recorded once, and never sent on."""
    async with both() as (upstream, gateway):
        for count, (name, data) in enumerate(malformed(path), 1):
            answer = await gateway.call(path, data)
            assert answer.status == 400, (name, answer.status, answer.body)
            assert check(answer, path, 400)["type"] == "invalid_request_error", name
            assert len(gateway.rows) == count, name
            row = gateway.rows[-1]
            assert (row["status"], row["outcome"]) == (400, "refused"), name
            assert row["request_bytes"] == len(data), name
        assert upstream.requests == []


WRONG_TYPES: dict[str, Any] = {
    "messages": "hello",
    "messages.0": ["hello"],
    "messages.0.role": [{"role": 7, "content": "x"}],
    "messages.0.content": [{"role": "user", "content": 7}],
    "messages.0.content.0": [{"role": "user", "content": [7]}],
    "messages.0.content.0.type": [{"role": "user", "content": [{"type": 7}]}],
    "messages.0.content.0.text": [{"role": "user", "content": [{"type": "text", "text": 7}]}],
}


@pytest.mark.parametrize(("path", "model"), [(CHAT_PATH, "anthropic/claude-x"), (MESSAGES_PATH, "openai/gpt-x")])
async def test_wrong_types_where_the_call_is_translated(path: str, model: str) -> None:
    """Where the body must be understood, a value of the wrong type is 400 before anything is sent."""
    async with both() as (upstream, gateway):
        for name, value in WRONG_TYPES.items():
            answer = await gateway.call(path, body(path, model=model, messages=value))
            assert answer.status == 400, (name, answer.body)
            check(answer, path, 400)
        for name in ("messages", "tools", "temperature", "stop", "stop_sequences", "tool_choice", "metadata"):
            answer = await gateway.call(path, member_of(path, model, name, DEEP))
            assert answer.status in (200, 400), (name, answer.body)
        assert all(row["status"] in (200, 400) for row in gateway.rows)
        assert len(gateway.rows) == len(WRONG_TYPES) + 7
        assert all(seen.json() for seen in upstream.requests)


def member_of(path: str, model: str, name: str, raw: bytes) -> bytes:
    """A good body for another model with one member given as raw bytes."""
    kept = {key: value for key, value in body(path, model=model).items() if key != name}
    return json.dumps(kept)[:-1].encode() + b', "%b": %b}' % (name.encode(), raw)


@pytest.mark.parametrize("path", PATHS)
async def test_lone_surrogates_and_odd_text(path: str) -> None:
    """Lone surrogates, NUL characters and invalid UTF-8 in what is said are refused or carried, never a 500."""
    odd = (rb'"\ud800"', rb'"\udc00\ud800"', rb'"\u0000"', b'"\xed\xa0\x80"', b'"\xff"', rb'"\ud83d"')
    name = {COMPLETIONS_PATH: "prompt", EMBEDDINGS_PATH: "input"}.get(path, "system")
    async with both() as (upstream, gateway):
        upstream.otherwise = Reply.json({"object": "list", "input_tokens": 1})
        for model in ("openai/gpt-x", "anthropic/claude-x"):
            for raw in odd:
                answer = await gateway.call(path, member_of(path, model, name, raw))
                assert answer.status in (200, 400), (model, raw, answer.body)
                content = b'[{"role": "user", "content": %b}]' % raw
                answer = await gateway.call(path, member_of(path, model, "messages", content))
                assert answer.status in (200, 400), (model, raw, answer.body)
                answer = await gateway.call(path, member_of(path, model, "model", raw))
                assert answer.status in (200, 400, 404), (model, raw, answer.body)
        assert len(gateway.rows) == 2 * len(odd) * 3


@pytest.mark.parametrize("path", PATHS)
async def test_unknown_models(path: str) -> None:
    """A model that nobody has is 404, with words about what was expected; however long or odd its name is."""
    async with Gateway() as gateway:
        for model in ("nobody/x", "gpt-x", "/", "openai/", "a" * 512, "\u2603/\U0001f600", "a\r\nb: c"):
            answer = await gateway.call(path, body(path, model=model))
            error = check(answer, path, 404)
            assert error["type"] == ("not_found_error")
            assert "expected 'provider/model'" in error["message"]
            assert len(error["message"]) < 1000
            assert gateway.rows[-1]["error_code"] == "model_not_found"
        assert len(gateway.rows) == 7


@pytest.mark.parametrize("path", PATHS)
async def test_a_model_name_without_end(path: str) -> None:
    """A name that no model has is refused by its length, before anything remembers it."""
    async with Gateway() as gateway:
        answer = await gateway.call(path, body(path, model=f"openai/{'a' * 100_000}"))
        assert "expected at most 512 characters in 'model'" in check(answer, path, 400)["message"]


@pytest.mark.parametrize("path", PATHS)
async def test_keys(path: str) -> None:
    """No key and a wrong key are 401; a body is not even looked at; each is recorded once, without a caller."""
    async with both() as (upstream, gateway):
        for key, code in (
            (None, "missing_api_key"),
            ("sk-asb-wrong", "invalid_api_key"),
            ("x" * 5000, "invalid_api_key"),
        ):
            answer = await gateway.call(path, b"{", key=key)
            error = check(answer, path, 401)
            assert error["type"] == "authentication_error"
            row = gateway.rows[-1]
            assert (row["status"], row["outcome"], row["error_code"], row["caller"]) == (401, "refused", code, "")
            assert "sk-asb-wrong" not in error["message"]
        assert len(gateway.rows) == 3
        assert upstream.requests == []


@pytest.mark.parametrize("header", ["Authorization: Bearer ", "x-api-key: ", "x-goog-api-key: ", "api-key: ",
                                    "x-asbru-key: ", "x-bf-vk: ", "authorization: bearer  "])  # fmt: skip
async def test_every_way_to_show_a_key(header: str) -> None:
    """A virtual key is taken from any of the usual headers, also beside a provider's own key."""
    async with both() as (_, gateway):
        answer = await gateway.call(CHAT_PATH, chat(), key=None, headers=[header + KEY])
        assert answer.status == 200
        other = "x-api-key: sk-other" if "uthorization" in header else "Authorization: Bearer sk-other"
        answer = await gateway.call(CHAT_PATH, chat(), key=None, headers=[other, header + KEY])
        assert answer.status == 200


@pytest.mark.parametrize("path", PATHS)
async def test_forbidden_models(path: str) -> None:
    """A model the key may not use is 403, also where it exists, and nothing is sent."""
    async with FakeUpstream() as upstream:
        providers = openai(upstream.url), anthropic(upstream.url)
        async with Gateway(*providers, virtual_keys=allowed("openai/other")) as gateway:
            error = check(await gateway.call(path, GOOD[path]), path, 403)
            assert error["type"] == "permission_error"
            assert gateway.row["error_code"] == "model_not_allowed"
            assert upstream.requests == []


@pytest.mark.parametrize("path", [*PATHS, "/v1/models", "/anthropic/v1/models", "/livez"])
async def test_wrong_methods(path: str) -> None:
    """A wrong method is 405 with `allow`, in the path's dialect, and is no call."""
    async with both() as (_, gateway):
        for method in ("DELETE", "PUT", "PATCH", "GET" if path in PATHS else "POST"):
            answer = await gateway.call(path, method=method)
            check(answer, path, 405)
            assert answer.headers["allow"] in ("POST", "GET, HEAD")
        assert gateway.rows == []


UNKNOWN = [
    "/v2/chat",
    "/v1",
    "/v1/chat/completions/x",
    "/anthropic/v1/x",
    "/%00",
    "/v1/../etc/passwd",
    "/%C3%A9",
    "*",
]


@pytest.mark.parametrize("path", UNKNOWN)
async def test_unknown_paths(path: str) -> None:
    """An unknown path is 404 in the dialect its beginning suggests, and is no call."""
    async with both() as (_, gateway):
        for method in ("GET", "POST"):
            error = check(await gateway.call(path, method=method), path, 404)
            assert error["type"] == "not_found_error"
        assert gateway.rows == []


async def test_unsupported_operations() -> None:
    """An operation the provider lacks is a 400 that says which it has, and never leaves."""
    async with both() as (upstream, gateway):
        for path in (COMPLETIONS_PATH, EMBEDDINGS_PATH):
            answer = await gateway.call(path, body(path, model="anthropic/claude-x"))
            assert check(answer, path, 400)["code"] == "unsupported_by_provider"
        answer = await gateway.call(EMBEDDINGS_PATH, body(EMBEDDINGS_PATH, stream=True))
        assert check(answer, EMBEDDINGS_PATH, 400)["param"] == "stream"
        assert len(gateway.rows) == 3
        assert upstream.requests == []


async def test_the_connection_survives_a_refusal() -> None:
    """After a refused call the same connection serves the next one."""
    async with both() as (_, gateway), gateway.caller() as caller:
        for data, status in ((b"{", 400), (chat("x/y"), 404), (chat(), 200)):
            caller.send(request(CHAT_PATH, data))
            assert (await caller.answer()).status == status


async def test_models_lists() -> None:
    """The lists of models need a key, show what it may use, and name one model or say 404, in each dialect."""
    async with Gateway(openai("http://127.0.0.1:9", known_models=("m1", "m2"))) as gateway:
        for path, name in (("/v1/models", "m1"), ("/anthropic/v1/models", "m2")):
            listed = await gateway.call(path, method="GET")
            assert [one["id"] for one in listed.json()["data"]] == ["openai/m1", "openai/m2"]
            one = await gateway.call(f"{path}/openai%2F{name}", method="GET")
            assert one.json()["id"] == f"openai/{name}"
            check(await gateway.call(f"{path}/nothing", method="GET"), path, 404)
            check(await gateway.call(path, method="GET", key=None), path, 401)
