"""Tries an MCP server that is yet to be added: connects as the tools process would, and lists its tools.

In the control process, since the tools process runs only where a server is configured. Under the outbound policy of the
server; every step has a deadline, and nothing of it is kept. Not here: OAuth, which needs the server to be added.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

import msgspec

from asbru.admin.api_preview import TriedServer, TriedTool

if TYPE_CHECKING:
    from asbru.app.tools.connecting import Connection
    from asbru.app.tools.http import Http
    from asbru.mcp.servers import Server

TRY_S: Final = 20.0
END_S: Final = 2.0
TOOLS_MAX: Final = 100
"""That are shown."""
CHARS_MAX: Final = 500
OAUTH_WORDS: Final = "add the server, then connect it; a server with OAuth is not tested before"


async def try_server(server: Server) -> TriedServer:
    """How it answers now. Raises nothing that it can be asked for."""
    if server.auth == "oauth":
        return TriedServer("unauthorized", OAUTH_WORDS)
    from asbru.app.tools.http import Http  # for those who try one
    from asbru.app.tools.peers import Broken, Refused, SessionEnded, Unauthorized, Unreachable
    from asbru.app.tools.stdio import CannotStart

    http = Http(asyncio.get_running_loop())
    try:
        async with asyncio.timeout(TRY_S):
            return await _tried(server, http)
    except TimeoutError:
        return TriedServer("unreachable", f"it did not answer within {TRY_S:g} s")
    except Unauthorized as error:
        return TriedServer("unauthorized", str(error)[:CHARS_MAX])
    except Unreachable as error:
        return TriedServer("unreachable", str(error)[:CHARS_MAX])
    except (Broken, Refused, SessionEnded, CannotStart) as error:
        return TriedServer("failed", str(error)[:CHARS_MAX])
    finally:
        http.close()


async def _tried(server: Server, http: Http) -> TriedServer:
    from asbru.app.tools.connecting import connect
    from asbru.app.tools.listing import list_all
    from asbru.app.tools.suspicion import Suspicions

    async def headers() -> dict[str, str]:
        declared = {} if server.auth == "none" else server.headers
        return {name.lower(): value.reveal() for name, value in declared.items()}

    connection = await connect(server, http, headers, run="trial", on_notification=lambda _: None)
    try:
        offered = await list_all(server.name, connection.peer, connection.greeting)
    finally:
        await _end(connection)
    suspicion = Suspicions().of(server)
    tools = tuple(
        TriedTool(one.name, _description(one.definition), suspicion(one)) for one in offered.tools[:TOOLS_MAX]
    )
    info = msgspec.json.decode(connection.greeting.info or b"{}", type=_Info)
    return TriedServer(
        "ready",
        version=connection.greeting.version,
        name=info.name[:CHARS_MAX],
        tools=tools,
        tools_count=len(offered.tools),
    )


async def _end(connection: Connection) -> None:
    """Tell the server that its session is not needed, if it listens."""
    from asbru.app.tools.peers import Broken, Unauthorized, Unreachable

    with contextlib.suppress(Unreachable, Unauthorized, Broken, TimeoutError):
        async with asyncio.timeout(END_S):
            await connection.stop()


class _Info(msgspec.Struct):
    name: str = ""


class _Described(msgspec.Struct):
    description: str = ""


def _description(definition: bytes) -> str:
    try:
        return msgspec.json.decode(definition, type=_Described).description[:CHARS_MAX]
    except msgspec.MsgspecError:
        return ""
