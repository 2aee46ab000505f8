"""The gateway of target `uvicorn_aiohttp`: an ASGI application as one would write it by hand.

It checks the caller's key, forwards to one upstream with the upstream's key, and streams the answer back. It
does no budgets, records, retries or metrics. It runs in the target's own environment, not in the harness.
"""

import os
from typing import Any

import aiohttp

_UPSTREAM = os.environ["BY_HAND_UPSTREAM"]
_KEY = f"Bearer {os.environ['BY_HAND_KEY']}".encode()
_UPSTREAM_KEY = f"Bearer {os.environ['BY_HAND_UPSTREAM_KEY']}"
_NOT_FORWARDED = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"te", b"trailer"})
_state: dict[str, aiohttp.ClientSession] = {}


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=600)
            _state["session"] = aiohttp.ClientSession(connector=connector, auto_decompress=False)
            await send({"type": "lifespan.startup.complete"})
        else:
            await _state["session"].close()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _response(send: Any, status: int, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read_body(receive: Any) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _forward(scope: Any, receive: Any, send: Any) -> None:
    body = await _read_body(receive)
    headers = {"content-type": "application/json", "authorization": _UPSTREAM_KEY}
    url = _UPSTREAM + scope["path"]
    async with _state["session"].post(url, data=body, headers=headers) as upstream:
        kept = [(name.lower(), value) for name, value in upstream.raw_headers if name.lower() not in _NOT_FORWARDED]
        await send({"type": "http.response.start", "status": upstream.status, "headers": kept})
        if upstream.content_length is not None:
            await send({"type": "http.response.body", "body": await upstream.read()})
            return
        async for data in upstream.content.iter_any():
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The ASGI entry point."""
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif dict(scope["headers"]).get(b"authorization") != _KEY:
        await _response(send, 401, b'{"error":{"message":"wrong key","type":"authentication_error"}}')
    else:
        await _forward(scope, receive, send)
