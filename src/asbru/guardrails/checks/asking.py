"""What checks that ask services have in common: JSON out, JSON in, and what makes no sense is an error.

A service is asked once for each text. Its answer is read as whatever its documentation says it is; anything else raises
`ValueError`, which the rule meets as it says (`on_error`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import msgspec

from asbru.guardrails.findings import Finding, Ports

ANSWER_BYTES_MAX = 256 * 1024


class Service:
    """The base of a judge that asks a service. `url`, `headers`: where and how; `body_of` and `kinds_of` are the
    service's own."""

    version = ""

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
            if text.strip():
                answer = await self.ask(self.body_of(text), ports)
                findings += [Finding(index, 0, len(text), kind, score) for kind, score in self._kinds(answer)]
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
            raise ValueError(f"the service's answer makes no sense: {type(error).__name__}") from None
