"""One request to an ASGI application, without a server or a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import MutableMapping
from typing import Any, NamedTuple

WAIT_S = 60.0


class Answer(NamedTuple):
    """What the application sent."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, str]:
        """The error, which has exactly the members that every error has."""
        error = self.json()["error"]
        assert set(self.json()) == {"error"} and set(error) == {"type", "code", "message"}
        return error


def ask(application: Any, path: str, body: bytes | None = None, **how: str) -> Answer:
    """The answer, of a loop of its own; see `answer_of`."""
    return asyncio.run(answer_of(application, path, body, **how))


async def answer_of(
    application: Any, path: str, body: bytes | None = None, *, method: str = "GET", query: str = "", **headers: str
) -> Answer:
    """The answer, of a bounded time; an exception that the application raises on after it has answered is swallowed."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in names.items()],
        "server": ("asbru", 80),
        "client": None,
    }
    answered = asyncio.Event()
    sent: list[MutableMapping[str, Any]] = []
    received = [{"type": "http.request", "body": body or b"", "more_body": False}]

    async def receive() -> MutableMapping[str, Any]:
        if received:
            return received.pop(0)
        await answered.wait()
        return {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            answered.set()

    try:
        async with asyncio.timeout(WAIT_S):
            await application(scope, receive, send)
    except ZeroDivisionError:  # what tests raise inside of a route
        assert sent
    head = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], head, b"".join(message.get("body", b"") for message in sent[1:]))
