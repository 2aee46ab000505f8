"""The transport of 2024-11-05, HTTP+SSE: a GET whose events are the server's messages, the first of which says where
ours are POSTed.

    opened -> event `endpoint` -> running -> (the stream ends, a POST fails) -> gone

One stream is one connection, shared by all callers like a child's pipes (`shared`). The endpoint must be of the same
origin as the stream: it is where credentials are sent.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Final
from urllib.parse import urljoin, urlsplit

from asbru.app.tools.http import STREAM_S, Http, Reply
from asbru.app.tools.http_peer import Credentials
from asbru.app.tools.peers import Broken, Unauthorized, Unreachable
from asbru.upstream.origin import Reach
from asbru.wire.errors import FramingError
from asbru.wire.sse import SseReader

ENDPOINT_S: Final = 10.0
POST_S: Final = 30.0
UNSENT_MAX: Final = 1000
"""Messages that wait for those before them to be taken."""


class SseWire:
    """See the module. `on_message` is given each message; `on_gone` is told why once it has ended by itself."""

    def __init__(self, http: Http, reach: Reach, url: str, credentials: Credentials) -> None:
        self.on_gone: Callable[[str], None] | None = None
        self._http = http
        self._reach = reach
        self._url = url
        self._credentials = credentials
        self._endpoint: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._unsent: deque[bytes] = deque()
        self._posting: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None
        self._over = False

    async def open(self, on_message: Callable[[bytes], None]) -> None:
        """Connect. Raises `Unreachable`, `Unauthorized`, `Broken`."""
        headers = {"accept": "text/event-stream", **await self._credentials()}
        try:
            reply = await self._http.send(
                self._reach, "GET", self._url, headers, timeout_s=STREAM_S, silent_s=STREAM_S
            )
        except ValueError as error:
            raise Unreachable(str(error)) from error
        if reply.status != 200 or reply.media_type != "text/event-stream":
            challenge = reply.header("www-authenticate")
            reply.close()
            if reply.status in (401, 403):
                raise Unauthorized(f"it refuses the credential (status {reply.status})", challenge)
            raise Broken(f"it has no event stream: status {reply.status}")
        self._reading = asyncio.create_task(self._read(reply, on_message))
        try:
            async with asyncio.timeout(ENDPOINT_S):
                await asyncio.shield(self._endpoint)
        except TimeoutError as error:
            await self.stop()
            raise Unreachable(f"it sent no endpoint within {ENDPOINT_S:g} s") from error

    def send(self, message: bytes) -> None:
        """One message, after those before it."""
        if self._over:
            return
        if len(self._unsent) >= UNSENT_MAX:
            self._end(f"{UNSENT_MAX} messages wait to be sent to it")
            return
        self._unsent.append(message)
        if self._posting is None or self._posting.done():
            self._posting = asyncio.create_task(self._post())

    async def stop(self) -> None:
        """Hang up."""
        self._over = True
        for task in (self._reading, self._posting):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _read(self, reply: Reply, on_message: Callable[[bytes], None]) -> None:
        reader = SseReader()
        why = "it closed its event stream"
        try:
            async for piece in reply.pieces():
                for event in reader.feed(piece):
                    if event.event == "endpoint":
                        self._take_endpoint(event.data.decode(errors="replace").strip())
                    elif event.event in ("", "message"):
                        on_message(event.data)
        except (Unreachable, Broken, FramingError) as error:
            why = str(error)
        finally:
            reply.close()
        self._end(why)

    def _take_endpoint(self, given: str) -> None:
        if self._endpoint.done():
            return
        endpoint = urljoin(self._url, given)
        if urlsplit(endpoint)[:2] != urlsplit(self._url)[:2]:
            raise Broken("its endpoint is at another origin than its event stream")
        self._endpoint.set_result(endpoint)

    async def _post(self) -> None:
        while self._unsent:
            message = self._unsent.popleft()
            try:
                headers = {"content-type": "application/json", **await self._credentials()}
                endpoint = await self._endpoint
                reply = await self._http.send(self._reach, "POST", endpoint, headers, body=message, timeout_s=POST_S)
            except (Unreachable, Unauthorized, ValueError) as error:
                self._end(str(error))
                return
            reply.close()
            if reply.status >= 300:
                self._end(f"it responded with status {reply.status} to a message")
                return

    def _end(self, why: str) -> None:
        if self._over:
            return
        self._over = True
        self._unsent.clear()
        if not self._endpoint.done():
            self._endpoint.set_exception(Broken(why))
        if self.on_gone is not None:
            self.on_gone(why)
