"""What checks that ask services have in common: JSON out, JSON in, and what makes no sense is an error.

A service is asked once for each text, or for each piece of one that is longer than the service takes: it would refuse
the whole, and a rule that fails open would let pass whatever is long enough. Its answer is read as whatever its
documentation says it is; anything else raises `ValueError`, which the rule meets as it says (`on_error`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec

from asbru.guardrails.findings import Finding, Ports

ANSWER_BYTES_MAX = 256 * 1024
OVERLAP_CHARS = 200
"""How much of a piece the next one repeats, so that what lies across the border is seen."""
PIECES_MAX = 64
"""Longer texts cannot be checked, which is an error."""


class Service:
    """The base of a judge that asks a service. `url`, `headers`: where and how; `body_of` and `kinds_of` are the
    service's own."""

    version = ""
    chars_max: int | None = None
    """How many characters the service takes at once; None: no bound is documented."""

    def __init__(self, url: str, headers: Mapping[str, str], *, private: bool = False) -> None:
        self.url = url
        self._headers = dict(headers)
        self._private = private

    def body_of(self, text: str) -> dict[str, Any]:
        """What is asked about a text."""
        raise NotImplementedError

    def kinds_of(self, answer: dict[str, Any]) -> Iterable[tuple[str, float]]:
        """What the service found, and how sure it is. Raises `ValueError`, `KeyError` or `TypeError` for nonsense."""
        raise NotImplementedError

    async def judge(self, texts: Sequence[str], ports: Ports) -> list[Finding]:
        """See `Asking`."""
        findings: list[Finding] = []
        for index, text in enumerate(texts):
            found: dict[str, float] = {}
            for piece in _pieces(text, self.chars_max):
                for kind, score in self._kinds(await self.ask(self.body_of(piece), ports)):
                    found[kind] = max(score, found.get(kind, 0.0))
            findings += [Finding(index, 0, len(text), kind, score) for kind, score in found.items()]
        return findings

    async def ask(self, body: dict[str, Any], ports: Ports) -> dict[str, Any]:
        """The answer to one request. Raises `ValueError` for what is none."""
        data = msgspec.json.encode(body)
        answer = await ports.fetch(self.url, self._headers, data, private=self._private)
        if not 200 <= answer.status < 300:
            raise ValueError(f"the service returned status {answer.status}")
        try:
            read: object = msgspec.json.decode(answer.body[:ANSWER_BYTES_MAX])
        except (msgspec.DecodeError, UnicodeError):
            raise ValueError("the service returned no JSON") from None
        if isinstance(read, dict):
            return cast("dict[str, Any]", read)
        raise ValueError("the service returned no JSON object")

    def _kinds(self, answer: dict[str, Any]) -> list[tuple[str, float]]:
        try:
            return [(str(kind)[:64], min(max(float(score), 0.01), 1.0)) for kind, score in self.kinds_of(answer)]
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise ValueError("the service returned JSON of an unexpected shape") from error


def _pieces(text: str, chars_max: int | None) -> list[str]:
    """What is asked about a text; nothing for one that says nothing."""
    if not text.strip():
        return []
    if chars_max is None or len(text) <= chars_max:
        return [text]
    step = chars_max - OVERLAP_CHARS
    pieces = [text[at : at + chars_max] for at in range(0, len(text) - OVERLAP_CHARS, step)]
    if len(pieces) > PIECES_MAX:
        raise ValueError(f"the text has {len(text)} characters, more than {PIECES_MAX} requests of the service take")
    return [piece for piece in pieces if piece.strip()]
