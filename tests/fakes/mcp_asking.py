"""A server of the era of sessions whose tool asks on the stream of its GET, where nothing says which call it is about.

    ask    has its caller asked for a name; what came of it is its result
    wait   waits until `go` is set

`nudge(session)` asks and logs outside of any call. As servers with sessions do, it refuses what comes without a
session, or with one that it does not know, and has one such stream at a time for each session.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

VERSION = "2025-11-25"
_TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("ask", "wait")]
_INFO = {"name": "asking", "version": "1"}
_SCHEMA = {"type": "object", "properties": {"name": {"type": "string", "default": "Ada"}}}


class AskingServer:
    """See the module. `waiting`: calls of `wait` that are under way."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.waiting = 0
        self.listening = asyncio.Event()
        """Set while any session has its stream."""
        self.sessions: set[str] = set()
        """Those that it knows."""
        self._outgoing: dict[str, asyncio.Queue[dict[str, Any]]] = {}
        """What goes out on the stream of each session, once there is one."""
        self._streaming: set[str] = set()
        self._count = 0
        self._asked: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.application = Starlette(routes=[Route("/mcp", self._serve, methods=["GET", "POST", "DELETE"])])

    async def _serve(self, request: Request) -> Response:
        session = request.headers.get("mcp-session-id", "")
        message = json.loads(await request.body()) if request.method == "POST" else {}
        if message.get("method") == "initialize":
            made = f"s{len(self._outgoing)}"
            self.sessions.add(made)
            self._outgoing[made] = asyncio.Queue()
            info = {"protocolVersion": VERSION, "capabilities": {"tools": {}}, "serverInfo": _INFO}
            head = {"mcp-session-id": made}
            return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": info}, headers=head)
        if session not in self.sessions:
            return Response("no such session", 404 if session else 400)
        if request.method == "DELETE":
            self.sessions.discard(session)
            return Response(status_code=200)
        if request.method == "GET":
            if session in self._streaming:
                return Response("one stream is open already", 409)
            self._streaming.add(session)
            self.listening.set()
            return StreamingResponse(self._stream(session), media_type="text/event-stream")
        if "method" not in message:
            self._asked.pop(message["id"]).set_result(message)
            return Response(status_code=202)
        if "id" not in message:
            return Response(status_code=202)
        return StreamingResponse(self._answer(message, session), media_type="text/event-stream")

    async def nudge(self, session: str) -> str:
        """Log, and ask, in a session outside of any call; what came of it."""
        params = {"level": "info", "data": f"hello {session}"}
        await self._outgoing[session].put({"jsonrpc": "2.0", "method": "notifications/message", "params": params})
        return await self._ask(session)

    async def _stream(self, session: str) -> AsyncIterator[bytes]:
        try:
            while True:
                yield _event(await self._outgoing[session].get())
        finally:
            self._streaming.discard(session)
            if not self._streaming:
                self.listening.clear()

    async def _answer(self, message: dict[str, Any], session: str) -> AsyncIterator[bytes]:
        yield b": \n\n"
        head = {"jsonrpc": "2.0", "id": message["id"]}
        match message["method"]:
            case "tools/list":
                result: dict[str, Any] = {"tools": _TOOLS}
            case "tools/call":
                text = await (self._ask(session) if message["params"]["name"] == "ask" else self._wait())
                result = {"content": [{"type": "text", "text": text}]}
            case _:
                yield _event({**head, "error": {"code": -32601, "message": "Method not found"}})
                return
        yield _event({**head, "result": result})

    async def _ask(self, session: str) -> str:
        self._count += 1
        name = f"question-{self._count}"
        self._asked[name] = told = asyncio.get_running_loop().create_future()
        params = {"message": "Your name?", "requestedSchema": _SCHEMA}
        asks = {"jsonrpc": "2.0", "id": name, "method": "elicitation/create", "params": params}
        await self._outgoing[session].put(asks)
        answer = await told
        return f"hello {answer['result']['content']['name']}" if "result" in answer else answer["error"]["message"]

    async def _wait(self) -> str:
        self.waiting += 1
        try:
            await self.go.wait()
        finally:
            self.waiting -= 1
        return "waited"


def _event(message: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(message).encode() + b"\n\n"
