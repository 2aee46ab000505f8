"""Messages that callers post for a stream, which may be at another worker: each is acknowledged by that worker before
its sender hears that it was accepted, so those that are posted one after the other keep their order.

    the stream is here                     it takes the message at once
    its worker is another one              that one is asked, by way of the bookkeeper (`app.deliveries`)
    its worker is gone, or has no such stream            GONE
    it does not answer within DELIVER_S                  AWAY: a message that is later than that is not taken any more
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from asbru.core.errors import Overloaded
from asbru.mcp.servers.delivery import DELIVER_SUBJECT, TAKEN_SUBJECT, Deliver, Delivered, Delivery, Taken

if TYPE_CHECKING:
    from asbru.core.future import Future

STREAMS_MAX: Final = 100_000
DELIVER_S: Final = 4.0
"""How old a message may be when its stream takes it."""
ANSWER_S: Final = 5.0
"""How long its sender waits to hear of that."""

Take = Callable[[bytes], None]
Ask = Callable[[str, bytes, float], "Future[bytes | None]"]
"""Asks the bookkeeper (subject, payload, deadline), as `Link.fetch` does."""
Tell = Callable[[str, bytes], object]


class Others(NamedTuple):
    """The other workers. `own`: by which they know this one."""

    own: str
    ask: Ask
    tell: Tell
    clock: Callable[[], float]


class Deliveries:
    """See the module: those of one worker, among `Others` where there are any."""

    def __init__(self, others: Others | None = None) -> None:
        self.worker = "" if others is None else others.own
        self._others = others
        self._streams: dict[str, Take] = {}

    def follow(self, token: str, take: Take) -> None:
        """Have each message for a stream taken, until it is to `forget`. `take` does not raise. Raises `Overloaded`."""
        if len(self._streams) >= STREAMS_MAX:
            raise Overloaded("too many streams are open", retry_after_s=1)
        self._streams[token] = take

    def forget(self, token: str) -> None:
        """The stream is over."""
        self._streams.pop(token, None)

    async def deliver(self, worker: str, token: str, data: bytes) -> Delivery:
        """Give a message to a stream of a worker. Waits for nothing where that is this one."""
        others = self._others
        if worker == self.worker or others is None:
            return self._take(token, data)
        asked = Deliver(worker, token, data, others.clock() + DELIVER_S)
        answer = await others.ask(DELIVER_SUBJECT, msgspec.msgpack.encode(asked), ANSWER_S)
        return Delivery.AWAY if answer is None else Delivery(answer)

    def on_delivered(self, payload: bytes) -> None:
        """A message that came to another worker."""
        others = self._others
        assert others is not None, "one of them has sent it"
        message = msgspec.msgpack.decode(payload, type=Delivered)
        late = others.clock() > message.until_s
        result = Delivery.AWAY if late else self._take(message.token, message.data)
        others.tell(TAKEN_SUBJECT, msgspec.msgpack.encode(Taken(message.number, result.value)))

    def _take(self, token: str, data: bytes) -> Delivery:
        take = self._streams.get(token)
        if take is None:
            return Delivery.GONE
        take(data)
        return Delivery.TAKEN
