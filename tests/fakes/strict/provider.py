"""Providers that refuse what the real ones refuse: put one into `FakeUpstream.otherwise`.

    strict = StrictProvider("groq", lambda turn: "hello" if turn.results else ToolCall("clock", {}))
    upstream.otherwise = strict
    ...
    assert not strict.refused

Who speaks is given: a function from the turn to a text or a tool call. The rest is the provider's: the path, the key,
the models it has (`models.toml`), the rules of its module, its words and status for a refusal, reasoning where the
model reasons, and signatures where thinking is signed. Nothing here knows Asbru.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from tests.fakes.speech import anthropic_text, anthropic_tool_call, openai_text, openai_tool_call
from tests.fakes.strict import anthropic, deepseek, groq, openai
from tests.fakes.strict.facts import Model, models
from tests.fakes.strict.refusal import Refusal
from tests.fakes.strict.signing import sign
from tests.fakes.upstream import Reply, Seen

THOUGHT = "The user wants a command to be run."
CHAT: Mapping[str, ModuleType] = {"openai": openai, "groq": groq, "deepseek": deepseek}


@dataclass(frozen=True)
class Turn:
    """What the model is asked: its name, the tools it may call, the results of those it called."""

    model: str
    tools: tuple[str, ...]
    results: tuple[str, ...]


@dataclass(frozen=True)
class ToolCall:
    """A tool that the model calls."""

    name: str
    arguments: dict[str, Any]


Speaker = Callable[[Turn], str | ToolCall]


class StrictProvider:
    """One provider. `refused` holds the words of every refusal, in order."""

    def __init__(self, name: str, speaker: Speaker) -> None:
        self.refused: list[str] = []
        self._name = name
        self._speaker = speaker

    def __call__(self, seen: Seen) -> Reply:
        if seen.method == "HEAD":
            return Reply()
        try:
            return _messages(seen, self._speaker) if self._name == "anthropic" else self._chat(seen)
        except Refusal as refusal:
            self.refused.append(refusal.message)
            return _anthropic_error(refusal) if self._name == "anthropic" else _chat_error(refusal)

    def _chat(self, seen: Seen) -> Reply:
        rules = CHAT[self._name]
        if seen.path != rules.PATH:
            raise Refusal(f"Invalid URL ({seen.method} {seen.path})", status=404)
        if not seen.headers.get("authorization", "").startswith("Bearer "):
            raise Refusal("You didn't provide an API key.", status=401, code="invalid_api_key")
        asked = seen.json()
        model = _known(asked, self._name, rules.not_found)
        rules.check(asked, model)
        said = self._speaker(_chat_turn(asked))
        about: dict[str, Any] = {"model": model.name, "stream": bool(asked.get("stream"))}
        about["reasoning"] = _reasoning(self._name, asked, model)
        if isinstance(said, str):
            return openai_text(said, **about)
        call_id = f"call_{len(asked['messages']):024}"
        return openai_tool_call(said.name, said.arguments, call_id=call_id, **about)


def _known(asked: Any, provider: str, not_found: Callable[[str], Refusal]) -> Model:
    if not isinstance(asked, dict):
        raise Refusal("We could not parse the JSON body of your request.")
    name = str(asked.get("model") or "")
    model = models(provider).get(name)
    if model is None:
        raise not_found(name)
    return model


def _chat_turn(asked: dict[str, Any]) -> Turn:
    tools = tuple(tool["function"]["name"] for tool in asked.get("tools") or ())
    results = tuple(_text(message["content"]) for message in asked["messages"] if message["role"] == "tool")
    return Turn(asked["model"], tools, results)


def _reasoning(provider: str, asked: dict[str, Any], model: Model) -> tuple[str, str] | None:
    """The member that holds the model's reasoning, and the reasoning."""
    if provider == "deepseek" and deepseek.thinks(asked):
        return "reasoning_content", THOUGHT
    if provider == "groq" and model.efforts and asked.get("reasoning_effort") != "none":
        return "reasoning", THOUGHT
    return None


def _chat_error(refusal: Refusal) -> Reply:
    error = {"message": refusal.message, "type": refusal.kind, "param": refusal.param, "code": refusal.code}
    return Reply.json({"error": error}, refusal.status)


def _messages(seen: Seen, speaker: Speaker) -> Reply:
    if seen.path not in (anthropic.PATH, f"{anthropic.PATH}/count_tokens"):
        raise Refusal("Not Found", status=404, kind="not_found_error")
    if not {"x-api-key", "authorization"} & seen.headers.keys():
        raise Refusal("x-api-key header is required", status=401, kind="authentication_error")
    asked = seen.json()
    model = _known(asked, "anthropic", anthropic.not_found)
    if seen.path != anthropic.PATH:
        anthropic.check_count(asked, model)
        return Reply.json({"input_tokens": 100})
    anthropic.check(asked, seen.headers, model)
    said = speaker(_messages_turn(asked))
    about: dict[str, Any] = {"model": model.name, "stream": bool(asked.get("stream"))}
    if anthropic.thinks(asked):
        signature = sign(THOUGHT, asked["messages"])
        about["thinking"] = {"type": "thinking", "thinking": THOUGHT, "signature": signature}
    if isinstance(said, str):
        return anthropic_text(said, **about)
    # Agents may join the messages of one turn, but not its blocks.
    blocks = sum(len(one["content"]) if isinstance(one["content"], list) else 1 for one in asked["messages"])
    call_id = f"toolu_{blocks:024}"
    return anthropic_tool_call(said.name, said.arguments, call_id=call_id, **about)


def _messages_turn(asked: dict[str, Any]) -> Turn:
    contents = [message["content"] for message in asked["messages"] if isinstance(message["content"], list)]
    blocks = [block for content in contents for block in content if block["type"] == "tool_result"]
    tools = tuple(tool["name"] for tool in asked.get("tools") or ())
    return Turn(asked["model"], tools, tuple(_text(block.get("content")) for block in blocks))


def _anthropic_error(refusal: Refusal) -> Reply:
    error = {"type": refusal.kind, "message": refusal.message}
    return Reply.json({"type": "error", "error": error, "request_id": "req_1"}, refusal.status)


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content or ())
