"""MCP servers: as they are declared, and the ports by which workers get sessions and credentials for them.

Not here: what a server offers (`mcp.catalogue`), and how it is called (`pipeline.tools`).
"""

from asbru.mcp.servers.declared import SERVER_NAME, McpSettings, Server, ServerSettings
from asbru.mcp.servers.ports import (
    AWAITED_SUBJECT,
    CREDENTIAL_SUBJECT,
    SESSION_SUBJECT,
    CredentialAsked,
    CredentialGiven,
    ServerPorts,
    SessionAsked,
    SessionGiven,
)

__all__ = [
    "AWAITED_SUBJECT",
    "CREDENTIAL_SUBJECT",
    "SERVER_NAME",
    "SESSION_SUBJECT",
    "CredentialAsked",
    "CredentialGiven",
    "McpSettings",
    "Server",
    "ServerPorts",
    "ServerSettings",
    "SessionAsked",
    "SessionGiven",
]
