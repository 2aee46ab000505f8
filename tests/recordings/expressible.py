"""What OpenAI chat and Anthropic messages can both express, and the normal form requests are compared in.

A request that went through the other dialect and back must have the same normal form in every field of the
table: a note is no excuse there. Anything else that changes must be named by a note of either translation.

| both express | normal form |
|--|--|
| conversation | roles user/assistant; neighbours of one role joined; empty texts and messages left out |
| system text | leading system and developer messages: one list of texts (the top-level field of Anthropic) |
| text | as it is; a message's parts keep their order, except as said for tools |
| images | base64 with media type, or URL (a data URL is base64) |
| documents | PDF as base64, with its title (file name) where it has one |
| tool calls | name, arguments as JSON value ("" is {}); after the turn's text (OpenAI cannot interleave) |
| thinking in the history | Anthropic's own, with signature or redacted, and only from chat to Anthropic |
| cache marks | on texts, images, documents, tool calls, tool results and tools (kind and ttl) |
| tool results | text; before the turn's other parts; linked to their call (ids may be rewritten) |
| tools | name, description, parameters as JSON value (none is an empty object schema), strict |
| tool choice | auto, any, none, one tool; absent is auto; with no tools it says nothing |
| parallel tools | absent is allowed; says nothing where no tool may be called |
| structured output | the JSON schema |
| limits, sampling | max_tokens, temperature up to 1, top_p, stop sequences (up to 4, not blank); see below |
| reasoning effort | low, medium, high |
| identity, stream | user of up to 64 characters, stream |

Anthropic refuses some settings beside others: temperature and top_p beside reasoning, top_p beside temperature,
reasoning beside a forced tool call. There the second one counts as not in the table (`conflicts`).

Not in the table, so a note is due when lost: n > 1, penalties, seed, logprobs, logit_bias, top_k,
service_tier, audio, image detail, images by file id, names of messages, citations, error flags of results,
pictures and documents inside tool results, documents by URL or as text, other makers' thinking in the
history, thinking budgets, JSON mode, names of schemas, server-side tools, every unknown field. Defaults
written out (n = 1, penalties of 0, temperature and top_p of 1, format "text") say the same as absent ones.

A turn with a failed result, a picture in a result or a text document is compared loosely: chat has no place for
these, so their content may be written beside, before or into the turn's texts, which must all still be there.
"""

from __future__ import annotations

import json
from typing import Any

from tests.recordings.assembled import json_or_text

EFFORTS = ("low", "medium", "high")
SIGNED_BY = "anthropic_messages"
STOPS_MAX = 4
USER_CHARS_MAX = 64
EMPTY_SCHEMA = {"type": "object"}


def raw_value(raw: Any) -> Any:
    """A `msgspec.Raw` (or None) as a Python value."""
    return None if raw is None else json.loads(bytes(raw))


def shared(request: Any) -> dict[str, Any]:
    """The normal form of what both dialects express."""
    has_tools = any(type(t).__name__ == "Tool" for t in request.tools or ())
    choice = _tool_choice(request) if has_tools else None
    stops = [s for s in (request.stop or ()) if s.strip()]
    warm = request.temperature if request.temperature != 1 else None
    return {
        "messages": messages(request),
        "tools": [_tool(t) for t in request.tools or () if type(t).__name__ == "Tool"],
        "tool_choice": choice,
        "parallel": request.parallel_tool_calls is not False if has_tools and choice != ["none"] else True,
        "schema": _schema(request.response_format),
        "max_tokens": request.max_tokens,
        "temperature": warm if warm is None or warm <= 1 else None,
        "top_p": request.top_p if request.top_p != 1 else None,
        "stop": stops if len(stops) <= STOPS_MAX else None,
        "effort": _effort(request.reasoning),
        "user": request.user if len(request.user or "") <= USER_CHARS_MAX else None,
        "stream": request.stream,
    }


def conflicts(request: Any) -> set[str]:
    """The settings of this request that Anthropic does not take beside its others."""
    found: set[str] = set()
    reasoning = request.reasoning is not None
    if reasoning and request.reasoning.effort not in EFFORTS:
        found.add("effort")  # a budget, a mode or a finer effort may become one
    if reasoning and request.tool_choice is not None and request.tool_choice.mode in ("any", "tool"):
        found.add("effort")
    if reasoning:
        found |= {"temperature", "top_p"}
    if request.temperature is not None:
        found.add("top_p")
    return found


def _tool_choice(request: Any) -> list[str] | None:
    choice = request.tool_choice
    if choice is None:
        return ["auto"]
    if choice.mode == "foreign":
        return None
    return [choice.mode, choice.name] if choice.mode == "tool" else [choice.mode]


def _tool(tool: Any) -> dict[str, Any]:
    schema = raw_value(tool.parameters)
    if not schema or (schema.get("type", "object") == "object" and not schema.get("properties") and len(schema) <= 2):
        schema = EMPTY_SCHEMA
    return {
        "name": tool.name,
        "description": tool.description or None,
        "parameters": schema,
        "strict": bool(tool.strict),
        "cache": _cache(tool),
    }


def _schema(wanted: Any) -> Any:
    """The schema with every object closed: that is what Anthropic wants of a translated one."""
    return _closed(raw_value(wanted.schema)) if wanted is not None and wanted.kind == "json_schema" else None


def _closed(value: Any) -> Any:
    if isinstance(value, list):
        return [_closed(one) for one in value]
    if not isinstance(value, dict):
        return value
    closed = {name: _closed(one) for name, one in value.items()}
    return {"additionalProperties": False, **closed} if value.get("type") == "object" else closed


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
    if system and not turns:
        turns.append({"role": "user", "parts": [system.pop()]})  # Anthropic must have something to answer
    for turn in turns:
        turn["parts"].sort(key=_rank)
        turn["loose"] = any(p.pop("loose", False) for p in turn["parts"])
    return [{"role": "system", "parts": system}, *turns]


def without_thinking(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The conversation less thinking, and less turns that held nothing else."""
    kept = [{**t, "parts": [p for p in t["parts"] if p["kind"] != "thinking"]} for t in turns]
    return [t for t in kept if t["parts"] or t["role"] == "system"]


def same_turn(turn: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether a turn is still the same; a loose one, whether all it held is still there."""
    if turn["role"] != now["role"]:
        return False
    if not turn.get("loose"):
        return len(turn["parts"]) == len(now["parts"]) and all(map(_same_part, turn["parts"], now["parts"]))
    texts = "\n".join(p["text"] for p in now["parts"] if "text" in p)
    return all(
        part["text"] in texts if "text" in part else any(_same_part(part, p) for p in now["parts"])
        for part in turn["parts"]
    )


def _same_part(part: dict[str, Any], now: dict[str, Any]) -> bool:
    """Equal, but for a title (file name) that one dialect requires and the other had not."""
    if part["kind"] == "document" and part["title"] is None:
        now = {**now, "title": None}
    return part == now


def _rank(part: dict[str, Any]) -> int:
    return {"tool_result": 0, "thinking": 0, "tool_call": 2}.get(part["kind"], 1)


def _part(part: Any, links: dict[str, int]) -> list[dict[str, Any]]:
    """A part's normal form with its cache mark; [] for what the table does not hold."""
    return [{**form, "cache": _cache(part)} for form in _bare_part(part, links)]


def _bare_part(part: Any, links: dict[str, int]) -> list[dict[str, Any]]:
    kind = type(part).__name__
    if kind in ("ThinkingPart", "RedactedThinkingPart"):
        return [] if part.dialect != SIGNED_BY else [_thinking(part)]
    if kind in ("TextPart", "RefusalPart"):
        return [{"kind": "text", "text": part.text}] if part.text else []
    if kind == "ImagePart":
        source = _source(part.source)
        return [{"kind": "image", "source": source}] if source.get("data") or source.get("url") else []
    if kind == "DocumentPart":
        return _document(part)
    if kind == "ToolCallPart":
        link = links[part.id] = links[""] = links.get("", -1) + 1  # by its place: an id may be used again
        arguments = part.arguments if part.custom else json_or_text(part.arguments)
        return [{"kind": "tool_call", "link": link, "name": part.name, "arguments": arguments}]
    if kind == "ToolResultPart":
        texts = [p.text for p in part.parts if type(p).__name__ == "TextPart" and p.text]
        link = links.setdefault(part.call_id, len(links))
        loose = part.is_error or any(type(p).__name__ != "TextPart" for p in part.parts)
        return [{"kind": "tool_result", "link": link, "text": "\n".join(texts), "loose": loose}]
    return []


def _thinking(part: Any) -> dict[str, Any]:
    signature = getattr(part, "signature", None)
    return {
        "kind": "thinking",
        "text": getattr(part, "text", None) or getattr(part, "data", ""),
        "sign": signature,
    }


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
    source = {} if part.source is None else _source(part.source)
    if not source.get("data") or source.get("media_type") not in (None, "application/pdf"):
        return [{"kind": "text", "text": "", "loose": True}]
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
        "user": request.user if len(request.user or "") > USER_CHARS_MAX else None,
    }
    for name, raw in request.extra.items():
        found[name] = raw_value(raw)
    normal = shared(request)
    found |= {name: normal[name] for name in conflicts(request)}
    found |= _message_rest(request)
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
    extra = {name: value for name, value in extra.items() if value}  # an empty object tells the spelling only
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
            for name, raw in tool.extra.items():
                keep(name, raw_value(raw))
    return dict(found)


def _cache(part: Any) -> Any:
    mark = getattr(part, "cache", None)
    return None if mark is None else [mark.kind, mark.ttl]


def _part_rest(part: Any, keep: Any) -> None:
    """The rest of one part, its inner parts included."""
    if type(part).__name__ != "ThinkingPart":
        for name, raw in getattr(part, "extra", {}).items():
            keep(name, raw_value(raw))
    rest = {
        "ThinkingPart": lambda: keep("thinking", [part.text, part.signature]),
        "RedactedThinkingPart": lambda: keep("thinking", [part.data]),
        "ForeignPart": lambda: keep("foreign", [part.kind, raw_value(part.raw)]),
        "AudioPart": lambda: keep("audio", [part.data, part.format, part.id]),
        "ImagePart": lambda: keep("detail", part.detail) or keep("image", part.source.file_id),
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
    if _document(part)[0]["kind"] != "document":
        source = None if part.source is None else _source(part.source)
        keep("document", [source, part.text, part.title, part.parts is not None])
    keep("context", part.context)
    keep("citations", raw_value(part.citations))
