"""One suite over every provider: what it is sent, and what callers and records make of its answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.strict.bedrock import STREAM_TYPE
from tests.kits.exchanges import (
    ANTHROPIC,
    BEDROCK,
    FOLDER,
    IN_PATH,
    INVOKE,
    KEY,
    OPENAI,
    OTHER,
    Answer,
    Called,
    Exchange,
    asked,
    configured,
    frames,
    http,
    read,
    said,
    streamed,
)

from asbru.app.snapshot import ProviderFacts
from asbru.dialects import discover as dialects
from asbru.providers import Access, Provider, discover

GENERIC = ("custom", "mock")
"""No provider of their own: any server, and ours, which has tests of its own."""
CASES = [
    (provider, access)
    for provider in discover().values()
    if provider.name not in GENERIC
    for access in provider.access
    if "chat" in access.operations
]
NAMES = [f"{provider.name}-{access.dialect}" for provider, access in CASES]
EVENTS = "text/event-stream"
RENAMED = ("max_completion_tokens", "reasoning_content")
VALUES: dict[str, Any] = {"stream_options": {"include_usage": True}, "presence_penalty": 0, "frequency_penalty": 0}


class Case:
    """A provider in one dialect, its exchange, and calls to it."""

    def __init__(self, provider: Provider, access: Access, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.access = access
        self.exchange: Exchange = read(provider, access)
        self.facts: ProviderFacts = configured(provider, access, self.exchange, folder)
        self._monkeypatch = monkeypatch

    def call(self, script: bytes, *, other: bool = False, **members: Any) -> Called:
        """A call on the provider's own surface, or on the other one."""
        surface = OTHER[self.access.dialect] if other else self.access.dialect
        body = asked(surface, f"{self.facts.name}/{self.exchange.model}", **members)
        return Called(self.facts, surface, body, script=script, monkeypatch=self._monkeypatch)

    def script_of(self, stream: Answer) -> bytes:
        """A stream in the framing of the provider's dialect."""
        if self.access.dialect in (BEDROCK, INVOKE):
            return http(200, frames(stream.body), STREAM_TYPE)
        return http(200, stream.body, EVENTS)

    def whole(self, **members: Any) -> Called:
        """A call that is answered with the reply."""
        return self.call(http(200, self.exchange.reply.body), **members)


@pytest.fixture(params=CASES, ids=NAMES)
def case(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Case:
    """Each provider in each of its dialects."""
    return Case(*request.param, tmp_path, monkeypatch)


OTHERS = ("embeddings", "moderations", "rerank", "ocr")
"""What is no chat, and JSON in both directions."""


def test_what_is_no_chat(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the provider offers beside chats arrives where it must as it was asked, its reply comes as it is, and
    what it says was used is in the record."""
    calls = case.exchange.calls
    assert {call.operation for call in calls} == {name for name in case.access.operations if name in OTHERS}
    dialect = dialects()[case.access.dialect]
    for call in calls:
        operation = dialect.operation(call.operation)
        assert operation is not None
        asked = json.loads(call.request)
        name = f"{case.facts.name}/{call.model}"
        named = "{model}" not in operation.path
        path = dialect.surface.bases[0] + operation.routes[0].replace("{model}", name)
        called = Called(
            case.facts,
            case.access.dialect,
            {**({"model": name} if named else {}), **asked},
            script=http(200, call.reply),
            monkeypatch=monkeypatch,
            path=path,
        )
        assert f"{called.headers['host']}{called.line.split(' ')[1]}" == call.url.partition("://")[2]
        name, _, value = case.exchange.header.partition(": ")
        assert called.headers[name] == value.replace("KEY", KEY)
        assert called.sent == ({"model": call.model, **asked} if named else asked)
        assert (called.caller.status, called.caller.body) == (200, call.reply.encode())
        assert used(called.record) == call.usage
        assert json.loads(called.record["units"] or "{}") == call.units
        assert called.record["usage_source"] == ("provider" if call.usage or call.units else "none")


def used(record: dict[str, Any]) -> dict[str, int]:
    """The tokens of a record that are not zero, by column."""
    return {name: count for name, count in record.items() if name.endswith("_tokens") and count}


def test_every_file_is_of_a_provider() -> None:
    """No file is left of a provider that is gone; one that is missing fails the tests below."""
    wanted = {f"{provider.name}.{access.dialect}.toml" for provider, access in CASES}
    assert {path.name for path in FOLDER.glob("*.toml")} == wanted


def test_a_request_arrives(case: Case) -> None:
    """At the provider's address with its key, by the model's own name, without the members that it refuses."""
    strip = {name: VALUES.get(name, "x") for name in case.exchange.refused if name not in RENAMED}
    called = case.whole(**strip, temperature=1)
    host, _, path = case.exchange.url.removeprefix("https://").removeprefix("http://").partition("/")
    assert (called.host, called.line) == (host.partition(":")[0], f"POST /{path} HTTP/1.1")
    name, _, value = case.exchange.header.replace("KEY", KEY).partition(": ")
    assert called.headers[name] == value
    assert all(called.headers[name] == value for name, value in case.access.headers.items())
    in_path = case.access.dialect in IN_PATH or case.exchange.model in case.exchange.url
    named = not in_path
    assert called.sent.get("model") == (case.exchange.model if named else None)
    assert called.sent["temperature"] == 1
    assert not called.sent.keys() & strip.keys()


def test_a_translated_request_names_its_limit(case: Case) -> None:
    """A call of the other dialect sets the limit by the name that the provider knows, and by no other."""
    sent = case.whole(other=True, max_tokens=64).sent
    names = {"max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens", "maxTokens"} & sent.keys()
    assert (names, sent[case.exchange.limit]) == ({case.exchange.limit}, 64)


@pytest.mark.parametrize("other", [False, True], ids=["own", "translated"])
def test_a_reply_is_read(case: Case, other: bool) -> None:
    """A caller of the provider's dialect receives its bytes, one of the other what they say; the record its tokens."""
    expected: Answer = case.exchange.reply
    called = case.whole(other=other)
    assert called.caller.status == 200
    if not other:
        assert called.caller.body == expected.body.encode()
    surface = OTHER[case.access.dialect] if other else case.access.dialect
    assert said(surface, called.caller.body) == (expected.text, expected.reasoning)
    assert (used(called.record), called.record["outcome"]) == (expected.usage, "ok")


@pytest.mark.parametrize("other", [False, True], ids=["own", "translated"])
def test_a_stream_is_read(case: Case, other: bool) -> None:
    """The same of a stream, which arrives in small pieces; its end is understood as the provider marks it."""
    expected: Answer = case.exchange.stream
    called = case.call(case.script_of(expected), other=other, stream=True)
    surface = OTHER[case.access.dialect] if other else case.access.dialect
    assert streamed(surface, called.caller.body) == (expected.text, expected.reasoning)
    asks = case.access.dialect == OPENAI and case.facts.traits.ask_stream_usage
    assert ("stream_options" in called.sent) is asks, "usage is asked for only where the provider takes it"
    assert (used(called.record), called.record["outcome"]) == (expected.usage, "ok")


@pytest.mark.parametrize("other", [False, True], ids=["own", "translated"])
def test_an_error_keeps_its_message(case: Case, other: bool) -> None:
    """The caller reads the provider's message in an error of its own dialect; the record has it too."""
    error = case.exchange.error
    called = case.call(http(error.status, error.body), other=other)
    told = json.loads(called.caller.body)
    told = told.get("error", told)
    assert (called.caller.status, error.message in told["message"]) == (error.shown or error.status, True)
    assert "returned status" not in told["message"], "the message alone, not the whole body"
    assert error.message in called.record["error_message"]
    assert called.record["outcome"] == "error"


def test_refused_members_go_by_their_other_name(case: Case) -> None:
    """A caller of the provider's own dialect need not know what the provider calls its members."""
    refused = case.exchange.refused
    if "max_completion_tokens" in refused:
        sent = case.whole(max_completion_tokens=64).sent
        assert ("max_completion_tokens" in sent, sent[case.exchange.limit]) == (False, 64)
    if "reasoning_content" in refused:
        turn = {"role": "assistant", "content": "Hello!", "reasoning_content": "A greeting."}
        ask = {"role": "user", "content": "hi"}
        message = case.whole(messages=[ask, turn, ask]).sent["messages"][1]
        assert _reasoning_in(message) == {case.exchange.back: "A greeting."}


def _reasoning_in(message: dict[str, Any]) -> dict[str, str]:
    """Reasoning in a message that was sent, by the member, or the type of the part, that contains it."""
    found = {name: value for name, value in message.items() if name not in ("role", "content")}
    parts = message["content"] if isinstance(message["content"], list) else ()
    return found | {part["type"]: part["thinking"][0]["text"] for part in parts if "thinking" in part}


def test_reasoning_goes_back(case: Case) -> None:
    """What the model reasoned returns to it in the member that it expects, through a caller of the other dialect."""
    exchange = case.exchange
    if not exchange.reply.reasoning or case.access.dialect in (ANTHROPIC, *IN_PATH):
        assert not exchange.back
        return
    blocks = json.loads(case.whole(other=True).caller.body)["content"]
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": blocks},
        {"role": "user", "content": "go on"},
    ]
    message = case.whole(other=True, messages=turns).sent["messages"][1]
    assert _reasoning_in(message) == ({exchange.back: exchange.reply.reasoning} if exchange.back else {})


def test_models_are_listed(case: Case) -> None:
    """A provider that has a list of models sends one whose names are read; one that has none says so in its record."""
    models = case.exchange.models
    assert ("models" in case.access.operations) is (models is not None)
    if models is not None:
        assert dialects()[case.access.dialect].models.read(models.body.encode()) == models.names
