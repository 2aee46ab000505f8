"""Conversations with a tool, one class for each surface. Each sends back what it was sent, as clients do.

talk = Chat("gemini/gemini-2.5-flash", stream=True)
answer = await gateway.call(talk.path, talk.body())
said = talk.take(answer.body)      # the reply's text; None: it called the tool, whose result is now in the history
talk.ask("And tomorrow?")          # the user's next words; `talk.model` may have changed
"""

from __future__ import annotations

import json
from typing import Any

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = "get_weather"
RESULT = "sunny"
WORDS = "The weather?"


class Talk:
    """What the surfaces agree on. `path` and `body` of the next call; `take` what came back."""

    def __init__(self, model: str, *, stream: bool) -> None:
        self.model = model
        self.stream = stream
        self.messages: list[Any] = []
        self.ask(WORDS)

    @property
    def path(self) -> str:
        raise NotImplementedError

    def body(self) -> dict[str, Any]:
        raise NotImplementedError

    def ask(self, words: str) -> None:
        """The user says something."""
        self.messages.append({"role": "user", "content": words})

    def take(self, body: bytes) -> str | None:
        """Keep a reply; its text, or None where it called a tool, which is then answered."""
        raise NotImplementedError


class Chat(Talk):
    """OpenAI's chat."""

    path = "/v1/chat/completions"

    def body(self) -> dict[str, Any]:
        tool = {"type": "function", "function": {"name": TOOL, "parameters": SCHEMA}}
        about = {"model": self.model, "tools": [tool], "reasoning_effort": "low", "stream": self.stream}
        return {**about, "messages": self.messages}

    def take(self, body: bytes) -> str | None:
        message = self._collected(body) if self.stream else json.loads(body)["choices"][0]["message"]
        self.messages.append(message)
        if not message.get("tool_calls"):
            return message["content"]
        self.messages += [
            {"role": "tool", "tool_call_id": call["id"], "content": RESULT} for call in message["tool_calls"]
        ]
        return None

    def _collected(self, body: bytes) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": ""}
        for choice in (choice for event in events_of(body) for choice in event["choices"]):
            delta = choice["delta"]
            for name in ("content", "reasoning_content", "reasoning"):
                if delta.get(name):
                    message[name] = message.get(name, "") + delta[name]
            if delta.get("reasoning_details"):
                message.setdefault("reasoning_details", []).extend(delta["reasoning_details"])
            for call in delta.get("tool_calls", ()):
                calls = message.setdefault("tool_calls", [])
                if call["index"] == len(calls):
                    calls.append({"id": call["id"], "type": "function", "function": dict(call["function"])})
                else:
                    calls[call["index"]]["function"]["arguments"] += call["function"]["arguments"]
        return message


class Messages(Talk):
    """Anthropic's messages."""

    path = "/anthropic/v1/messages"

    def body(self) -> dict[str, Any]:
        tool = {"name": TOOL, "input_schema": SCHEMA}
        thinking = {"type": "enabled", "budget_tokens": 2048}
        about = {"model": self.model, "max_tokens": 4096, "tools": [tool], "thinking": thinking}
        return {**about, "stream": self.stream, "messages": self.messages}

    def take(self, body: bytes) -> str | None:
        content = self._collected(body) if self.stream else json.loads(body)["content"]
        self.messages.append({"role": "assistant", "content": content})
        calls = [block for block in content if block["type"] == "tool_use"]
        if not calls:
            return next(block["text"] for block in content if block["type"] == "text")
        results = [{"type": "tool_result", "tool_use_id": call["id"], "content": RESULT} for call in calls]
        self.messages.append({"role": "user", "content": results})
        return None

    def _collected(self, body: bytes) -> list[dict[str, Any]]:
        blocks: list[dict[str, Any]] = []
        for event in events_of(body):
            if event["type"] == "content_block_start":
                blocks.append({**event["content_block"], "partial": ""})
            elif event["type"] == "content_block_delta":
                delta, block = event["delta"], blocks[event["index"]]
                if "partial_json" in delta:
                    block["partial"] += delta["partial_json"]
                name = {"thinking_delta": "thinking", "text_delta": "text", "signature_delta": "signature"}.get(
                    delta["type"]
                )
                if name is not None:
                    block[name] = block.get(name, "") + delta[name]
        for block in blocks:
            partial = block.pop("partial")
            if partial:
                block["input"] = json.loads(partial)
        return blocks


class Contents(Talk):
    """Gemini's contents."""

    @property
    def path(self) -> str:
        method = "streamGenerateContent?alt=sse" if self.stream else "generateContent"
        return f"/genai/v1beta/models/{self.model}:{method}"

    def body(self) -> dict[str, Any]:
        tools = [{"functionDeclarations": [{"name": TOOL, "parametersJsonSchema": SCHEMA}]}]
        config = {"thinkingConfig": {"includeThoughts": True}}
        return {"contents": self.messages, "tools": tools, "generationConfig": config}

    def ask(self, words: str) -> None:
        self.messages.append({"role": "user", "parts": [{"text": words}]})

    def take(self, body: bytes) -> str | None:
        replies = events_of(body) if self.stream else [json.loads(body)]
        contents = [reply["candidates"][0].get("content") or {} for reply in replies]
        parts = [part for content in contents for part in content.get("parts", ())]
        self.messages.append({"role": "model", "parts": parts})
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        if not calls:
            return "".join(part["text"] for part in parts if not part.get("thought"))
        results = [
            {"functionResponse": {**({"id": call["id"]} if "id" in call else {}), "name": call["name"],
                                  "response": {"output": RESULT}}}
            for call in calls
        ]  # fmt: skip
        self.messages.append({"role": "user", "parts": results})
        return None


class Items(Talk):
    """The Responses API, whose items the client keeps."""

    path = "/v1/responses"

    def body(self) -> dict[str, Any]:
        tool = {"type": "function", "name": TOOL, "parameters": SCHEMA}
        about = {"model": self.model, "tools": [tool], "reasoning": {"effort": "low"}, "store": False}
        include = ["reasoning.encrypted_content"]
        return {**about, "include": include, "stream": self.stream, "input": self.messages}

    def take(self, body: bytes) -> str | None:
        if self.stream:
            done = [event for event in events_of(body) if event["type"] == "response.output_item.done"]
            output = [event["item"] for event in done]
        else:
            output = json.loads(body)["output"]
        self.messages += output
        calls = [item for item in output if item["type"] == "function_call"]
        if not calls:
            return next(item["content"][0]["text"] for item in output if item["type"] == "message")
        self.messages += [
            {"type": "function_call_output", "call_id": call["call_id"], "output": RESULT} for call in calls
        ]
        return None


class Converse(Talk):
    """Bedrock's Converse."""

    @property
    def path(self) -> str:
        method = "converse-stream" if self.stream else "converse"
        return f"/bedrock/model/{self.model.replace('/', '%2F')}/{method}"

    def body(self) -> dict[str, Any]:
        tool = {"toolSpec": {"name": TOOL, "inputSchema": {"json": SCHEMA}}}
        thinking = {"thinking": {"type": "enabled", "budget_tokens": 2048}}
        about = {"inferenceConfig": {"maxTokens": 4096}, "additionalModelRequestFields": thinking}
        return {**about, "toolConfig": {"tools": [tool]}, "messages": self.messages}

    def ask(self, words: str) -> None:
        self.messages.append({"role": "user", "content": [{"text": words}]})

    def take(self, body: bytes) -> str | None:
        content = self._collected(body) if self.stream else json.loads(body)["output"]["message"]["content"]
        self.messages.append({"role": "assistant", "content": content})
        calls = [block["toolUse"] for block in content if "toolUse" in block]
        if not calls:
            return next(block["text"] for block in content if "text" in block)
        results = [{"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": RESULT}]}} for call in calls]
        self.messages.append({"role": "user", "content": results})
        return None

    def _collected(self, body: bytes) -> list[dict[str, Any]]:
        blocks: dict[int, dict[str, Any]] = {}
        for kind, event in frames_of(body):
            if kind == "contentBlockStart":
                blocks[event["contentBlockIndex"]] = {"toolUse": {**event["start"]["toolUse"], "input": ""}}
            elif kind == "contentBlockDelta":
                ((name, value),) = event["delta"].items()
                block = blocks.setdefault(event["contentBlockIndex"], {})
                if name == "text":
                    block["text"] = block.get("text", "") + value
                elif name == "toolUse":
                    block["toolUse"]["input"] += value["input"]
                else:
                    thought = block.setdefault("reasoningContent", {"reasoningText": {}})["reasoningText"]
                    for member, piece in value.items():
                        thought[member] = thought.get(member, "") + piece
        for block in blocks.values():
            if "toolUse" in block:
                block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
        return [blocks[at] for at in sorted(blocks)]


class CohereChat(Talk):
    """Cohere's chat (v2)."""

    path = "/cohere/v2/chat"

    def body(self) -> dict[str, Any]:
        tool = {"type": "function", "function": {"name": TOOL, "parameters": SCHEMA}}
        about = {"model": self.model, "tools": [tool], "thinking": {"type": "enabled"}, "stream": self.stream}
        return {**about, "messages": self.messages}

    def take(self, body: bytes) -> str | None:
        message = self._collected(body) if self.stream else json.loads(body)["message"]
        self.messages.append(message)
        if message.get("tool_calls"):
            self.messages += [
                {"role": "tool", "tool_call_id": call["id"], "content": RESULT} for call in message["tool_calls"]
            ]
            return None
        return next(part["text"] for part in message["content"] if part["type"] == "text")

    def _collected(self, body: bytes) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant"}
        for event in events_of(body):
            delta = (event.get("delta") or {}).get("message") or {}
            match event["type"]:
                case "content-start":
                    message.setdefault("content", []).append(dict(delta["content"]))
                case "content-delta":
                    for name, piece in delta["content"].items():
                        part = message["content"][-1]
                        part[name] = part.get(name, "") + piece
                case "tool-plan-delta":
                    message["tool_plan"] = message.get("tool_plan", "") + delta["tool_plan"]
                case "tool-call-start":
                    message.setdefault("tool_calls", []).append(json.loads(json.dumps(delta["tool_calls"])))
                case "tool-call-delta":
                    call = message["tool_calls"][-1]["function"]
                    call["arguments"] += delta["tool_calls"]["function"]["arguments"]
                case _:
                    pass
        return message


SURFACES: dict[str, type[Talk]] = {
    "openai_chat": Chat,
    "anthropic_messages": Messages,
    "openai_responses": Items,
    "gemini": Contents,
    "bedrock_converse": Converse,
    "cohere": CohereChat,
}
"""By the dialect that the surface speaks."""


def events_of(body: bytes) -> list[Any]:
    """The events of a stream whose data are JSON objects."""
    return [json.loads(line[5:]) for line in body.split(b"\n") if line.startswith(b"data: {")]


def frames_of(body: bytes) -> list[tuple[str, Any]]:
    """The messages of an AWS event stream: their types and payloads."""
    found: list[tuple[str, Any]] = []
    while body:
        size, head = int.from_bytes(body[:4]), int.from_bytes(body[4:8])
        named: dict[bytes, bytes] = {}
        headers = body[12 : 12 + head]
        while headers:
            name, rest = headers[1 : 1 + headers[0]], headers[1 + headers[0] :]
            length = int.from_bytes(rest[1:3])
            named[name], headers = rest[3 : 3 + length], rest[3 + length :]
        found.append((named.get(b":event-type", b"").decode(), json.loads(body[12 + head : size - 4])))
        body = body[size:]
    return found
