"""The bookkeeper's part: it passes questions on to the tools process, which is on the link as workers are.

    worker, control --question--> bookkeeper --push--> tools process --message--> bookkeeper --reply--> who asked

While the tools process is away, or when it goes, questions are refused at once. It is told of processes that have gone;
workers are told when it is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asbru.app.lean import msgspec
from asbru.app.tools.messages import ASKED, PARTED, Answered, Asked
from asbru.link.frames import PUSH, write_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from asbru.link.peers import Peer, Question

WAITING_MAX = 10_000


class Relay:
    """See the module. `on_here` is called when the tools process has come, or come back."""

    def __init__(self, on_here: Callable[[], None]) -> None:
        self._on_here = on_here
        self._tools: Peer | None = None
        self._number = 0
        self._waiting: dict[int, Question] = {}
        self._encode = msgspec.msgpack.Encoder().encode
        self._read = msgspec.msgpack.Decoder(Answered).decode

    def take_tools(self, peer: Peer, _: bytes) -> None:
        """The tools process is here."""
        self._refuse_all()
        self._tools = peer
        self._on_here()

    def ask(self, subject: str, question: Question) -> bytes | None:
        """Pass a question on; its reply comes later."""
        if self._tools is None or len(self._waiting) >= WAITING_MAX:
            question.refuse()
            return None
        self._number += 1
        self._waiting[self._number] = question
        asked = self._encode(Asked(self._number, subject, question.payload))
        self._tools.send(write_frame(PUSH, 0, ASKED, asked))
        return None

    def take_answer(self, _: Peer, payload: bytes) -> None:
        """The tools process has answered. Raises ValueError for what cannot be read."""
        answered = self._read(payload)
        question = self._waiting.pop(answered.number, None)
        if question is None:
            return
        if answered.payload is None:
            question.refuse()
        else:
            question.reply(answered.payload)

    def part(self, incarnation: str) -> None:
        """A process has gone."""
        if self._tools is not None and self._tools.incarnation == incarnation:
            self._tools = None
            self._refuse_all()
        elif self._tools is not None:
            self._tools.send(write_frame(PUSH, 0, PARTED, incarnation.encode()))
        for number in [one for one, asked in self._waiting.items() if asked.peer.incarnation == incarnation]:
            del self._waiting[number]

    def _refuse_all(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for question in waiting.values():
            question.refuse()
