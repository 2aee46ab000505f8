"""A prompt that is longer than its model's context, in the words by which clients know it: agents shorten the
conversation then, and go on.

    Anthropic   "prompt is too long: N tokens > M maximum", where the provider gave the numbers
    OpenAI      the code `context_length_exceeded`
    Bedrock     "Input is too long for requested model."

Sources: https://docs.claude.com/en/docs/build-with-claude/context-windows,
https://platform.openai.com/docs/guides/error-codes, and what Claude Code 2.1 and Codex 0.171 look for. Not here: errors
that go to callers of their own dialect, as they came.
"""

from __future__ import annotations

import re
from typing import Final

from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.reply import StreamFault

CODE: Final = "context_length_exceeded"
_CLAUDE: Final = "prompt is too long"
_BEDROCK: Final = "Input is too long for requested model."
_PHRASES: Final = (
    _CLAUDE,
    "input is too long",
    CODE,
    "maximum context length",
    "exceeds the context window",
    "exceeds the maximum number of tokens allowed",
    "maximum prompt length",
    "longer than the maximum model length",
    "exceeds the available context size",
    "exceeded model token limit",
    "reduce the length of the messages",
    "too many tokens: ",
    "range of input length should be",
)
"""In lower case, of OpenAI and its kin, Gemini, xAI, vLLM, llama.cpp, Moonshot, Groq, Cohere and Alibaba."""
_NUMBERS: Final = tuple(
    re.compile(pattern, re.IGNORECASE | re.DOTALL)
    for pattern in (
        r"maximum context length is (?P<most>\d+) tokens.{0,80}?(?:resulted in|requested|contains?|has) (?:about )?"
        r"(?P<got>\d+)",
        r"\(?(?P<got>\d+)\)? exceeds the maximum number of tokens allowed \(?(?P<most>\d+)",
        r"cannot exceed (?P<most>\d+).{0,40}?received (?P<got>\d+)",
        r"contains (?P<got>\d+) tokens.{0,80}?(?P<most>\d+) maximum context length",
        r"maximum prompt length is (?P<most>\d+).{0,80}?contains (?P<got>\d+)",
    )
)
_WORDS_CHARS_MAX: Final = 2000


def is_too_long(error: AsbruError | StreamFault) -> bool:
    """Whether a provider refused a prompt for its length."""
    if isinstance(error, AsbruError) and not isinstance(error, UpstreamError):
        return False
    if error.code == CODE:
        return True
    words = error.message[:_WORDS_CHARS_MAX].lower()
    return error.status in (400, 413, 422) and any(words.find(phrase) >= 0 for phrase in _PHRASES)


def claude_words(error: AsbruError | StreamFault) -> str:
    """The message for callers of Anthropic's dialect."""
    message = error.message
    if not is_too_long(error) or message.lower().find(_CLAUDE) >= 0:
        return message
    found = next((at for one in _NUMBERS if (at := one.search(message[:_WORDS_CHARS_MAX])) is not None), None)
    numbers = f": {found['got']} tokens > {found['most']} maximum" if found is not None else ""
    return f"{_CLAUDE}{numbers} ({message})"


def bedrock_words(error: AsbruError | StreamFault) -> str:
    """The message for callers of Bedrock's dialects."""
    if not is_too_long(error) or error.message.lower().find(_BEDROCK[:-1].lower()) >= 0:
        return error.message
    return f"{_BEDROCK} {error.message}"


def openai_code(error: AsbruError | StreamFault) -> str | None:
    """The code for callers of OpenAI's dialects."""
    return CODE if is_too_long(error) else error.code
