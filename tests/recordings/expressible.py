"""What OpenAI chat and Anthropic messages can both express, and the normal form requests are compared in.

A request that went through the other dialect and back must have the same normal form in every field of the
table: a note is no excuse there. Anything else that changes must be named by a note of either translation.

| both express | normal form |
|--|--|
| the conversation | roles user/assistant; neighbours of one role joined; empty texts and messages left out |
| system text | leading system and developer messages: one list of texts (the top-level field of Anthropic) |
| text | as it is; a message's parts keep their order, except as said for tools |
| images | base64 with media type, or URL (a data URL is base64) |
| documents | PDF as base64, with its title (file name) where it has one |
| tool calls | name, arguments as JSON value ("" is {}); after the turn's text (OpenAI cannot interleave) |
| tool results | text; before the turn's other parts; linked to their call (ids may be rewritten) |
| tools | name, description, parameters as JSON value (none is an empty object schema), strict |
| tool choice | auto, any, none, one tool; absent is auto; with no tools it says nothing |
| parallel tools | absent is allowed; says nothing where no tool may be called |
| structured output | the JSON schema |
| limits, sampling | max_tokens, temperature up to 1, top_p, stop sequences (up to 4, not blank) |
| reasoning effort | low, medium, high |
| identity, stream | user, stream |

Not in the table, so a note is due when lost: n > 1, penalties, seed, logprobs, logit_bias, top_k,
service_tier, audio, image detail, names of messages, cache marks, citations, error flags of results, pictures
and documents inside tool results, documents by URL or as text, thinking and its signatures in the history,
thinking budgets, JSON mode, names of schemas, server-side tools, every unknown field. Defaults written out (n
= 1, penalties of 0, format "text") say the same as absent ones.
"""

from __future__ import annotations

import json
from typing import Any

from tests.recordings.assembled import json_or_text

EFFORTS = ("low", "medium", "high")
STOPS_MAX = 4
EMPTY_SCHEMA = {"type": "object"}


def raw_value(raw: Any) -> Any:
    """A `msgspec.Raw` (or None) as a Python value."""
    return None if raw is None else json.loads(bytes(raw))


def shared(request: Any) -> dict[str, Any]:
    """The normal form of what both dialects express."""
    has_tools = bool(request.tools)
    choice = _tool_choice(request) if has_tools else None
    stops = [s for s in (request.stop or ()) if s.strip()]
    warm = request.temperature
    return {
        "messages": messages(request),
        "tools": [_tool(t) for t in request.tools or () if type(t).__name__ == "Tool"],
        "tool_choice": choice,
        "parallel": request.parallel_tool_calls is not False if has_tools and choice != ["none"] else True,
        "schema": _schema(request.response_format),
        "max_tokens": request.max_tokens,
        "temperature": warm if warm is None or warm <= 1 else None,
        "top_p": request.top_p,
        "stop": stops if len(stops) <= STOPS_MAX else None,
        "effort": _effort(request.reasoning),
        "user": request.user,
        "stream": request.stream,
    }


def _tool_choice(request: Any) -> list[str] | None:
    choice = request.tool_choice
    if choice is None:
        return ["auto"]
    if choice.mode == "foreign":
        return None
    return [choice.mode, choice.name] if choice.mode == "tool" else [choice.mode]


def _tool(tool: Any) -> dict[str, Any]:
    schema = raw_value(tool.parameters)
    if not schema or (
        schema.get("type", "object") == "object" and not schema.get("properties") and len(schema) <= 2
    ):
        schema = EMPTY_SCHEMA
    return {
        "name": tool.name,
        "description": tool.description or None,
        "parameters": schema,
        "strict": bool(tool.strict),
    }


def _schema(wanted: Any) -> Any:
    return raw_value(wanted.schema) if wanted is not None and wanted.kind == "json_schema" else None


def _effort(reasoning: Any) -> str | None:
    effort = None if reasoning is None else reasoning.effort
    return effort if effort in EFFORTS else None


def messages(request: Any) -> list[dict[str, Any]]:
    """The conversation: a first entry of leading system texts, then joined turns."""
    links: dict[str, int] = {}
    system: list[Any] = []
    turns: list[dict[str, Any]] = []
    leading = True
    for message in request.messages:
        leading = leading and message.role in ("system", "developer")
        parts = [p for part in message.parts for p in _part(part, links)]
        if leading:
            system += parts
            continue
        if not parts:
            continue
        role = "assistant" if message.role == "assistant" else "user"
        if turns and turns[-1]["role"] == role:
            turns[-1]["parts"] += parts
        else:
            turns.append({"role": role, "parts": parts})
    for turn in turns:
        turn["parts"].sort(key=_rank)
    return [{"role": "system", "parts": system}, *turns]


def _rank(part: dict[str, Any]) -> int:
    return {"tool_result": 0, "tool_call": 2}.get(part["kind"], 1)


def _part(part: Any, links: dict[str, int]) -> list[dict[str, Any]]:
    """A part's normal form; [] for what the table does not hold."""
    kind = type(part).__name__
    if kind in ("TextPart", "RefusalPart"):
        return [{"kind": "text", "text": part.text}] if part.text else []
    if kind == "ImagePart":
        return [{"kind": "image", "source": _source(part.source)}]
    if kind == "DocumentPart":
        return _document(part)
    if kind == "ToolCallPart":
        link = links.setdefault(part.id, len(links))
        arguments = part.arguments if part.custom else json_or_text(part.arguments)
        return [{"kind": "tool_call", "link": link, "name": part.name, "arguments": arguments}]
    if kind == "ToolResultPart":
        texts = [p.text for p in part.parts if type(p).__name__ == "TextPart" and p.text]
        link = links.setdefault(part.call_id, len(links))
        return [{"kind": "tool_result", "link": link, "text": "\n".join(texts)}]
    return []


def _source(source: Any) -> dict[str, Any]:
    """Base64 or a URL; a data URL is base64."""
    url = source.url
    if url and url.startswith("data:"):
        head, _, data = url.partition(",")
        return {"media_type": head[5:].split(";")[0], "data": data}
    if url:
        return {"url": url}
    return {"media_type": source.media_type, "data": source.data, "file_id": source.file_id}


def _document(part: Any) -> list[dict[str, Any]]:
    """A PDF held as base64; other documents are not in the table."""
    if part.source is None:
        return []
    source = _source(part.source)
    if not source.get("data") or source.get("media_type") not in (None, "application/pdf"):
        return []
    return [{"kind": "document", "data": source["data"], "title": part.title}]


def noted_only(request: Any) -> dict[str, Any]:
    """What only one dialect expresses, by the word a note must hold; defaults are left out."""
    found: dict[str, Any] = {
        "n": request.choices if request.choices not in (None, 1) else None,
        "frequency_penalty": request.frequency_penalty or None,
        "presence_penalty": request.presence_penalty or None,
        "seed": request.seed,
        "logprobs": request.logprobs or None,
        "top_logprobs": request.top_logprobs,
        "logit_bias": raw_value(request.logit_bias) or None,
        "top_k": request.top_k,
        "service_tier": request.service_tier,
        "response_format": _format_rest(request.response_format),
        "reasoning": _reasoning_rest(request.reasoning),
        "tool_choice": _foreign_choice(request.tool_choice),
        "tools": [raw_value(t.raw) for t in request.tools or () if type(t).__name__ == "ForeignTool"] or None,
        "temperature": request.temperature if request.temperature and request.temperature > 1 else None,
        "stop": _odd_stops(request.stop),
    }
    for name, raw in request.extra.items():
        found[name] = raw_value(raw)
    for name, value in _message_rest(request).items():
        found[name] = value
    return {name: value for name, value in found.items() if value is not None}


def _odd_stops(stops: tuple[str, ...] | None) -> list[str] | None:
    stops = stops or ()
    return list(stops) if len(stops) > STOPS_MAX or any(not s.strip() for s in stops) else None


def _format_rest(wanted: Any) -> Any:
    """JSON mode, and the words around a schema."""
    if wanted is None or wanted.kind == "text":
        return None
    return [wanted.kind, wanted.name, wanted.description, wanted.strict]


def _reasoning_rest(reasoning: Any) -> Any:
    if reasoning is None:
        return None
    effort = reasoning.effort if reasoning.effort not in EFFORTS else None
    rest = [effort, reasoning.budget_tokens, reasoning.mode, reasoning.display]
    extra = {name: raw_value(raw) for name, raw in reasoning.extra.items()}
    return [*rest, extra] if any(v is not None for v in rest) or extra else None


def _foreign_choice(choice: Any) -> Any:
    return raw_value(choice.raw) if choice is not None and choice.mode == "foreign" else None


def _message_rest(request: Any) -> dict[str, Any]:
    """What single parts hold beyond the table, by the word a note must hold."""
    found: dict[str, list[Any]] = {}

    def keep(word: str, value: Any) -> None:
        if value:
            found.setdefault(word, []).append(value)

    for message in request.messages:
        keep("name", message.name)
        for name, raw in message.extra.items():
            keep(name, raw_value(raw))
        for part in message.parts:
            _part_rest(part, keep)
    for tool in request.tools or ():
        if type(tool).__name__ == "Tool":
            keep("cache", _cache(tool))
            for name, raw in tool.extra.items():
                keep(name, raw_value(raw))
    return dict(found)


def _cache(part: Any) -> Any:
    mark = getattr(part, "cache", None)
    return None if mark is None else [mark.kind, mark.ttl]


def _part_rest(part: Any, keep: Any) -> None:
    """The rest of one part, its inner parts included."""
    keep("cache", _cache(part))
    for name, raw in getattr(part, "extra", {}).items():
        keep(name, raw_value(raw))
    rest = {
        "ThinkingPart": lambda: keep("thinking", [part.text, part.signature]),
        "RedactedThinkingPart": lambda: keep("thinking", [part.data]),
        "ForeignPart": lambda: keep("foreign", [part.kind, raw_value(part.raw)]),
        "AudioPart": lambda: keep("audio", [part.data, part.format, part.id]),
        "ImagePart": lambda: keep("detail", part.detail),
        "RefusalPart": lambda: keep("refusal", part.text),
        "TextPart": lambda: keep("citations", raw_value(part.citations)),
        "DocumentPart": lambda: _document_rest(part, keep),
        "ToolResultPart": lambda: _result_rest(part, keep),
    }.get(type(part).__name__)
    if rest is not None:
        rest()


def _result_rest(part: Any, keep: Any) -> None:
    keep("is_error", part.is_error)
    for inner in part.parts:
        if type(inner).__name__ != "TextPart":
            keep("tool_result", type(inner).__name__)
        _part_rest(inner, keep)


def _document_rest(part: Any, keep: Any) -> None:
    if not _document(part):
        source = None if part.source is None else _source(part.source)
        keep("document", [source, part.text, part.title, part.parts is not None])
    keep("context", part.context)
    keep("citations", raw_value(part.citations))
