"""The versions of the protocol, in two eras.

sessions    2024-11-05 to 2025-11-25   `initialize`, Mcp-Session-Id, GET for messages of the server
stateless   2026-07-28                 `_meta` in each request, `server/discover`, Mcp-Method and Mcp-Name
"""

from __future__ import annotations

from typing import Final

SESSION_VERSIONS: Final = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""The newest first."""
STATELESS_VERSIONS: Final = ("2026-07-28",)
VERSIONS: Final = (*STATELESS_VERSIONS, *SESSION_VERSIONS)

ASSUMED: Final = "2025-03-26"
"""What a request without the header MCP-Protocol-Version speaks (2025-06-18, transports)."""


def is_stateless(version: str) -> bool:
    """Whether a version belongs to the newer era. One that is not known does too: it is newer than all that have
    sessions, or no version at all, and is refused there in the words of that era."""
    return version not in SESSION_VERSIONS


def negotiated(asked: str) -> str:
    """The version of a session: the one asked for if it is known, else the newest that has sessions."""
    return asked if asked in SESSION_VERSIONS else SESSION_VERSIONS[0]
