"""MCP servers and groups of tools as they are declared: in the configuration file and over the management API alike.

The snapshot carries them as they are written (references resolved), for the workers and for the tools process.
What they mean together (one name for a server and a group) is checked where the configuration is compiled.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from asbru.core.secret_text import SecretText
from asbru.mcp.servers.code_settings import CodeModeSettings
from asbru.mcp.servers.http_api import HEADER_NAME, HttpApi
from asbru.mcp.servers.rule import McpRule

SERVER_NAME = r"^[a-z0-9](-?[a-z0-9]){0,31}$"
"""Without `_`, so that `<server>__<tool>` is read in one way only."""

TOOL_PATTERN = r"^[^\s]{1,256}$"
"""`server/tool` with `*` for any text, a server's name for all of its tools, or the name of a group."""

_URL = r"^https?://[^\s#/?@]+([/?][^\s#]*)?$"

FORMS = {
    SERVER_NAME: "lower-case letters and digits, in parts separated by single `-`, 32 parts at most",
    TOOL_PATTERN: "`server/tool` with `*` for any text, or a name, without spaces",
    _URL: "a URL that begins with http:// or https://, without spaces, `#` and `user:password@`",
    HEADER_NAME: "the name of a header",
}
"""The forms that text must have, in words."""

Transport: TypeAlias = Literal["auto", "http", "sse"]
Auth: TypeAlias = Literal["none", "headers", "oauth"]

_Usd: TypeAlias = Annotated[float, Meta(ge=0, le=1_000_000)]


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One MCP server: reached at `url`, started with `command`, or an HTTP API that `openapi` describes."""

    url: Annotated[Annotated[str, Meta(pattern=_URL)] | None, Meta(description="Address of its MCP endpoint.")] = None
    command: Annotated[
        tuple[Annotated[str, Meta(max_length=4096)], ...],
        Meta(
            max_length=256,
            description="Program to start, with its arguments: the server speaks on its standard input and output.",
        ),
    ] = ()
    args: Annotated[
        tuple[Annotated[str, Meta(max_length=4096)], ...], Meta(max_length=256, description="More arguments.")
    ] = ()
    env: Annotated[
        dict[str, SecretText],
        Meta(max_length=128, description="Environment variables of the program; it has no others but PATH and HOME."),
    ] = {}
    cwd: Annotated[
        Annotated[str, Meta(pattern=r"^/")] | None, Meta(description="Directory in which the program starts.")
    ] = None
    openapi: Annotated[
        HttpApi | None, Meta(description="An HTTP API whose operations are its tools, in place of an MCP server.")
    ] = None
    transport: Annotated[
        Transport,
        Meta(description="`http`: streamable HTTP; `sse`: the older HTTP+SSE; `auto`: the first, else the second."),
    ] = "auto"
    auth: Annotated[Auth, Meta(description="How Asbru authenticates: not at all, by `headers`, or by OAuth 2.1.")] = (
        "headers"
    )
    headers: Annotated[
        dict[str, SecretText], Meta(max_length=64, description="Headers sent with every request to the server.")
    ] = {}
    client_id: Annotated[
        str, Meta(max_length=1000, description="`auth: oauth`: client to use; by default Asbru registers one.")
    ] = ""
    client_secret: Annotated[SecretText | None, Meta(description="`auth: oauth`: secret of `client_id`, if any.")] = (
        None
    )
    scope: Annotated[
        str, Meta(max_length=2000, description="`auth: oauth`: scopes to ask for; by default what the server names.")
    ] = ""
    per_user: Annotated[
        bool, Meta(description="true: each virtual key has its own session and credential with the server.")
    ] = False
    timeout_s: Annotated[
        float, Meta(gt=0, le=86400, description="Longest time without any data during a call, seconds.")
    ] = 30.0
    total_s: Annotated[float, Meta(gt=0, le=86400, description="Longest time of a call, seconds.")] = 600.0
    concurrency: Annotated[
        int, Meta(ge=1, le=65535, description="Calls at the same time, in each worker; others wait.")
    ] = 64
    sync_s: Annotated[
        Annotated[float, Meta(ge=1, le=86400)] | None,
        Meta(description="How often its tools are listed anew, seconds. Default: `mcp.sync_s`."),
    ] = None
    price_usd: Annotated[_Usd, Meta(description="What a call of any of its tools costs, US dollars.")] = 0.0
    prices_usd: Annotated[
        dict[str, _Usd], Meta(max_length=1000, description="What a call costs, by tool; before `price_usd`.")
    ] = {}
    code_mode: Annotated[
        bool, Meta(description="true: its tools are offered through code mode instead of one by one.")
    ] = False
    trusted: Annotated[
        bool, Meta(description="true: tools whose description or schema changes are used without approval.")
    ] = False
    injections: Annotated[
        Literal["annotate", "quarantine", "ignore"],
        Meta(
            description="Tools, templates and prompts whose text looks like prompt injection: `annotate` says so in "
            "the API, the UI and the log; `quarantine` also holds back those that are new or have changed, until they "
            "are approved, for `trusted` servers too; `ignore` does not look. Of servers with `openapi` none are held."
        ),
    ] = "annotate"
    enabled: Annotated[bool, Meta(description="false: the server is not connected to, and offers nothing.")] = True
    allow_loopback: Annotated[
        bool, Meta(description="Allow connections to loopback addresses (127.0.0.0/8, ::1).")
    ] = False
    allow_private: Annotated[
        bool, Meta(description="Allow connections to private addresses (RFC 1918, RFC 4193).")
    ] = False

    @property
    def argv(self) -> tuple[str, ...]:
        """The program and all of its arguments; empty where the server is reached by URL."""
        return (*self.command, *self.args) if self.command else ()

    def price_of(self, tool: str) -> float:
        """What a call of a tool costs, US dollars."""
        return self.prices_usd.get(tool, self.price_usd)


class Server(ServerSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server and the name under which it is declared."""

    name: str


class McpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `mcp`."""

    servers: Annotated[
        dict[Annotated[str, Meta(pattern=SERVER_NAME)], ServerSettings],
        Meta(max_length=500, description="MCP servers by name; a tool is called `<server>__<tool>`."),
    ] = {}
    groups: Annotated[
        dict[Annotated[str, Meta(pattern=SERVER_NAME)], tuple[Annotated[str, Meta(pattern=TOOL_PATTERN)], ...]],
        Meta(max_length=500, description="Named lists of `server/tool` patterns, with addresses of their own."),
    ] = {}
    rules: Annotated[
        tuple[McpRule, ...], Meta(max_length=200, description="Rules on arguments; each that holds refuses the call.")
    ] = ()
    sync_s: Annotated[
        float, Meta(ge=1, le=86400, description="How often the tools of servers are listed anew, seconds.")
    ] = 300.0
    offer: Annotated[bool, Meta(description="Offer the tools of a virtual key in its requests to models.")] = True
    offer_tools_max: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000,
            description="Tools in a request to a model, those of the caller included, above which no more are offered.",
        ),
    ] = 128
    agent_turns_max: Annotated[
        int,
        Meta(ge=1, le=100, description="How often a model is asked in one call while Asbru calls tools for it."),
    ] = 10
    agent_result_chars_max: Annotated[
        int,
        Meta(
            ge=1,
            le=1 << 26,
            description="Text of a tool's result that a model is shown while Asbru calls tools for it, characters; "
            "what is longer is cut, with a word that it was.",
        ),
    ] = 256 * 1024
    public_url: Annotated[
        Annotated[str, Meta(pattern=r"^https?://[^\s?#]+$")] | None,
        Meta(
            description="Address of Asbru as browsers reach it, for the return from OAuth authorizations. Default: the "
            "address it listens on."
        ),
    ] = None
    commands_from_api: Annotated[
        tuple[str, ...],
        Meta(
            max_length=100,
            description="Programs that servers added over the management API may start; none by default.",
        ),
    ] = ()
    result_bytes_max: Annotated[
        int, Meta(ge=1024, le=1 << 30, description="Size of the result of a call, bytes.")
    ] = 16 * 1024 * 1024

    code: Annotated[CodeModeSettings, Meta(description="Code mode: limits of scripts.")] = CodeModeSettings()

    def named(self) -> tuple[Server, ...]:
        """The servers, each with its name."""
        return tuple(Server(name=name, **msgspec.structs.asdict(one)) for name, one in self.servers.items())
