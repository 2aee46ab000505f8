"""The worker's side of stored responses. A question that the bookkeeper does not answer in time raises `Overloaded`, or
is lost where nobody waits for what it says."""

from __future__ import annotations

from typing import Final, cast

import msgspec

from asbru.core.errors import Overloaded
from asbru.stored.ids import ObjectIds
from asbru.stored.index import DEADLINE_S, Asks
from asbru.stored.responses.questions import (
    SUBJECT,
    Conversation,
    Link,
    PutResponse,
    ReadResponse,
    RemoveResponse,
    ResponseAsked,
    ResponseRow,
)
from asbru.stored.responses.settings import ConversationSettings

RESPONSE_BYTES_MAX: Final = 4 * 1024 * 1024
"""A response that adds more is not stored."""


class ResponseIndex:
    """See the module."""

    def __init__(self, link: Asks) -> None:
        self._link = link

    async def put(self, row: ResponseRow, bytes_max: int) -> bool:
        """Keep a response; whether it is kept."""
        if row.size_bytes > RESPONSE_BYTES_MAX:
            return False
        return await self._ask(PutResponse(row, bytes_max)) is not None

    async def conversation(self, response_id: str, owner: str, now_ms: int) -> list[Link]:
        """What each response of the conversation added, the first first; empty where it is not known whole. Raises
        `Overloaded`."""
        answer = await self._answer(Conversation(response_id, owner, now_ms))
        return msgspec.msgpack.decode(answer, type=list[Link])

    async def read(self, response_id: str, owner: str, now_ms: int) -> ResponseRow | None:
        """A response of an owner. Raises `Overloaded`."""
        answer = await self._answer(ReadResponse(response_id, owner, now_ms))
        return cast("ResponseRow | None", msgspec.msgpack.decode(answer, type=ResponseRow | None))

    async def remove(self, response_id: str, owner: str) -> None:
        """Forget a response. Raises `Overloaded`."""
        await self._answer(RemoveResponse(response_id, owner))

    async def _answer(self, asked: ResponseAsked) -> bytes:
        answer = await self._ask(asked)
        if answer is None:
            raise Overloaded("stored responses cannot be read now; try again shortly", retry_after_s=1)
        return answer

    async def _ask(self, asked: ResponseAsked) -> bytes | None:
        return await self._link.fetch(SUBJECT, msgspec.msgpack.encode(asked), DEADLINE_S)


class StoredResponses:
    """What the path needs of stored responses."""

    def __init__(self, ids: ObjectIds, index: ResponseIndex, settings: ConversationSettings) -> None:
        self.ids = ids
        self.index = index
        self.settings = settings
