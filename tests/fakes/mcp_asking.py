"""A server of the era of sessions whose tool asks on the stream of its GET, where nothing says which call it is about.

    ask    has its caller asked for a name; what came of it is its result
    wait   waits until `go` is set

As servers with sessions do, it refuses what comes without a session, or with one that it does not know, and has one
such stream at a time.
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
        self._sessions: set[str] = set()
        self._asked: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._outgoing: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.application = Starlette(routes=[Route("/mcp", self._serve, methods=["GET", "POST", "DELETE"])])

    async def _serve(self, request: Request) -> Response:
        session = request.headers.get("mcp-session-id", "")
        message = json.loads(await request.body()) if request.method == "POST" else {}
        if message.get("method") == "initialize":
            self._sessions.add(f"s{len(self._sessions)}")
            info = {"protocolVersion": VERSION, "capabilities": {"tools": {}}, "serverInfo": _INFO}
            head = {"mcp-session-id": f"s{len(self._sessions) - 1}"}
            return JSONResponse({"jsonrpc": "2.0", "id": message["id"], "result": info}, headers=head)
        if session not in self._sessions:
            return Response("no such session", 404 if session else 400)
        if request.method == "DELETE":
            self._sessions.discard(session)
            return Response(status_code=200)
        if request.method == "GET":
            if self.listening.is_set():
                return Response("one stream is open already", 409)
            self.listening.set()
            return StreamingResponse(self._stream(), media_type="text/event-stream")
        if "method" not in message:
            self._asked.pop(message["id"]).set_result(message)
            return Response(status_code=202)
        if "id" not in message:
            return Response(status_code=202)
        return StreamingResponse(self._answer(message), media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[bytes]:
        try:
            while True:
                yield _event(await self._outgoing.get())
        finally:
            self.listening.clear()

    async def _answer(self, message: dict[str, Any]) -> AsyncIterator[bytes]:
        yield b": \n\n"
        head = {"jsonrpc": "2.0", "id": message["id"]}
        match message["method"]:
            case "tools/list":
                result: dict[str, Any] = {"tools": _TOOLS}
            case "tools/call":
                text = await (self._ask() if message["params"]["name"] == "ask" else self._wait())
                result = {"content": [{"type": "text", "text": text}]}
            case _:
                yield _event({**head, "error": {"code": -32601, "message": "Method not found"}})
                return
        yield _event({**head, "result": result})

    async def _ask(self) -> str:
        name = f"question-{len(self._asked)}-{self._outgoing.qsize()}"
        self._asked[name] = told = asyncio.get_running_loop().create_future()
        params = {"message": "Your name?", "requestedSchema": _SCHEMA}
        await self._outgoing.put({"jsonrpc": "2.0", "id": name, "method": "elicitation/create", "params": params})
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
