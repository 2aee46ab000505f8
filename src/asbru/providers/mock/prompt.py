"""What was asked, in no dialect: the little of a request that the mock's models answer by.

Tokens follow one rule, so that tests can state usage: one token is one run of non-space characters. Not here: how a
dialect spells any of this (`openai_wire`, `anthropic_wire`), nor the answers (`script`).
"""

from __future__ import annotations

import json
from typing import Any, TypeVar, cast

import msgspec

TOKENS_PER_TOOL = 8
TOKENS_PER_IMAGE = 16

Object = dict[str, Any]

_Body = TypeVar("_Body")


class Refusal(Exception):
    """The mock answers with an error. `status` is HTTP's; `type` and `code` are OpenAI's words."""

    def __init__(self, status: int, message: str, *, code: str | None = None, retry_after: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.retry_after = retry_after


class ToolOffer(msgspec.Struct, frozen=True):
    """A tool the caller offers; `schema` is the JSON Schema of its arguments."""

    name: str
    schema: Object


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """One request. `last_user` is the text of the last user message; `tool_results` those after the last assistant
    turn. `schema` None: no structured output was asked; {}: some JSON object. `thinks`: reasoning may be shown."""

    model: str
    last_user: str = ""
    tool_results: tuple[str, ...] = ()
    tools: tuple[ToolOffer, ...] = ()
    forced_tool: str | None = None
    may_call: bool = True
    schema: Object | None = None
    images: tuple[str, ...] = ()
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    stream: bool = False
    include_usage: bool = False
    input_tokens: int = 1

    def identity(self) -> str:
        """What ids are made from: the same question has the same ids, streamed or not, in either dialect."""
        return "\n".join((self.model, self.last_user, *self.tool_results, str(self.input_tokens)))


def count_words(text: str) -> int:
    """Tokens of a text."""
    return len(text.split())


def compact(value: object) -> str:
    """JSON without spaces: how arguments are written, and counted, whatever the dialect carried them as."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def compact_text(arguments: str) -> str:
    """`compact` for JSON text; text that is not JSON as it is."""
    try:
        return compact(json.loads(arguments))
    except ValueError:
        return arguments


def as_object(value: object) -> Object:
    """A JSON object, or {} for anything else."""
    return cast(Object, value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """A JSON array, or [] for anything else."""
    return cast("list[Any]", value) if isinstance(value, list) else []


def as_text(value: object) -> str:
    """A JSON string, or "" for anything else."""
    return value if isinstance(value, str) else ""


def as_strings(value: object) -> tuple[str, ...]:
    """A string or a list of strings, as a tuple."""
    if isinstance(value, str):
        return (value,)
    return tuple(as_text(item) for item in as_list(value))


def decode(body: bytes, kind: type[_Body]) -> _Body:
    """A request's body as `kind`; raises `Refusal` 400 saying what is wrong with it."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, f"The body is not what is expected: {error}") from None
