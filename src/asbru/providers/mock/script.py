"""The mock's models: from a prompt to a script, the parts of an answer in order, in no dialect.

Everything follows from the prompt alone, so that the same request gets the same bytes. Tokens: `prompt`'s rule;
a tool call costs one for its name and one for its arguments (they are written without spaces).
"""

from __future__ import annotations

import hashlib
import re
from typing import Literal, TypeAlias

import msgspec

from asbru.providers.mock.example import example
from asbru.providers.mock.prompt import Object, Prompt, ToolOffer, as_object, compact, count_words

STORY_PAUSE_MS = 15

STORY = (
    "Before there was a road there was a river, and before there was a bridge there were two towns that could see "
    "each other's lamps and could not shake hands. In the northern town they spoke in long sentences with the verb "
    "at the end; in the southern town they spoke in short ones. Both were sure that the other side had nothing to "
    "say.\n\n"
    "A ferryman carried letters. He was honest, but slow, and when the river rose he did not come at all. Some "
    "letters arrived twice and some never, and nobody could tell what a letter had cost, because the ferryman kept "
    "no book. So the towns built rafts of their own: one raft for salt, one for wool, one for news. Each raft had "
    "its own rope, its own toll and its own way of sinking.\n\n"
    "Then a builder came, looked at the water for a whole day, and asked a question nobody had asked: what is it that "
    "must always be true of a crossing? The old women of both towns answered as one. Nobody pays twice. Nobody "
    "crosses who may not. What is sent is what arrives. And if the bridge should ever break, those who stand on it "
    "must be told at once, and not be left waiting in the fog.\n\n"
    "The builder wrote the four sentences on the first stone. It took three summers. The bridge had one gate and one "
    "keeper, and the keeper knew both languages, and translated without adding a word; where a word had no "
    "counterpart he said so, aloud, instead of leaving it out. In his book stood every crossing: who, when, what, "
    "and for how much.\n\n"
    "In the evening the lamps of the two towns met in the middle of the river. The ferryman, who had been afraid for "
    "his bread, became the keeper of the second gate, and in the winter, when the wind came down from the hills, he "
    "told the children that the rainbow over the gods' own river had been built by the same rule: it burns those "
    "who should not pass, it trembles when it is about to fall, and it has never once lost a letter."
)

THOUGHT = "The question is short, so the answer can be short. I will check it once and then say it."


class Thought(msgspec.Struct, frozen=True):
    """Reasoning that is shown."""

    text: str


class Words(msgspec.Struct, frozen=True):
    """Text."""

    text: str


class Call(msgspec.Struct, frozen=True):
    """A tool call."""

    name: str
    arguments: Object


Part: TypeAlias = Thought | Words | Call
Stop: TypeAlias = Literal["stop", "tool_calls", "length", "stop_sequence"]


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """An answer before it is written. `id` has no prefix yet; `pause_ms` lies between two pieces of a stream."""

    id: str
    model: str
    parts: tuple[Part, ...]
    stop: Stop
    stop_sequence: str | None = None
    input_tokens: int
    output_tokens: int
    """All of them, reasoning included."""
    reasoning_tokens: int
    pause_ms: int


def write_script(prompt: Prompt, base: str) -> Script:
    """The answer of the model `base` to `prompt`."""
    parts = _parts(prompt, base)
    stop: Stop = "tool_calls" if any(isinstance(part, Call) for part in parts) else "stop"
    stop_sequence = None
    if parts and isinstance(last := parts[-1], Words):
        text, stop, stop_sequence = _bounded(last.text, prompt)
        parts = (*parts[:-1], Words(text))
    reasoning = sum(count_words(part.text) for part in parts if isinstance(part, Thought))
    return Script(
        id=fingerprint(prompt.identity().encode("utf-8", "surrogatepass")),
        model=prompt.model,
        parts=parts,
        stop=stop,
        stop_sequence=stop_sequence,
        input_tokens=prompt.input_tokens,
        output_tokens=max(1, reasoning + sum(_tokens(part) for part in parts)),
        reasoning_tokens=reasoning,
        pause_ms=STORY_PAUSE_MS if base == "story" else 0,
    )


def pieces(text: str) -> list[str]:
    """A text word by word, with the space that follows each: what a stream sends one at a time."""
    return re.findall(r"\S+\s*|\s+", text)


def argument_pieces(arguments: str) -> list[str]:
    """JSON text in pieces of a few characters, as providers stream it."""
    return [arguments[start : start + 12] for start in range(0, len(arguments), 12)]


def signature_of(thought: str) -> str:
    """What proves that a thought is the mock's own; it refuses to take back any other."""
    return f"mock-signature-{fingerprint(thought.encode())}"


def fingerprint(data: bytes) -> str:
    """16 hex digits that follow from `data`."""
    return hashlib.sha256(data).hexdigest()[:16]


def _tokens(part: Part) -> int:
    match part:
        case Words():
            return count_words(part.text)
        case Call():
            return 1 + count_words(compact(part.arguments))
        case Thought():
            return 0


def _parts(prompt: Prompt, base: str) -> tuple[Part, ...]:
    match base:
        case "story":
            return (Words(STORY),)
        case "thinking":
            return (Thought(THOUGHT), Words(_echo(prompt)))
        case "vision":
            return (Words(_images(prompt)),)
        case "json":
            return _structured(prompt)
        case "tools":
            return _calling(prompt, 1)
        case "parallel":
            return _calling(prompt, 2)
        case _:
            return (Words(_echo(prompt)),)


def _echo(prompt: Prompt) -> str:
    return prompt.last_user or "(nothing was said)"


def _images(prompt: Prompt) -> str:
    if not prompt.images:
        return "I see no images."
    noun = "image" if len(prompt.images) == 1 else "images"
    return f"I see {len(prompt.images)} {noun}: {', '.join(prompt.images)}."


def _structured(prompt: Prompt) -> tuple[Part, ...]:
    """An object fitting the schema asked for, or a call of the tool the caller insists on."""
    if prompt.schema is None and prompt.forced_tool:
        return _calling(prompt, 1)
    return (Words(compact(example(prompt.schema) if prompt.schema else {"answer": _echo(prompt)})),)


def _calling(prompt: Prompt, count: int) -> tuple[Part, ...]:
    """Calls of the first tools; once results are there, text about them."""
    if prompt.tool_results:
        noun = "tool" if len(prompt.tool_results) == 1 else "tools"
        return (Words(f"The {noun} answered: {'; '.join(prompt.tool_results)}"),)
    tools = prompt.tools if prompt.may_call else ()
    if prompt.forced_tool:
        tools = tuple(tool for tool in tools if tool.name == prompt.forced_tool)
    if not tools:
        return (Words("There is no tool to call."),)
    chosen: list[ToolOffer] = [tools[min(number, len(tools) - 1)] for number in range(count)]
    return tuple(Call(tool.name, _arguments(tool)) for tool in chosen)


def _arguments(tool: ToolOffer) -> Object:
    return as_object(example({"type": "object", **tool.schema}))


def _bounded(text: str, prompt: Prompt) -> tuple[str, Stop, str | None]:
    """The text up to the first stop sequence, and to the caller's limit."""
    stop: Stop = "stop"
    sequence = None
    found = [(text.find(word), word) for word in prompt.stop if word and word in text]
    if found:
        end, sequence = min(found)
        text, stop = text[:end], "stop_sequence"
    words = pieces(text)
    if prompt.max_tokens is not None and len(words) > prompt.max_tokens:
        return "".join(words[: prompt.max_tokens]).rstrip(), "length", None
    return text, stop, sequence
