"""A rule on arguments of tools, as it is declared: in the configuration file and over the management API alike.

What its condition may say is the business of `routing.rules`, and who may use a tool at all that of `mcp.access`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

CONDITION_CHARS_MAX: Final = 1000
RULE_NAME: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
TOOL_VARIABLES: Final = MappingProxyType({"server": "", "tool": "", "arguments": {}})
"""What a condition may read besides what conditions of routing rules do, and a value of its type."""


class McpRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Calls of `tools` for which `when` holds are refused."""

    name: Annotated[str, Meta(pattern=RULE_NAME, description="Name in refusals and records.")]
    tools: Annotated[
        tuple[Annotated[str, Meta(pattern=r"^[^\s]{1,256}$")], ...],
        Meta(min_length=1, max_length=200, description="`server/tool` patterns, servers or groups it is about."),
    ] = ("*",)
    when: Annotated[
        str,
        Meta(
            max_length=CONDITION_CHARS_MAX,
            description="Condition in CEL over `arguments`, `server`, `tool`, and what conditions of routing rules "
            "read; an empty condition is always true.",
        ),
    ] = ""
    action: Annotated[Literal["deny"], Meta(description="What happens to such calls: they are refused.")] = "deny"
    message: Annotated[str, Meta(max_length=500, description="What the caller is told besides the rule's name.")] = ""
    enabled: Annotated[bool, Meta(description="false disables the rule.")] = True
