"""The worker's side of the index of stored objects. A question that the bookkeeper does not answer in time raises
`Overloaded`, or is lost where nobody waits for what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from asbru.core.errors import Overloaded
from asbru.stored.ids import ObjectIds
from asbru.stored.questions import SUBJECT, Asked, Claim, Listed, ObjectRow, Page, Put, Remove

if TYPE_CHECKING:
    from asbru.core.future import Future

DEADLINE_S: Final = 5.0


class Asks(Protocol):
    """The link, as far as it is needed."""

    def fetch(self, subject: str, payload: bytes, deadline_s: float) -> Future[bytes | None]:
        """The answer; None where there is none in time."""
        ...


class ObjectIndex:
    """See the module."""

    def __init__(self, link: Asks) -> None:
        self._link = link

    async def put(self, row: ObjectRow) -> bool:
        """Keep an object; whether it is kept."""
        return await self._ask(Put(row)) is not None

    async def remove(self, object_id: str) -> None:
        """Forget an object."""
        await self._ask(Remove(object_id))

    async def list(self, listed: Listed) -> Page:
        """The objects of an owner. Raises `Overloaded`."""
        answer = await self._ask(listed)
        if answer is None:
            raise Overloaded("the list of stored objects cannot be read now; try again shortly", retry_after_s=1)
        return msgspec.msgpack.decode(answer, type=Page)

    async def claim(self, object_id: str) -> bool:
        """Whether what it used is to be counted now."""
        return await self._ask(Claim(object_id)) == b"1"

    async def _ask(self, asked: Asked) -> bytes | None:
        return await self._link.fetch(SUBJECT, msgspec.msgpack.encode(asked), DEADLINE_S)


class StoredObjects:
    """What the path needs of stored objects."""

    def __init__(self, ids: ObjectIds, index: ObjectIndex) -> None:
        self.ids = ids
        self.index = index
