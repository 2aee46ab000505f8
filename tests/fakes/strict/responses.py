"""OpenAI's Responses API, as strict as it is reported to be: put one into `FakeUpstream.otherwise`.

    unknown members, item types and tool types           refused
    ids of items                                         begin as their type's do
    calls and outputs                                    each has the other
    encrypted reasoning, compacted items                 only what was made here, verified by a MAC
    reasoning                                            goes back with what followed it
    compaction_trigger                                   one compaction item, and nothing else
    previous_response_id                                 a response that was stored here

Wordings: github.com/openai/openai-python issues 2561 and 2599, vercel/ai 7099 and 8321, openai/codex 3841. What is not
reported is not refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from typing import Any

from tests.fakes.strict.refusal import Refusal
from tests.fakes.upstream import Reply, Seen

PATH = "/v1/responses"
THOUGHT = "The user wants something to be done."
MEMBERS = frozenset(
    [
        "access_programs",
        "background",
        "background_options",
        "client_metadata",
        "context_management",
        "conversation",
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "moderation",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    ]
)
PREFIXES = {
    "message": "msg",
    "reasoning": "rs",
    "function_call": "fc",
    "custom_tool_call": "ctc",
    "compaction": "cmp",
}
OUTPUTS = {"function_call_output": "function_call", "custom_tool_call_output": "custom_tool_call"}
ITEMS = {*PREFIXES, *OUTPUTS, "additional_tools", "compaction_trigger"}
TOOLS = {"function", "custom", "namespace", "web_search"}
NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
Speaker = Callable[[dict[str, Any]], str | tuple[str, dict[str, Any]]]
"""What the model says to a request: a text, or the name of a tool and its arguments."""


class Seal:
    """What only this provider reads, which is known by a MAC."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def close(self, text: str) -> str:
        """`text`, as only this provider reads it."""
        mac = hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()[:16]
        return f"gAAAA{mac}{text.encode().hex()}"

    def is_own(self, text: str) -> bool:
        """Whether it was made here."""
        try:
            return self.close(bytes.fromhex(text[21:]).decode()) == text
        except ValueError:
            return False


class StrictResponses:
    """See the module. `refused`: the words of every refusal, in order. `secret`: of this provider alone."""

    def __init__(self, speaker: Speaker, *, secret: str = "a fake's own") -> None:
        self._seal = Seal(secret)
        self.refused: list[str] = []
        self._speaker = speaker
        self._stored: dict[str, list[dict[str, Any]]] = {}
        self._count = 0

    def __call__(self, seen: Seen) -> Reply:
        try:
            return self._answer(seen)
        except Refusal as refusal:
            self.refused.append(refusal.message)
            error = {"message": refusal.message, "type": refusal.kind, "param": refusal.param, "code": refusal.code}
            return Reply.json({"error": error}, refusal.status)

    def _answer(self, seen: Seen) -> Reply:
        if seen.path != PATH or seen.method != "POST":
            raise Refusal(f"Invalid URL ({seen.method} {seen.path})", status=404)
        if not seen.headers.get("authorization", "").startswith("Bearer "):
            raise Refusal("You didn't provide an API key.", status=401, code="invalid_api_key")
        asked = seen.json()
        items = self._conversation(asked)
        check(asked, items, self._seal)
        output = self._output(asked, items)
        response = self._response(asked, output)
        if asked.get("store", True):
            self._stored[response["id"]] = [*items, *output]
        return stream_of(response) if asked.get("stream") else Reply.json(response)

    def _conversation(self, asked: dict[str, Any]) -> list[dict[str, Any]]:
        given = asked.get("input")
        items = [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else given
        previous = asked.get("previous_response_id")
        if previous is None:
            return list(items or ())
        if previous not in self._stored:
            message = f"Previous response with id '{previous}' not found."
            raise Refusal(message, param="previous_response_id", code="previous_response_not_found")
        return [*self._stored[previous], *(items or ())]

    def _output(self, asked: dict[str, Any], items: list[dict[str, Any]]) -> list[dict[str, Any]]:
        self._count += 1
        at = f"{self._count:08x}"
        if any(item.get("type") == "compaction_trigger" for item in items):
            return [{"type": "compaction", "id": f"cmp_{at}", "encrypted_content": self._seal.close(f"summary {at}")}]
        summary = [{"type": "summary_text", "text": THOUGHT}]
        thought: dict[str, Any] = {"type": "reasoning", "id": f"rs_{at}", "summary": summary}
        if "reasoning.encrypted_content" in (asked.get("include") or ()):
            thought["encrypted_content"] = self._seal.close(f"{THOUGHT} {at}")
        said = self._speaker(asked)
        if isinstance(said, str):
            content = [{"type": "output_text", "text": said, "annotations": []}]
            message = {"type": "message", "id": f"msg_{at}", "role": "assistant", "status": "completed"}
            return [thought, {**message, "content": content}]
        call = {"type": "function_call", "id": f"fc_{at}", "call_id": f"call_{at}", "status": "completed"}
        return [thought, {**call, "name": said[0], "arguments": json.dumps(said[1])}]

    def _response(self, asked: dict[str, Any], output: list[dict[str, Any]]) -> dict[str, Any]:
        usage = {
            "input_tokens": 10,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 2},
            "total_tokens": 15,
        }
        return {
            "id": f"resp_{self._count:08x}",
            "object": "response",
            "created_at": 1,
            "status": "completed",
            "model": asked["model"],
            "output": output,
            "usage": usage,
        }


def stream_of(response: dict[str, Any]) -> Reply:
    """A response as a stream: its items are told whole."""
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    events: list[dict[str, Any]] = [{"type": "response.created", "response": begun}]
    for at, item in enumerate(response["output"]):
        events.append({"type": "response.output_item.added", "output_index": at, "item": {**item, "content": []}})
        events.append({"type": "response.output_item.done", "output_index": at, "item": item})
    events.append({"type": "response.completed", "response": response})
    data = (json.dumps({**event, "sequence_number": at}) for at, event in enumerate(events))
    named = zip(events, data, strict=True)
    return Reply.events(*(f"event: {event['type']}\ndata: {text}\n\n".encode() for event, text in named))


def check(asked: dict[str, Any], items: list[dict[str, Any]], seal: Seal) -> None:
    """Raises `Refusal` for the first thing that is wrong."""
    for name in asked:
        if name not in MEMBERS:
            raise Refusal(f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    if not asked.get("model") or not items:
        raise Refusal("Missing required parameter: 'input'.", param="input")
    _tools(asked.get("tools") or ())
    for at, item in enumerate(items):
        _item(item, f"input[{at}]", seal)
    _calls(items)
    _reasoning(items)


def _tools(tools: Any) -> None:
    for at, tool in enumerate(tools):
        where = f"tools[{at}]"
        if tool.get("type") not in TOOLS:
            raise Refusal(f"Invalid value: '{tool.get('type')}'.", param=f"{where}.type", code="invalid_value")
        if tool["type"] != "web_search" and not NAME.fullmatch(tool.get("name") or ""):
            message = f"Invalid '{where}.name': string does not match pattern."
            raise Refusal(message, param=f"{where}.name", code="invalid_value")


def _item(item: dict[str, Any], where: str, seal: Seal) -> None:
    kind = item.get("type", "message")
    if kind not in ITEMS:
        raise Refusal(f"Invalid value: '{kind}'.", param=f"{where}.type", code="invalid_value")
    if kind == "additional_tools":
        _tools(item.get("tools") or ())
    prefix = PREFIXES.get(kind)
    if prefix is not None and item.get("id") and not item["id"].startswith(prefix):
        message = f"Invalid '{where}.id': '{item['id']}'. Expected an ID that begins with '{prefix}'."
        raise Refusal(message, param=f"{where}.id", code="invalid_value")
    secret = item.get("encrypted_content") if kind in ("reasoning", "compaction") else None
    if secret is not None and not seal.is_own(secret):
        message = f"The encrypted content for item {item.get('id')} could not be verified."
        raise Refusal(message, code="invalid_encrypted_content")


def _calls(items: list[dict[str, Any]]) -> None:
    calls = {item["call_id"]: item["type"] for item in items if item.get("type") in OUTPUTS.values()}
    answered = {item["call_id"] for item in items if item.get("type") in OUTPUTS}
    for item in items:
        kind = OUTPUTS.get(item.get("type", ""))
        if kind is not None and calls.get(item["call_id"]) != kind:
            raise Refusal(
                f"No tool call found for function call output with call_id {item['call_id']}.", param="input"
            )
    for call_id in calls:
        if call_id not in answered:
            raise Refusal(f"No tool output found for function call {call_id}.", param="input")


def _reasoning(items: list[dict[str, Any]]) -> None:
    for item, after in zip(items, [*items[1:], {}], strict=True):
        follows = (
            after.get("type", "message") != "reasoning" and after.get("role", "assistant") == "assistant" and after
        )
        if item.get("type") == "reasoning" and not follows:
            message = f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item."
            raise Refusal(message, param="input")
