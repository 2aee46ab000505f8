"""Reasoning in its OpenAI-family spellings, to and from thinking parts.

| on the wire                                 | canonical                                              |
|--|--|
| `reasoning_content: "..."` (DeepSeek, Z.ai) | ThinkingPart(dialect="openai_chat")                    |
| `reasoning: "..."` (OpenRouter, Groq)       | the same, `extra["member"]` = "reasoning"              |
| `reasoning_details[]` in Anthropic's format | (Redacted)ThinkingPart of anthropic_messages           |
| `reasoning_details[]`, format `asbru:x`     | the same of dialect x                                  |
| `reasoning_details[]` in any other format   | the same of openai_chat, the item's members in `extra` |
| content part `thinking` (Mistral)           | ThinkingPart, `extra["type"]` = "thinking"             |

So an OpenAI-dialect caller can send signed thinking back to an Anthropic upstream, as with OpenRouter.
Where details are present they win; the plain strings beside them repeat their text.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from asbru.core.chat import Extra, Raw, RedactedThinkingPart, ThinkingPart
from asbru.dialects.fields import Fields
from asbru.dialects.openai_chat.types import ANTHROPIC, ANTHROPIC_FORMAT, CARRIER, NAME

_STRING_MEMBERS = ("reasoning_content", "reasoning")
_MEMBER_REASONING: Extra = {"member": Raw(b'"reasoning"')}
THINKING_TYPE = Raw(b'"thinking"')
THINKING_CONTENT: Extra = {"type": THINKING_TYPE}
_SUMMARY = Raw(b'"reasoning.summary"')
_TEXT = msgspec.json.Decoder(str)

Thought = ThinkingPart | RedactedThinkingPart


def read_reasoning(message: Fields) -> list[Thought]:
    """The thinking parts of an assistant message or an answer, in order."""
    thoughts: list[Thought] = []
    index: Raw | None = None
    for item in message.children("reasoning_details") or ():
        last, index = index, item.peek("index")
        thought = read_detail(item)
        if thought is not None:
            _add(thoughts, thought, index is not None and index == last)
    plain = plain_thought(message.text("reasoning_content"), message.text("reasoning"))
    return thoughts or ([] if plain is None else [plain])


def plain_thought(reasoning_content: str | None, reasoning: str | None) -> ThinkingPart | None:
    """Thinking that is a string, from the two members it may stand in."""
    if reasoning_content:
        return ThinkingPart(text=reasoning_content, dialect=NAME)
    if reasoning:
        return ThinkingPart(text=reasoning, dialect=NAME, extra=_MEMBER_REASONING)
    return None


def came_in(thought: ThinkingPart) -> str:
    """The member that a chat provider told it in, after it went through a caller of another dialect."""
    word = thought.extra.get("member")
    spelling = "reasoning_content" if word is None else _TEXT.decode(word)
    return "reasoning" if spelling.startswith("reasoning.") else spelling  # an item of `reasoning_details`


def thought_in(member: str, text: str) -> ThinkingPart:
    """Thinking that is written as the string `member`."""
    return ThinkingPart(text=text, dialect=NAME, extra=_MEMBER_REASONING if member == "reasoning" else {})


def _add(thoughts: list[Thought], thought: Thought, same_index: bool) -> None:
    """Adds a thought; the fragments of one streamed item, as some callers collect them, become one again."""
    last = thoughts[-1] if thoughts else None
    if (
        same_index
        and isinstance(last, ThinkingPart)
        and isinstance(thought, ThinkingPart)
        and last.dialect == thought.dialect
        and last.signature is None
    ):
        thoughts[-1] = msgspec.structs.replace(last, text=last.text + thought.text, signature=thought.signature)
    else:
        thoughts.append(thought)


def read_detail(item: Fields) -> Thought | None:
    """One item of `reasoning_details`; None for an item that holds nothing."""
    kind = item.peek("type")
    dialect = _signed_in(item.peek_text("format") or "")
    data = item.text("data")
    summary = item.text("summary") if kind == _SUMMARY else None
    text = item.text("text") or summary or ""
    signature = item.text("signature") or None
    extra: Extra = item.rest_set() if dialect != ANTHROPIC else {}
    if dialect != NAME:  # a text and a signature of another place must not become one
        extra = {name: raw for name, raw in extra.items() if name == "index"}
    if data is not None:
        return RedactedThinkingPart(data=data, dialect=dialect, extra=extra)
    if not text and signature is None:
        return None
    return ThinkingPart(text=text, signature=signature, dialect=dialect, extra=extra)


def _signed_in(form: str) -> str:
    """The dialect whose provider can read a detail of this format."""
    if form == ANTHROPIC_FORMAT:
        return ANTHROPIC
    return form.removeprefix(CARRIER) if form.startswith(CARRIER) else NAME


def write_reasoning(thoughts: Sequence[Thought]) -> dict[str, object]:
    """The members that carry thinking parts in a message: strings for plain ones, details for the rest."""
    members: dict[str, object] = {}
    details: list[dict[str, object]] = []
    plain: list[ThinkingPart] = []
    for thought in thoughts:
        if isinstance(thought, ThinkingPart) and is_plain(thought):
            plain.append(thought)
        else:
            details.append(write_detail(thought, len(details)))
    if plain and not details:
        name = "reasoning" if "member" in plain[0].extra else "reasoning_content"
        members[name] = "".join(thought.text for thought in plain)
    elif plain:  # details win when read: what is beside them must be one of them
        details = [write_detail(thought, at) for at, thought in enumerate(thoughts)]
    if details:
        members["reasoning_details"] = details
    return members


def is_plain(thought: ThinkingPart) -> bool:
    """Whether a string says it all: not for a thought of another dialect, whose signature may be yet to come."""
    own = thought.dialect in (None, NAME)
    return own and thought.signature is None and not thought.extra.keys() - {"member"}


def write_detail(thought: Thought, index: int) -> dict[str, object]:
    """One item of `reasoning_details`."""
    encrypted = isinstance(thought, RedactedThinkingPart)
    item: dict[str, object] = {"type": "reasoning.encrypted" if encrypted else "reasoning.text"}
    item |= {name: raw for name, raw in thought.extra.items() if name != "member"}
    if isinstance(thought, RedactedThinkingPart):
        item["data"] = thought.data
    else:
        item["summary" if thought.extra.get("type") == _SUMMARY else "text"] = thought.text
        if thought.signature is not None:
            item["signature"] = thought.signature
    if thought.dialect == ANTHROPIC:
        item["format"] = ANTHROPIC_FORMAT
    elif thought.dialect not in (None, NAME):
        item["format"] = f"{CARRIER}{thought.dialect}"
    item.setdefault("index", index)
    return item


def read_thinking_content(part: Fields) -> ThinkingPart | None:
    """A content part of type "thinking" (Mistral: a list of text parts); None when it holds more than
    text."""
    raw = part.peek("thinking")
    if raw is None:
        return None
    try:
        items = msgspec.json.decode(raw, type=list[_PlainText] | str)
    except msgspec.DecodeError:
        return None
    text = items if isinstance(items, str) else "".join(item.text for item in items)
    part.raw("thinking")
    return ThinkingPart(text=text, dialect=NAME, extra={"type": THINKING_TYPE, **part.rest_set()})


class _PlainText(msgspec.Struct, tag="text", forbid_unknown_fields=True):
    text: str


def is_content(thought: ThinkingPart) -> bool:
    """Whether it was a content part and is written as one again."""
    return thought.extra.get("type") == THINKING_TYPE


def write_thinking_content(thought: ThinkingPart) -> dict[str, object]:
    """The content part (Mistral)."""
    return {**thought.extra, "thinking": [{"type": "text", "text": thought.text}]}


def read_chunk_reasoning(delta: Fields) -> list[Thought]:
    """Reasoning in a stream's delta: the same spellings, each a fragment."""
    if not any(name in delta for name in ("reasoning_details", *_STRING_MEMBERS)):
        for name in ("reasoning_details", *_STRING_MEMBERS):
            delta.raw(name)
        return []
    return read_reasoning(delta)
