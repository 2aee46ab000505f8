"""Traits through the whole chain, in one process: a quirk is a value in a folder or a setting; every field counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.boot import Options
from asbru.app.compile import compile_config
from asbru.app.snapshot import Snapshot
from asbru.core.traits import PLAIN, Traits
from asbru.providers import discover

CHAT, MESSAGES = "/v1/chat/completions", "/anthropic/v1/messages"
OPENAI, ANTHROPIC, GEMINI = "openai_chat", "anthropic_messages", "gemini"
ASK = {"model": "a/m", "messages": [{"role": "user", "content": "hi"}]}
PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
TOOL = {"name": "f", "input_schema": {"type": "object", "properties": {}}}
MARKED = {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral"}}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "asbru:openai_chat:"}


def turn(part: object) -> dict[str, Any]:
    """A conversation of one part."""
    return {"messages": [{"role": "user", "content": [part]}]}


CALLED = {
    "messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "i" * 50, "name": "f", "input": {}}]}]
}


OFFERS = {"tools"}
"""Heeded where Asbru adds tools to a request: tests/journeys/test_offered_tools.py."""


class Case(NamedTuple):
    """A call to a provider of `dialect`, which goes otherwise where the field has `value`."""

    value: object
    dialect: str
    path: str
    members: dict[str, Any]


CASES = {
    "strip": Case(frozenset(("seed",)), OPENAI, CHAT, {"seed": 1}),
    "refuse_inputs": Case(("image",), OPENAI, CHAT, turn(PICTURE)),
    "refuse_members": Case(("max_tokens",), OPENAI, CHAT, {"max_tokens": 9}),
    "ask_stream_usage": Case(False, OPENAI, CHAT, {"stream": True}),
    "legacy_max_tokens": Case(True, OPENAI, MESSAGES, {"max_tokens": 9}),
    "max_output_tokens": Case(777, ANTHROPIC, CHAT, {}),
    "cache_marks": Case(True, OPENAI, MESSAGES, {"max_tokens": 9, **turn(MARKED)}),
    "reasoning_back": Case(
        "none", OPENAI, MESSAGES, {"max_tokens": 9, "messages": [{"role": "assistant", "content": [THOUGHT]}]}
    ),
    "system_anywhere": Case(
        True, OPENAI, MESSAGES, {"max_tokens": 9, "messages": [*ASK["messages"], {"role": "system", "content": "s"}]}
    ),
    "top_k": Case(True, OPENAI, MESSAGES, {"max_tokens": 9, "top_k": 5}),
    "thinking": Case("budget", ANTHROPIC, CHAT, {"max_tokens": 9000, "reasoning_effort": "low"}),
    "effort_with_tools": Case("none", OPENAI, MESSAGES, {"max_tokens": 9, "tools": [TOOL]}),
    "sampling": Case(False, OPENAI, MESSAGES, {"max_tokens": 9, "temperature": 0.5}),
    "tool_name_chars_max": Case(16, OPENAI, MESSAGES, {"max_tokens": 9, "tools": [TOOL | {"name": "n" * 20}]}),
    "tool_id_chars_max": Case(0, OPENAI, MESSAGES, {"max_tokens": 9, **CALLED}),
    "tool_id_chars": Case(9, OPENAI, MESSAGES, {"max_tokens": 9, **CALLED}),
    "user_chars_max": Case(100, OPENAI, MESSAGES, {"max_tokens": 9, "metadata": {"user_id": "u" * 90}}),
    "reasoning_stand_in": Case(" ", OPENAI, MESSAGES, {"max_tokens": 9, **CALLED}),
    "call_signature": Case("skip", GEMINI, MESSAGES, {"max_tokens": 9, **CALLED}),
    "efforts": Case(("high",), ANTHROPIC, CHAT, {"max_tokens": 9000, "reasoning_effort": "low"}),
}


def sent(case: Case, traits: Traits, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The body a provider with these traits gets; None when the call does not reach it."""
    facts = provider("a", case.dialect, traits=traits)
    snapshot = Snapshot(providers=(facts,))
    inside = Inside(snapshot, monkeypatch)
    inside.script("a", answer(400, b"{}"))
    inside.call(case.path, ASK | case.members)
    return _body(inside.requests[0][1]) if inside.requests else None


def _body(request: bytes) -> Any:
    return json.loads(request.partition(b"\r\n\r\n")[2])


def test_every_field_has_a_case() -> None:
    """A field without a case below would be one that nothing heeds."""
    assert set(CASES) | OFFERS == set(Traits.__struct_fields__)


@pytest.mark.parametrize("field", CASES)
def test_every_field_counts(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider with the trait is sent something else than one without it, or nothing."""
    case = CASES[field]
    plain = sent(case, PLAIN, monkeypatch)
    assert plain is not None
    assert sent(case, Traits(**{field: case.value}), monkeypatch) != plain


FOLDER = '''"""A provider with quirks."""

from asbru.core.traits import Traits, rule
from asbru.providers import Provider
from asbru.providers.kit import OPENAI_ACCESS

PROVIDER = Provider(
    name="quirky",
    title="Quirky",
    access=(OPENAI_ACCESS,),
    base_url="http://quirky.test/v2",
    env_key="QUIRKY_KEY",
    traits=Traits(strip=frozenset(("metadata",))),
    trait_rules=(rule("old-*", legacy_max_tokens=True),),
)
'''
MODELS = """
[[rules]]
models = "old-1*"
strip = ["metadata", "top_p"]
source = "https://quirky.test/docs"
date = 2026-01-31
"""


@pytest.fixture
def quirky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function: settings of the provider in, what it is sent for a messages call to a model out."""
    folder = tmp_path / "places" / "quirky"
    folder.mkdir(parents=True)
    for name, text in {"__init__.py": FOLDER, "models.toml": MODELS, "README.md": "# Quirky\n"}.items():
        (folder / name).write_text(text)
    types = discover([folder.parent])

    def ask(model: str, **settings: Any) -> Any:
        keys = [{"name": "k", "value": "secret", "aliases": {"nick": "old-1"}}]
        file = tmp_path / "config.json"
        file.write_text(json.dumps({"providers": {"quirky": {"keys": keys, **settings}}}))
        compiled = compile_config(Options(data_dir=tmp_path / "data", config=file), {}, types=types)
        inside = Inside(compiled.snapshot, monkeypatch)
        inside.script("quirky", answer(400, b"{}"))
        inside.call(MESSAGES, ASK | {"model": f"quirky/{model}", "max_tokens": 9, "top_p": 0.5})
        body = _body(inside.requests[0][1])
        return {name: body[name] for name in ("max_tokens", "max_completion_tokens", "top_p") if name in body}

    return ask


def test_a_quirk_is_a_value_in_a_folder(quirky: Any) -> None:
    """A made-up folder's traits, its rules and its models.toml reach the writer, by the name the provider is sent."""
    assert quirky("new") == {"max_completion_tokens": 9, "top_p": 0.5}
    assert quirky("old-2") == {"max_tokens": 9, "top_p": 0.5}
    assert quirky("old-1") == quirky("nick") == {"max_tokens": 9}


def test_the_configuration_has_the_last_word(quirky: Any) -> None:
    """What it says of all models wins over the folder's rules, and its own rules over that."""
    assert quirky("old-2", traits={"legacy_max_tokens": False}) == {"max_completion_tokens": 9, "top_p": 0.5}
    rules = [{"models": "*-2", "legacy_max_tokens": True}, {"models": "new", "strip": ["top_p"]}]
    told = {"legacy_max_tokens": False, "rules": rules}
    assert quirky("old-2", traits=told) == {"max_tokens": 9, "top_p": 0.5}
    assert quirky("old-3", traits=told) == {"max_completion_tokens": 9, "top_p": 0.5}
    assert quirky("new", traits=told) == {"max_completion_tokens": 9}


@pytest.mark.parametrize("refused", [(), ("max_completion_tokens",)])
def test_an_older_server_gets_the_older_name(refused: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """In its own dialect a caller means what it wrote: `max_completion_tokens` is called `max_tokens` only for a target
    that is said to refuse it."""
    traits = Traits(legacy_max_tokens=True, refuse_members=refused)
    inside = Inside(Snapshot(providers=(provider("a", traits=traits),)), monkeypatch)
    inside.script("a", answer(200, b"{}"))
    inside.call(CHAT, ASK | {"model": "a/m", "max_completion_tokens": 5})
    wanted = {"max_tokens": 5} if refused else {"max_completion_tokens": 5}
    assert _body(inside.requests[0][1]) == ASK | {"model": "m"} | wanted


@pytest.mark.parametrize("signature", ["asbru:openai_chat:", "", "real"])
def test_a_body_of_the_same_dialect_goes_without_thinking_of_others(
    signature: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Anthropic gets a body as it came, unless it holds thinking that Anthropic has not signed: that is left out."""
    content = [THOUGHT | {"signature": signature}, {"type": "text", "text": "a"}]
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": content}]
    inside = Inside(Snapshot(providers=(provider("a", ANTHROPIC),)), monkeypatch)
    inside.script("a", answer(400, b"{}"))
    inside.call(MESSAGES, {"model": "a/m", "max_tokens": 9, "messages": turns})
    sent = _body(inside.requests[0][1])["messages"][1]["content"]
    assert sent == (content if signature == "real" else content[1:])


SAME_DIALECT = [
    (("max_tokens",), None, {"max_tokens": 9}, {"max_completion_tokens": 9}),
    (("max_tokens",), None, {"max_tokens": 9, "max_completion_tokens": 8}, {"max_completion_tokens": 8}),
    (("max_tokens",), None, {"max_completion_tokens": 8, "odd": 1}, {"max_completion_tokens": 8, "odd": 1}),
    ((), None, {"max_tokens": 9}, {"max_tokens": 9}),
    (
        ("reasoning_content",),
        "reasoning",
        {"messages": [*ASK["messages"], {"role": "assistant", "reasoning_content": "hm", "content": "a"}]},
        {"messages": [*ASK["messages"], {"role": "assistant", "reasoning": "hm", "content": "a"}]},
    ),
]


@pytest.mark.parametrize(("refused", "back", "asked", "expected"), SAME_DIALECT)
def test_members_that_a_model_refuses_go_by_their_other_name(
    monkeypatch: pytest.MonkeyPatch, *, refused: tuple[str, ...], back: Any, asked: Any, expected: Any
) -> None:
    """A body of the model's own dialect is written anew where it holds a member that the model refuses."""
    body = sent(Case(None, OPENAI, CHAT, asked), Traits(refuse_members=refused, reasoning_back=back), monkeypatch)
    assert body == {"messages": ASK["messages"], "model": "m", **expected}
