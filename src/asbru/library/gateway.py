"""`Gateway`: the gateway inside an application, on its event loop. Everything a call goes through is what a served call
goes through, from the door on (`serving`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload
from urllib.parse import quote

import msgspec

from asbru.library.reply import Reply, Stream, broken, error_of, read_headers
from asbru.library.serving import Config, Serving, serving

if TYPE_CHECKING:
    from types import TracebackType

    from asbru.dialects import Dialect
    from asbru.library.response import Connection

_CHAT = "openai.chat"
_EMBEDDINGS = "openai.embeddings"
_MODELS_PATH = "/v1/models"
_ERRORS_FROM = 400


class Gateway:
    """A gateway inside an application: `async with asbru.Gateway(config) as gateway: await gateway.chat(...)`.

    `config`: the path of a configuration file, or the same as a mapping; None: the file in `data_dir`, else the
    built-in one. Settings of the server (`listen`, `control`) do not apply. `data_dir`: where records and the state of
    limits are kept, in SQLite; None: there are no records, and limits begin anew each time. `key`: the virtual key of
    calls that name none; needed where the configuration has virtual keys.

    Opening raises `ConfigRefusedError` with everything that is wrong with the configuration. Calls raise `CallError`;
    a call that is cancelled ends its request to the provider. To be used on the event loop that opened it.
    """

    def __init__(
        self, config: Config | None = None, *, data_dir: str | Path | None = None, key: str | None = None
    ) -> None:
        self._config = config
        self._data_dir = None if data_dir is None else Path(data_dir)
        self._key = key
        self._stack = AsyncExitStack()
        self._serving: Serving | None = None

    # Its life

    async def __aenter__(self) -> Gateway:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Compile the configuration and get ready for calls."""
        if self._serving is not None:
            raise RuntimeError("the gateway is open already")
        self._serving = await self._stack.enter_async_context(serving(self._config, self._data_dir))

    async def close(self) -> None:
        """End the calls under way, and write the records that are left. Harmless when it is not open."""
        self._serving = None
        await self._stack.aclose()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is unusual about the configuration."""
        return self._open.warnings

    # Calls

    @overload
    async def chat(
        self,
        *,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        stream: Literal[False] = False,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> Reply: ...

    @overload
    async def chat(
        self,
        *,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        stream: Literal[True],
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> Stream: ...

    async def chat(
        self,
        *,
        model: str,
        messages: Sequence[Mapping[str, Any]],
        stream: bool = False,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> Reply | Stream:
        """A chat in the OpenAI format, whole or as a stream; `members` are the other members of the request."""
        body = {"model": model, "messages": messages, **members}
        if stream:
            return await self.stream(_CHAT, {**body, "stream": True}, key=key, headers=headers)
        return await self.call(_CHAT, body, key=key, headers=headers)

    async def embeddings(
        self,
        *,
        model: str,
        input: str | Sequence[str],  # noqa: A002 -- the wire's own word for it
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> Reply:
        """Embeddings in the OpenAI format; `members` are the other members of the request."""
        return await self.call(_EMBEDDINGS, {"model": model, "input": input, **members}, key=key, headers=headers)

    async def models(self, *, key: str | None = None) -> list[str]:
        """The names of the models that the caller may use."""
        connection = self._open.begin(b"GET", _MODELS_PATH, b"", self._headers(key, None))
        reply = await self._whole(connection, self._open.routes[_CHAT].dialect)
        return [one["id"] for one in reply.data["data"]]

    async def call(
        self,
        operation: str,
        body: Mapping[str, Any] | bytes,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Reply:
        """Any operation of any dialect (`openai.embeddings`, `anthropic.messages`), by its name in records. `body`: an
        object, or the bytes to send, whose type `headers` then names where it is not JSON. `parameters`: what stands in
        the path. A reply that is streamed is gathered."""
        begun = self._begin(operation, body, self._headers(key, headers), parameters or {})
        return await self._whole(*begun)

    async def stream(
        self,
        operation: str,
        body: Mapping[str, Any] | bytes,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Stream:
        """The same for a body that asks for a stream of events. What fails before the first event is raised here."""
        connection, dialect = self._begin(operation, body, self._headers(key, headers), parameters or {})
        await _begun(connection, dialect)
        return Stream(connection, dialect, self._open.costs.take_cost)

    @property
    def _open(self) -> Serving:
        if self._serving is None:
            raise RuntimeError("the gateway is not open; use `async with`, or `await gateway.open()`")
        return self._serving

    def _headers(self, key: str | None, headers: Mapping[str, str] | None) -> dict[str, str]:
        key = key or self._key
        return {"content-type": "application/json", **({"x-asbru-key": key} if key else {}), **(headers or {})}

    def _begin(
        self,
        operation: str,
        body: Mapping[str, Any] | bytes,
        headers: Mapping[str, str],
        parameters: Mapping[str, str],
    ) -> tuple[Connection, Dialect]:
        route = self._open.routes.get(operation)
        if route is None:
            known = ", ".join(self._open.routes)
            raise ValueError(f"there is no operation {operation!r}; expected one of {known}")
        path = route.path
        for name, value in parameters.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return self._open.begin(route.method, path, data, headers), route.dialect

    async def _whole(self, connection: Connection, dialect: Dialect) -> Reply:
        serving_now = self._open
        await _begun(connection, dialect)
        response = connection.response
        pieces: list[bytes] = []
        try:
            while piece := await response.take():
                pieces.append(piece)
        finally:
            connection.leave()
        headers = read_headers(response.lines)
        if response.broken:
            raise broken(response.broken, headers)
        cost = serving_now.costs.take_cost(headers.get("x-asbru-id", ""))
        return Reply(response.status, headers, b"".join(pieces), cost)


async def _begun(connection: Connection, dialect: Dialect) -> None:
    """Wait for the response to begin; raise the error that it is."""
    response = connection.response
    try:
        await response.begun()
        if response.status >= _ERRORS_FROM:
            raise error_of(dialect, response.status, read_headers(response.lines), await response.take())
    except BaseException:
        connection.leave()
        raise
