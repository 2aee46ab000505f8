"""Amazon Bedrock's runtime, as strict as it is reported to be: signatures, members, roles, results of tools.

    strict = StrictBedrock(speak, keys={"AKID": "secret"})     # or api_keys=("key",)
    upstream.otherwise = strict
    ...
    assert not strict.refused

It checks Signature Version 4 with code of its own, answers `converse`, `converse-stream`, `count-tokens` and, for
bodies of Claude, `invoke` and `invoke-with-response-stream`; frames have padding (`p`), as the real ones do. Wordings:
recorded traffic, and https://repost.aws/questions (roles). Nothing here knows Asbru.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote
from zlib import crc32

from tests.fakes.strict import anthropic_turns
from tests.fakes.strict.anthropic import thinks
from tests.fakes.strict.facts import Model
from tests.fakes.strict.provider import Speaker, ToolCall, Turn
from tests.fakes.strict.refusal import Refusal
from tests.fakes.strict.signing import is_signed, sign
from tests.fakes.upstream import Reply, Seen

STREAM_TYPE = "application/vnd.amazon.eventstream"
PATH = re.compile(r"/model/(?P<model>[^/]+)/(?P<operation>[a-z-]+)")
REQUEST = frozenset((
    "messages", "system", "inferenceConfig", "toolConfig", "guardrailConfig", "projectIdentifier",
    "additionalModelRequestFields", "promptVariables", "additionalModelResponseFieldPaths", "requestMetadata",
    "performanceConfig", "serviceTier", "outputConfig",
))  # fmt: skip
INFERENCE = frozenset(("maxTokens", "temperature", "topP", "stopSequences"))
TOOL_SPEC = frozenset(("name", "description", "inputSchema", "strict"))
BLOCKS = frozenset((
    "text", "image", "document", "video", "audio", "toolUse", "toolResult", "guardContent", "cachePoint",
    "reasoningContent", "citationsContent", "searchResult",
))  # fmt: skip
RESULT_BLOCKS = frozenset(("json", "text", "image", "document", "video", "searchResult"))
CALL_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
DOCUMENT_NAME = re.compile(r"[a-zA-Z0-9\s()\[\]-]{1,200}")
MARKS_MAX = 4
THOUGHT = "The user wants a command to be run."
USAGE = {"inputTokens": 12, "outputTokens": 5, "totalTokens": 17}
VERSION = "bedrock-2023-05-31"
CLAUDE = frozenset((
    "anthropic_version", "anthropic_beta", "max_tokens", "messages", "system", "temperature", "top_p", "top_k", "tools",
    "tool_choice", "stop_sequences", "thinking", "metadata", "output_config", "context_management",
))  # fmt: skip


class StrictBedrock:
    """The service. `keys`: secrets by access key id; `api_keys`: bearer tokens. `refused`: every refusal's words."""

    def __init__(
        self, speaker: Speaker, *, keys: Mapping[str, str] | None = None, api_keys: Sequence[str] = ("sk-upstream",)
    ) -> None:
        self.refused: list[str] = []
        self._speaker = speaker
        self._keys = dict(keys or {})
        self._api_keys = tuple(api_keys)

    def __call__(self, seen: Seen) -> Reply:
        try:
            return self._answer(seen)
        except Refusal as refusal:
            self.refused.append(refusal.message)
            body = {"message": refusal.message}
            return Reply.json(body, refusal.status, x_amzn_ErrorType=f"{refusal.kind}:http://internal.amazon.com/")

    def _answer(self, seen: Seen) -> Reply:
        self._authenticate(seen)
        found = PATH.fullmatch(seen.path)
        if found is None or seen.method != "POST":
            raise Refusal("UnknownOperationException", status=404, kind="UnknownOperationException")
        model, asked = unquote(found["model"]), seen.json()
        match found["operation"]:
            case "converse":
                return self._converse(model, asked, stream=False)
            case "converse-stream":
                return self._converse(model, asked, stream=True)
            case "count-tokens":
                return Reply.json({"inputTokens": 42})
            case "invoke":
                return self._invoke(model, asked, stream=False)
            case "invoke-with-response-stream":
                return self._invoke(model, asked, stream=True)
            case _:
                raise Refusal("UnknownOperationException", status=404, kind="UnknownOperationException")

    def _authenticate(self, seen: Seen) -> None:
        shown = seen.headers.get("authorization", "")
        if shown.startswith("Bearer "):
            if shown.removeprefix("Bearer ") not in self._api_keys:
                raise Refusal("The bearer token is invalid", status=403, kind="AccessDeniedException")
            return
        found = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/bedrock/aws4_request, SignedHeaders=([^,]+), "
            r"Signature=([0-9a-f]{64})",
            shown,
        )
        if found is None:
            raise Refusal("Missing Authentication Token", status=403, kind="MissingAuthenticationTokenException")
        access, day, region, names, signature = found.groups()
        secret = self._keys.get(access)
        if secret is None:
            words = "The security token included in the request is invalid."
            raise Refusal(words, status=403, kind="UnrecognizedClientException")
        if signature != expected_signature(seen, secret, day=day, region=region, names=names.split(";")):
            words = "The request signature we calculated does not match the signature you provided."
            raise Refusal(words, status=403, kind="InvalidSignatureException")

    def _converse(self, model: str, asked: dict[str, Any], *, stream: bool) -> Reply:
        check(asked)
        said = self._speaker(turn_of(model, asked))
        blocks: list[dict[str, Any]] = []
        if _thinking(asked) in ("enabled", "adaptive"):
            told = {"text": THOUGHT, "signature": sign(THOUGHT, asked["messages"])}
            blocks.append({"reasoningContent": {"reasoningText": told}})
        if isinstance(said, ToolCall):
            call_id = f"tooluse_{len(asked['messages']):022}"
            blocks.append({"toolUse": {"toolUseId": call_id, "name": said.name, "input": said.arguments}})
        else:
            blocks.append({"text": said})
        stop = "tool_use" if isinstance(said, ToolCall) else "end_turn"
        if stream:
            return _streamed([*_events(blocks, stop)])
        reply = {
            "output": {"message": {"role": "assistant", "content": blocks}},
            "stopReason": stop,
            "usage": USAGE,
            "metrics": {"latencyMs": 7},
        }
        return Reply.json(reply, x_amzn_RequestId="r-1")

    def _invoke(self, model: str, asked: dict[str, Any], *, stream: bool) -> Reply:
        from tests.fakes.speech import anthropic_text, anthropic_tool_call

        if asked.get("anthropic_version") != VERSION:
            raise invalid("Malformed input request: #: required key [anthropic_version] not found")
        if unknown := asked.keys() - CLAUDE:
            raise invalid(f"{min(unknown)}: Extra inputs are not permitted")
        try:
            anthropic_turns.check(asked, Model(provider="bedrock", name=model, max_output_tokens=64_000, source=""))
        except Refusal as refusal:
            raise invalid(refusal.message) from None
        tools = tuple(tool["name"] for tool in asked.get("tools") or () if "name" in tool)
        contents = [message["content"] for message in asked["messages"] if isinstance(message["content"], list)]
        results = [block for content in contents for block in content if block["type"] == "tool_result"]
        words = tuple(
            result["content"]
            if isinstance(result["content"], str)
            else "".join(part.get("text", "") for part in result["content"])
            for result in results
        )
        said = self._speaker(Turn(model, tools, words))
        about: dict[str, Any] = {"model": model, "stream": stream}
        if thinks(asked):
            signature = sign(THOUGHT, asked["messages"])
            about["thinking"] = {"type": "thinking", "thinking": THOUGHT, "signature": signature}
        if isinstance(said, ToolCall):
            call_id = f"toolu_bdrk_{len(asked['messages']):020}"
            reply = anthropic_tool_call(said.name, said.arguments, call_id=call_id, **about)
        else:
            reply = anthropic_text(said, **about)
        if not stream:
            return reply
        whole = b"".join(step for step in reply.steps if isinstance(step, bytes))
        datas = re.findall(rb"^data: ?(.*)$", whole, re.MULTILINE)
        chunks = [("chunk", {"bytes": base64.b64encode(data).decode(), "p": "abcd"}) for data in datas]
        return _streamed(chunks)


def invalid(words: str) -> Refusal:
    """A request that the service does not take."""
    return Refusal(words, kind="ValidationException")


def expected_signature(seen: Seen, secret: str, *, day: str, region: str, names: Sequence[str]) -> str:
    """What Signature Version 4 gives for a request that arrived."""
    path, _, query = seen.target.partition("?")
    pairs = sorted(part.partition("=") for part in query.split("&") if part)
    canonical_query = "&".join(f"{name}={value}" for name, _, value in pairs)
    lines = "".join(f"{name}:{' '.join(seen.headers[name].split())}\n" for name in names)
    request = "\n".join((
        seen.method, quote(path, safe="/-_.~"), canonical_query, lines, ";".join(names),
        hashlib.sha256(seen.body).hexdigest(),
    ))  # fmt: skip
    scope = f"{day}/{region}/bedrock/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", seen.headers["x-amz-date"], scope, digest))
    key = b"AWS4" + secret.encode()
    for word in (day, region, "bedrock", "aws4_request", text):
        key = hmac.digest(key, word.encode(), "sha256")
    return key.hex()


def check(asked: dict[str, Any]) -> None:
    """Raises `Refusal` for the first thing that is wrong with a Converse request."""
    _only(asked, REQUEST, "request")
    _only(asked.get("inferenceConfig") or {}, INFERENCE, "inferenceConfig")
    _check_tools(asked)
    messages = asked.get("messages") or []
    if not messages:
        raise invalid("The messages field must have at least one message.")
    for block in asked.get("system") or ():
        if not {"text", "guardContent", "cachePoint"} & block.keys():
            raise invalid("system: the block is not of a kind that is allowed here")
        if "text" in block and not block["text"]:
            raise invalid("system: text must not be empty")
    if messages[0]["role"] != "user":
        raise invalid("A conversation must start with a user message. Try again with a conversation that starts so.")
    for before, after in itertools.pairwise(messages):
        if before["role"] == after["role"] != "system":
            raise invalid(
                f"A conversation must alternate between user and assistant roles, got {after['role']} twice"
            )
    _check_content(messages)
    _check_thinking(asked)
    _check_documents(messages)
    marks = json.dumps(asked).count('"cachePoint"')
    if marks > MARKS_MAX:
        raise invalid(f"A maximum of {MARKS_MAX} cache points is allowed, found {marks}")


def _only(found: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    if extra := found.keys() - known:
        raise invalid(f"Malformed input request: {where}: extraneous key [{min(extra)}] is not permitted")


def _check_tools(asked: dict[str, Any]) -> None:
    tools = (asked.get("toolConfig") or {}).get("tools") or []
    uses = any(
        "toolUse" in block or "toolResult" in block for m in asked.get("messages") or () for block in m["content"]
    )
    if uses and not tools:
        raise invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
    for tool in tools:
        spec = tool.get("toolSpec")
        if spec is None:
            continue
        _only(spec, TOOL_SPEC, "toolSpec")
        if TOOL_NAME.fullmatch(spec["name"]) is None:
            raise invalid(f"toolSpec.name: {spec['name']} is not allowed")
        if spec.get("description") == "" or spec["inputSchema"]["json"].get("type") != "object":
            raise invalid("The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of: object.")


def _thinking(asked: dict[str, Any]) -> str | None:
    return ((asked.get("additionalModelRequestFields") or {}).get("thinking") or {}).get("type")


def _check_thinking(asked: dict[str, Any]) -> None:
    """Signed, behind the history that it was signed behind; first in the turn whose calls are answered now."""
    messages = asked["messages"]
    for at, message in enumerate(messages):
        for block in message["content"]:
            told = block.get("reasoningContent", {}).get("reasoningText", {})
            signature = told.get("signature")
            if signature is not None and not is_signed({"thinking": told["text"], **told}, messages[:at]):
                raise invalid(f"messages.{at}: Invalid `signature` in `thinking` block")
    if _thinking(asked) == "enabled" and any("toolResult" in block for block in messages[-1]["content"]):
        first = next(iter(messages[-2]["content"][0]))
        if first != "reasoningContent":
            raise invalid(f"Expected `thinking` or `redacted_thinking`, but found `{first}`.")


def _check_content(messages: list[dict[str, Any]]) -> None:
    called: set[str] = set()
    for message in messages:
        if not message["content"]:
            raise invalid("The content field in the Message object is empty. Add a ContentBlock object.")
        answered: set[str] = set()
        calls: set[str] = set()
        for block in message["content"]:
            (kind, value) = next(iter(block.items()))
            if len(block) != 1 or kind not in BLOCKS:
                raise invalid(f"extraneous key [{kind}] is not permitted in a content block")
            _check_block(kind, value)
            if kind in ("toolUse", "toolResult"):
                (calls if kind == "toolUse" else answered).add(_call_id(value["toolUseId"]))
        if answered != called:
            raise invalid("Expected toolResult blocks for exactly the toolUse blocks of the previous turn.")
        called = calls
    if called:
        raise invalid("The last turn must not end with a toolUse block that has no toolResult.")


def _check_block(kind: str, value: Any) -> None:
    if kind == "text" and not value.strip():
        raise invalid("The text field in the ContentBlock object is blank. Add text to the text field.")
    if kind == "toolUse" and not isinstance(value["input"], dict):
        raise invalid("The format of the value at toolUse.input is invalid. Provide a json object.")
    if kind == "toolResult" and any(next(iter(inner)) not in RESULT_BLOCKS for inner in value["content"]):
        raise invalid("extraneous key in toolResult.content")
    if kind == "document" and DOCUMENT_NAME.fullmatch(value["name"]) is None:
        raise invalid("The document file name can only contain alphanumeric characters and some others.")


def _check_documents(messages: list[dict[str, Any]]) -> None:
    """Wording: https://github.com/maximhq/bifrost/issues/7003."""
    names: list[str] = []
    for block in itertools.chain.from_iterable(message["content"] for message in messages):
        inside = block["toolResult"]["content"] if "toolResult" in block else [block]
        names += [one["document"]["name"].lower() for one in inside if "document" in one]
    if len(set(names)) < len(names):
        raise invalid("Messages can't contain duplicate document names. Rename the document and retry your request.")


def _call_id(call_id: str) -> str:
    if CALL_ID.fullmatch(call_id) is None:
        raise invalid(f"toolUseId: {call_id} is not allowed")
    return call_id


def turn_of(model: str, asked: dict[str, Any]) -> Turn:
    """What the model is asked."""
    tools = (asked.get("toolConfig") or {}).get("tools") or ()
    blocks = [block for message in asked["messages"] for block in message["content"]]
    results = [block["toolResult"]["content"] for block in blocks if "toolResult" in block]
    words = tuple("".join(inner.get("text", "") for inner in content) for content in results)
    return Turn(model, tuple(tool["toolSpec"]["name"] for tool in tools if "toolSpec" in tool), words)


def _events(blocks: list[dict[str, Any]], stop: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "messageStart", {"role": "assistant"}
    for at, block in enumerate(blocks):
        (kind, value) = next(iter(block.items()))
        if kind == "toolUse":
            start = {"toolUseId": value["toolUseId"], "name": value["name"]}
            yield "contentBlockStart", {"contentBlockIndex": at, "start": {"toolUse": start}}
            deltas: list[dict[str, Any]] = [
                {"toolUse": {"input": piece}} for piece in _halves(json.dumps(value["input"]))
            ]
        elif kind == "text":
            deltas = [{"text": piece} for piece in _halves(value)]
        else:
            told = value["reasoningText"]
            deltas = [{"reasoningContent": {name: told[name]}} for name in ("text", "signature")]
        for delta in deltas:
            yield "contentBlockDelta", {"contentBlockIndex": at, "delta": delta}
        yield "contentBlockStop", {"contentBlockIndex": at}
    yield "messageStop", {"stopReason": stop}
    yield "metadata", {"usage": USAGE, "metrics": {"latencyMs": 7}}


def _halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def frame(kind: str, payload: dict[str, Any], message_type: str = "event") -> bytes:
    """One message of an AWS event stream, by code of its own."""
    named = {f":{message_type}-type": kind, ":content-type": "application/json", ":message-type": message_type}
    headers = b"".join(
        bytes((len(name),)) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in named.items()
    )
    data = json.dumps(payload).encode()
    lengths = struct.pack(">II", 16 + len(headers) + len(data), len(headers))
    message = lengths + struct.pack(">I", crc32(lengths)) + headers + data
    return message + struct.pack(">I", crc32(message))


def _streamed(events: Sequence[tuple[str, dict[str, Any]]]) -> Reply:
    frames = [frame(kind, payload if "p" in payload else {**payload, "p": "abcdefgh"}) for kind, payload in events]
    headers = {"content-type": STREAM_TYPE, "x-amzn-RequestId": "r-1"}
    return Reply(200, frames, headers, "chunked")
