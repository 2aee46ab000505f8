"""Names that agents give to tools of an MCP server, when they offer those to a model themselves.

An agent that is connected to /mcp has the same tools as the requests that it sends here. It writes its own name for the
server before the tool's, each agent in its own way:

| agents                             | a tool of a server  | source |
|--|--|--|
| Claude Code                        | `mcp__SERVER__TOOL` | its documentation of permissions |
| Codex, as a namespace or flat      | `mcp__SERVER__TOOL` | openai/codex: `codex-rs/codex-mcp/src/tools.rs` |
| Qwen Code                          | `mcp__SERVER__TOOL` | QwenLM/qwen-code: `core/src/tools/mcp-tool.ts` |
| Gemini CLI, 2026                   | `mcp_SERVER_TOOL`   | zuplo.com/learn/mcp/compatibility/clients/gemini-cli |
| Gemini CLI, 2025: of two alike     | `SERVER__TOOL`      | google-gemini/gemini-cli: `core/src/tools/mcp-tool.ts` |
| Gemini CLI, 2025: else             | `TOOL`              | the same |
| VS Code                            | `mcp_SERVER_TOOL`   | microsoft/vscode: `McpPrefixGenerator` |
| Crush                              | `mcp_SERVER_TOOL`   | charmbracelet/crush: `agent/tools/mcp-tools.go` |
| opencode                           | `SERVER_TOOL`       | opencode: `packages/opencode/src/mcp/index.ts` |
| Goose                              | `SERVER__TOOL`      | block/goose: `extension_manager.rs` |
| Cursor; Codex of 2025; SDKs        | as above            | not found in documentation; kept, since it costs nothing |

On /mcp, TOOL is `files__read`, on /mcp/files it is `read`, which is known where SERVER is `files`. Agents replace
letters that models refuse by `_`, so names are compared with all of them replaced. A name that an agent has cut (Gemini
CLI beyond 63 characters, VS Code its server beyond 13) is not known again.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from typing import Final

from asbru.core.chat import ForeignTool, Tool

_OTHER: Final = re.compile(r"[^a-zA-Z0-9]")
_BEFORE: Final = (
    re.compile(r""),
    re.compile(r"mcp__(.+__)?"),
    re.compile(r"mcp_(.+_)?"),
    re.compile(r".+__?"),
)
"""What may stand before a name of /mcp. Right behind `mcp` it does where the agent calls its server as Asbru does."""
_NAME_CHARS_MAX: Final = 256


def folded(name: str) -> str:
    """A name as names are compared."""
    return _OTHER.sub("_", name)


def known_again(tools: Iterable[Tool | ForeignTool], offered: Container[str]) -> set[str]:
    """Which of the `offered` names, folded, the caller's own tools have already."""
    return {found for tool in tools for name in _names(tool) if (found := _among(folded(name), offered))}


def _names(tool: Tool | ForeignTool) -> Iterable[str]:
    if isinstance(tool, Tool):
        return (tool.name,)
    return [f"{one.namespace.rstrip('_')}__{one.name}" if one.namespace else one.name for one in tool.stand_ins]


def _among(name: str, offered: Container[str]) -> str:
    """The offered name that `name` ends with, behind what an agent may have written before it; "" for none."""
    if name in offered:
        return name
    at = -1
    while (at := name.find("_", at + 1, _NAME_CHARS_MAX)) >= 0:
        if name[at + 1 :] in offered and any(one.fullmatch(name, 0, at + 1) for one in _BEFORE):
            return name[at + 1 :]
    return ""
