"""What the models behind the agents say: they ask once for a command to be run, then tell what it printed.

Calls without a shell tool (titles, summaries) get plain text. Given to the strict providers as their speaker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.fakes.strict.provider import ToolCall, Turn

COMMAND = "echo bridge-$((40 + 2)) && sleep 0.3"
"""It pauses because qwen-code loses what a command printed that ended at once."""
PRINTED = "bridge-42"
SHELLS: Mapping[str, dict[str, Any]] = {
    "Bash": {"description": "Print a word"},
    "bash": {"description": "Print a word"},
    "run_shell_command": {"description": "Print a word", "is_background": False},
    "exec_command": {"cmd": COMMAND},
}
"""The shell tools of Claude Code, opencode, qwen-code and Codex, and what they want beside the command."""


def speak(turn: Turn) -> str | ToolCall:
    """The model's next words."""
    shell = next((name for name in turn.tools if name in SHELLS), None)
    if shell is None:
        return "A title"
    if turn.results:
        return f"The command printed: {turn.results[-1]}"
    return ToolCall(shell, {"command": COMMAND, **SHELLS[shell]})
