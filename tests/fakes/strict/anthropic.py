"""Anthropic's messages, as strict as they are reported to be: parameters, limits, thinking.

`anthropic_turns` has the rules about messages. Wordings: github.com/agentforce314/clawcodex/pull/699 and
NousResearch/hermes-agent/issues/34554 (thinking), Oaklight/llm-rosetta/pull/289 (effort), anthropics/claude-code/
issues/96152 (names), platform.claude.com/docs/en/api/messages (limits).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.fakes.strict import anthropic_turns
from tests.fakes.strict.facts import Model, fields
from tests.fakes.strict.refusal import Refusal

PATH = "/v1/messages"
NAME = re.compile(r"[a-zA-Z0-9_-]+")
NAME_CHARS_MAX = 128
USER_CHARS_MAX = 256
BUDGET_TOKENS_MIN = 1024
MARKS_MAX = 4
BETA_FIELDS: Mapping[str, str] = {"context_management": "context-management-", "speed": "fast-mode-"}
"""Fields known only beside a beta whose name begins so."""
OUTER_COMBINATORS = ("oneOf", "allOf", "anyOf")
FORCING = ("any", "tool")
THINKING_DOCS = "https://docs.claude.com/en/docs/build-with-claude/extended-thinking"


def check(asked: dict[str, Any], headers: Mapping[str, str], model: Model) -> None:
    """Raises `Refusal` for the first thing that is wrong."""
    _head(asked, headers)
    _tools(asked)
    _limits(asked, model)
    _thinking(asked, model)
    _effort(asked, model)
    _sampling(asked, model)
    anthropic_turns.check(asked, model)


def check_count(asked: dict[str, Any], model: Model) -> None:
    """The same for count_tokens, which wants no limit."""
    _tools(asked)
    anthropic_turns.check(asked, model)


def not_found(name: str) -> Refusal:
    """The model is not one of Anthropic's."""
    return Refusal(f"model: {name}", status=404, kind="not_found_error")


def thinks(asked: dict[str, Any]) -> bool:
    """Whether thinking was asked for."""
    return (asked.get("thinking") or {}).get("type") in ("enabled", "adaptive")


def _head(asked: dict[str, Any], headers: Mapping[str, str]) -> None:
    if "anthropic-version" not in headers:
        raise Refusal("anthropic-version: header is required")
    betas = [beta.strip() for beta in headers.get("anthropic-beta", "").split(",")]
    for name in asked:
        start = BETA_FIELDS.get(name)
        if name not in fields("anthropic", "request") and not (
            start and any(beta.startswith(start) for beta in betas)
        ):
            raise Refusal(f"{name}: Extra inputs are not permitted")


def _tools(asked: dict[str, Any]) -> None:
    names: set[str] = set()
    for at, tool in enumerate(asked.get("tools") or ()):
        if tool.get("type") not in (None, "custom"):
            continue
        where = f"tools.{at}.custom"
        if extra := tool.keys() - fields("anthropic", "custom_tool"):
            raise Refusal(f"{where}.{min(extra)}: Extra inputs are not permitted")
        name = tool.get("name") or ""
        if len(name) > NAME_CHARS_MAX:
            raise Refusal(f"{where}.name: String should have at most {NAME_CHARS_MAX} characters")
        if NAME.fullmatch(name) is None:
            raise Refusal(f"{where}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,{NAME_CHARS_MAX}}}$'")
        if name in names:
            raise Refusal("tools: Tool names must be unique.")
        names.add(name)
        _schema(tool.get("input_schema"), f"{where}.input_schema")
    choice = asked.get("tool_choice") or {}
    if choice and not asked.get("tools"):
        raise Refusal("tool_choice may only be specified while providing tools.")
    if choice.get("type") == "tool" and choice.get("name") not in names:
        raise Refusal(f"Tool '{choice.get('name')}' not found in provided tools")


def _schema(schema: dict[str, Any] | None, where: str) -> None:
    if schema is None:
        raise Refusal(f"{where}: Field required")
    if "type" not in schema:
        raise Refusal(f"{where}.type: Field required")
    if schema["type"] != "object":
        raise Refusal(f"{where}.type: Input should be 'object'")
    if any(name in schema for name in OUTER_COMBINATORS):
        raise Refusal(f"{where}: input_schema does not support oneOf, allOf, or anyOf at the top level")


def _limits(asked: dict[str, Any], model: Model) -> None:
    limit = asked.get("max_tokens")
    if limit is None:
        raise Refusal("max_tokens: Field required")
    if limit > model.max_output_tokens:
        raise Refusal(
            f"max_tokens: {limit} > {model.max_output_tokens}, which is the maximum allowed number of output tokens "
            f"for {model.name}"
        )
    metadata = asked.get("metadata") or {}
    if extra := metadata.keys() - {"user_id"}:
        raise Refusal(f"metadata.{min(extra)}: Extra inputs are not permitted")
    if len(metadata.get("user_id") or "") > USER_CHARS_MAX:
        raise Refusal(f"metadata.user_id: String should have at most {USER_CHARS_MAX} characters")
    for at, stop in enumerate(asked.get("stop_sequences") or ()):
        if not stop.strip():
            raise Refusal(f"stop_sequences.{at}: each stop sequence must contain non-whitespace")
    marks = sum(1 for _ in _marks(asked))
    if marks > MARKS_MAX:
        raise Refusal(f"A maximum of {MARKS_MAX} blocks with cache_control may be provided. Found {marks}.")


def _marks(value: Any) -> Iterator[object]:
    """Every cache mark in the request."""
    if isinstance(value, dict):
        if value.get("cache_control"):
            yield value
        for inner in value.values():
            yield from _marks(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _marks(inner)


def _thinking(asked: dict[str, Any], model: Model) -> None:
    thinking = asked.get("thinking") or {}
    if thinking.get("type") == "adaptive" and model.thinking != "adaptive":
        raise Refusal("adaptive thinking is not supported on this model")
    if thinking.get("type") == "enabled":
        _budget(asked, model)
    if thinks(asked) and (asked.get("tool_choice") or {}).get("type") in FORCING:
        raise Refusal("Thinking may not be enabled when tool_choice forces tool use.")


def _budget(asked: dict[str, Any], model: Model) -> None:
    if model.thinking == "adaptive":
        raise Refusal(
            '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and '
            '"output_config.effort" to control thinking behavior.'
        )
    budget = asked["thinking"].get("budget_tokens")
    if budget is None:
        raise Refusal("thinking.enabled.budget_tokens: Field required")
    if budget < BUDGET_TOKENS_MIN:
        raise Refusal(f"thinking.enabled.budget_tokens: Input should be greater than or equal to {BUDGET_TOKENS_MIN}")
    if budget >= asked["max_tokens"]:
        raise Refusal(
            "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at "
            f"{THINKING_DOCS}#max-tokens-and-context-window-size"
        )


def _effort(asked: dict[str, Any], model: Model) -> None:
    effort = (asked.get("output_config") or {}).get("effort")
    if effort is None:
        return
    if not model.efforts:
        raise Refusal("This model does not support the effort parameter.")
    if effort not in model.efforts:
        known = ", ".join(sorted(model.efforts))
        raise Refusal(f"This model does not support effort level '{effort}'. Supported levels: {known}.")


def _sampling(asked: dict[str, Any], model: Model) -> None:
    warmth, nucleus = asked.get("temperature"), asked.get("top_p")
    for name in ("temperature", "top_p", "top_k"):
        if asked.get(name) is not None and model.sampling == "default":
            raise Refusal(f"`{name}` is deprecated for this model.")
    if warmth is not None and not 0 <= warmth <= 1:
        raise Refusal("temperature: range: 0..1")
    if warmth is not None and nucleus is not None:
        raise Refusal("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    if thinks(asked) and warmth not in (None, 1):
        raise Refusal(
            "`temperature` may only be set to 1 when thinking is enabled. Please consult our documentation at "
            f"{THINKING_DOCS}#important-considerations-when-using-extended-thinking"
        )
