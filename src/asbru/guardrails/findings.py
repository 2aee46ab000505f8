"""What checks say of texts: findings, which tell where something is and never what it is; and what checks ask with.

Judge     decides at once, from the text alone
Asking    asks elsewhere: a model, a service
"""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

T = TypeVar("T")


class Finding(NamedTuple):
    """Something in one of the texts. `text`: which; `start` and `end`: its characters; `kind`: what it is, as a word;
    `score`: how sure the check is, above 0 to 1."""

    text: int
    start: int
    end: int
    kind: str
    score: float = 1.0


class Judge(Protocol):
    """A check with its settings. `version`: what decides besides the settings (a file that was read)."""

    @property
    def version(self) -> str:
        """See the class; "" mostly."""
        ...

    def judge(self, texts: Sequence[str]) -> list[Finding]:
        """The findings, each within one text. Pure, and quick enough for the event loop."""
        ...

    def held(self, text: str) -> int:
        """Where in a text that goes on something may begin that more text turns into a finding; its length for
        nowhere. Whatever is found of the whole begins there or later, or is found already."""
        ...


class Answer(NamedTuple):
    """What a service answered."""

    status: int
    body: bytes


class Ports(Protocol):
    """What checks ask with. Awaits nothing but `core.future.Future`s."""

    def fetch(
        self, url: str, headers: Mapping[str, str], body: bytes, *, private: bool
    ) -> Coroutine[Any, Any, Answer]:
        """POST `body`; `private`: to private networks too. Raises `AsbruError` where there is no answer."""
        ...

    def ask(self, model: str, system: str, text: str) -> Coroutine[Any, Any, str]:
        """What a model of this gateway replies. Raises `AsbruError`."""
        ...

    def within(self, work: Coroutine[Any, None, T], seconds: float) -> Awaitable[T]:
        """Await `work` for so long. Raises `AsbruError`."""
        ...


class Asking(Protocol):
    """A check that asks elsewhere."""

    @property
    def version(self) -> str:
        """See `Judge`."""
        ...

    async def judge(self, texts: Sequence[str], ports: Ports) -> list[Finding]:
        """The findings. Raises `AsbruError`, or `ValueError` for an answer that makes no sense."""
        ...
