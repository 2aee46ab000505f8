"""Gemini, as strict as it is documented and reported to be: members, roles, calls and their results, signatures.

A model that thinks signs the first call of each step; the signature must come back on that very part, unchanged.
Wordings: ai.google.dev/gemini-api/docs/thought-signatures, github.com/googleapis/python-genai/issues/1760 (signatures),
github.com/google-gemini/gemini-cli/issues/3132 (calls and results), vercel/ai/issues/11413 (JSON beside tools).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.fakes.strict.refusal import Refusal
from tests.fakes.upstream import Reply, Seen

STAND_IN = "skip_thought_signature_validator"
PATH = re.compile(r"/v1beta/models/([^/:]+):(generateContent|streamGenerateContent)")
KNOWN = {
    "request": {
        *("contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings"),
        *("cachedContent", "labels"),
    },
    "content": {"role", "parts"},
    "part": {
        *("text", "inlineData", "fileData", "functionCall", "functionResponse", "executableCode"),
        *("codeExecutionResult", "thought", "thoughtSignature", "videoMetadata"),
    },
    "functionCall": {"id", "name", "args"},
    "functionResponse": {"id", "name", "response", "parts"},
    "generationConfig": {
        *("temperature", "topP", "topK", "maxOutputTokens", "stopSequences", "candidateCount", "seed"),
        *("presencePenalty", "frequencyPenalty", "responseMimeType", "responseSchema", "responseJsonSchema"),
        *("thinkingConfig", "responseLogprobs", "logprobs", "responseModalities"),
    },
    "thinkingConfig": {"includeThoughts", "thinkingBudget", "thinkingLevel"},
    "function": {"name", "description", "parameters", "parametersJsonSchema"},
}
DATA = KNOWN["part"] - {"thought", "thoughtSignature", "videoMetadata"}
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")
_KEY = b"a fake's own key"

Speaker = Callable[[list[str], list[str]], str | tuple[str, dict[str, Any]]]
"""From the tools that may be called and the results so far to a text, or to a call's name and arguments."""


def sign(call: dict[str, Any]) -> str:
    """The signature of a call."""
    covered = json.dumps([call["name"], call.get("args") or {}], sort_keys=True).encode()
    return base64.b64encode(hmac.new(_KEY, covered, hashlib.sha256).digest()).decode()


class StrictGemini:
    """The provider. `refused` holds the words of every refusal, in order; `asked` every request that was served.
    `in_pieces`: it streams the arguments of calls, as Vertex AI does where that is asked for."""

    def __init__(self, speaker: Speaker, *, in_pieces: bool = False) -> None:
        self._in_pieces = in_pieces
        self.refused: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self._speaker = speaker

    def __call__(self, seen: Seen) -> Reply:
        try:
            return self._served(seen)
        except Refusal as refusal:
            self.refused.append(refusal.message)
            word = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}[refusal.status]
            error = {"code": refusal.status, "message": refusal.message, "status": word}
            return Reply.json({"error": error}, refusal.status)

    def _served(self, seen: Seen) -> Reply:
        path = PATH.fullmatch(seen.path.partition("?")[0])
        if path is None:
            raise Refusal("Requested entity was not found.", status=404)
        if not seen.headers.get("x-goog-api-key") or "authorization" in seen.headers:
            raise Refusal("Method doesn't allow unregistered callers.", status=403)
        asked, model = seen.json(), path[1]
        check(asked, model)
        self.asked.append(asked)
        tools = [one["name"] for tool in asked.get("tools") or () for one in tool.get("functionDeclarations") or ()]
        results = [json.dumps(part["functionResponse"]["response"]) for part in _parts(asked, "functionResponse")]
        parts = _spoken(self._speaker(tools, results), asked, model, number=len(results))
        if path[2] != "streamGenerateContent":
            return _whole(parts, model)
        return _streamed([piece for part in parts for piece in _pieces(part)] if self._in_pieces else parts, model)


def _spoken(
    said: str | tuple[str, dict[str, Any]], asked: dict[str, Any], model: str, *, number: int
) -> list[dict[str, Any]]:
    shown = (asked.get("generationConfig") or {}).get("thinkingConfig", {}).get("includeThoughts")
    thought = [{"text": "Let me think.", "thought": True}] if shown else []
    if isinstance(said, str):
        return [*thought, {"text": said}]
    call = {"name": said[0], "args": said[1]} | ({"id": f"fc{number}"} if _new(model) else {})
    return [*thought, {"functionCall": call, "thoughtSignature": sign(call)}]


def _pieces(part: dict[str, Any]) -> list[dict[str, Any]]:
    """A part as it is streamed: a call begins by its name, goes on with halves of its texts, and ends empty."""
    call = part.get("functionCall")
    if call is None:
        return [part]
    begun = {name: value for name, value in call.items() if name != "args"} | {"willContinue": True}
    found = [part | {"functionCall": begun}]
    for name, text in call["args"].items():
        for half, more in ((text[:2], {"willContinue": True}), (text[2:], {})):
            argument = {"jsonPath": f"$.{name}", "stringValue": half} | more
            found.append({"functionCall": {"partialArgs": [argument], "willContinue": True}})
    return [*found, {"functionCall": {}}]


def _usage() -> dict[str, Any]:
    return {"promptTokenCount": 7, "candidatesTokenCount": 3, "totalTokenCount": 10}


def _whole(parts: list[dict[str, Any]], model: str) -> Reply:
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
    return Reply.json(
        {"candidates": [candidate], "usageMetadata": _usage(), "modelVersion": model, "responseId": "r1"}
    )


def _streamed(parts: list[dict[str, Any]], model: str) -> Reply:
    events: list[dict[str, Any]] = [
        {"candidates": [{"content": {"role": "model", "parts": [part]}, "index": 0}]} for part in parts
    ]
    events[-1]["candidates"][0]["finishReason"] = "STOP"
    about = {"usageMetadata": _usage(), "modelVersion": model, "responseId": "r1"}
    return Reply.events(*(b"data: %b\r\n\r\n" % json.dumps(event | about).encode() for event in events))


def _new(model: str) -> bool:
    return model.startswith("gemini-3")


def check(asked: dict[str, Any], model: str) -> None:
    """Raises `Refusal` for the first thing that is wrong."""
    _known(asked, "request", "")
    config = asked.get("generationConfig") or {}
    _known(config, "generationConfig", "generation_config")
    thinking = config.get("thinkingConfig") or {}
    _known(thinking, "thinkingConfig", "generation_config.thinking_config")
    if "thinkingLevel" in thinking and not _new(model):
        raise Refusal("Thinking level is not supported for this model.")
    if {"thinkingLevel", "thinkingBudget"} <= thinking.keys():
        raise Refusal("You can only set only one of thinking budget and thinking level.")
    if thinking.get("thinkingBudget", 0) > 24_576:
        raise Refusal("The thinking budget is invalid. Please choose a value between 512 and 24576.")
    _tools(asked)
    contents = asked.get("contents") or []
    if not contents:
        raise Refusal("* GenerateContentRequest.contents: contents is not specified")
    for at, content in enumerate(contents):
        _content(content, f"contents[{at}]")
    _calls(contents)
    if _new(model):
        _signatures(contents)


def _known(given: dict[str, Any], place: str, path: str) -> None:
    for name in given.keys() - KNOWN[place]:
        where = f" at '{path}'" if path else ""
        raise Refusal(f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.')


def _tools(asked: dict[str, Any]) -> None:
    for tool in asked.get("tools") or ():
        for function in tool.get("functionDeclarations") or ():
            _known(function, "function", "tools[0].function_declarations[0]")
            if not NAME.fullmatch(function.get("name", "")):
                raise Refusal("Invalid function name. Must start with a letter or an underscore.")
            if (function.get("parametersJsonSchema") or {"type": "object"}).get("type") != "object":
                raise Refusal("parameters_json_schema: the schema must describe an object")


def _content(content: dict[str, Any], path: str) -> None:
    _known(content, "content", path)
    if content.get("role") not in ("user", "model"):
        raise Refusal("Please use a valid role: user, model.")
    if not content.get("parts"):
        raise Refusal(f"Unable to submit request because it must have at least one part: {path}")
    for at, part in enumerate(content["parts"]):
        _known(part, "part", f"{path}.parts[{at}]")
        if len(part.keys() & DATA) != 1:
            raise Refusal(f"{path}.parts[{at}].data: required oneof field 'data' must have one initialized field")
        for name in ("functionCall", "functionResponse"):
            if name in part:
                _known(part[name], name, f"{path}.parts[{at}].{name}")
        if "functionResponse" in part and not isinstance(part["functionResponse"].get("response"), dict):
            raise Refusal(f"{path}.parts[{at}].function_response.response: must be an object")


def _calls(contents: list[dict[str, Any]]) -> None:
    """Each turn of calls is followed by their results, and results follow nothing else."""
    open_calls: list[dict[str, Any]] = []
    for content in contents:
        results = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
        calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
        if (results and content["role"] != "user") or (calls and content["role"] != "model"):
            raise Refusal("Please ensure that function calls are the model's and function responses are the user's.")
        if len(results) != len(open_calls) or (results and len(results) != len(content["parts"])):
            raise Refusal(
                "Please ensure that the number of function response parts is equal to the number of function call "
                "parts of the function call turn."
            )
        if sorted(call["name"] for call in open_calls) != sorted(result["name"] for result in results):
            raise Refusal("Please ensure that function responses are named like their calls.")
        ids = {call["id"] for call in open_calls if "id" in call}
        if any("id" in result and ids and result["id"] not in ids for result in results):
            raise Refusal("The id of a function response matches no function call.")
        open_calls = calls
    if open_calls:
        raise Refusal("Please ensure that function call turn is followed by a function response turn.")


def _signatures(contents: list[dict[str, Any]]) -> None:
    for content in contents:
        calls = [part for part in content["parts"] if "functionCall" in part]
        for part in content["parts"]:
            signature = part.get("thoughtSignature")
            if "functionCall" not in part or signature in (None, STAND_IN):
                continue
            if not hmac.compare_digest(signature, sign(part["functionCall"])):
                raise Refusal("Thought signature is not valid.")
        if calls and "thoughtSignature" not in calls[0]:
            name = calls[0]["functionCall"]["name"]
            raise Refusal(f"Function call `{name}` is missing a thought_signature in functionCall parts.")


def _parts(asked: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    for content in asked["contents"]:
        yield from (part for part in content["parts"] if kind in part)
