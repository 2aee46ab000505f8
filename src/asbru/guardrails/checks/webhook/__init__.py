"""A service of your own: it is sent texts, and answers with findings.

    POST url   {"text": "..."}
    answer     {"findings": [{"kind": "secret", "start": 3, "end": 9, "score": 0.9}, ...]}

`start` and `end` count characters (code points); without them a finding is the whole text. `score` defaults to 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from asbru.guardrails.checks.asking import Service
from asbru.guardrails.checks.kit import Check
from asbru.guardrails.findings import Asking, Finding, Ports

__all__ = ["CHECK"]


class WebhookSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the service is. Its credential, if any, is sent as a bearer token."""

    url: Annotated[
        str, Meta(pattern=r"^https?://[^\s/?#@]+([/?][^\s]*)?$", max_length=2000, description="Where texts are sent.")
    ]
    headers: Annotated[dict[str, str], Meta(max_length=32, description="Headers sent with each request.")] = {}
    allow_private: Annotated[
        bool, Meta(description="Whether the address may be of this machine or a private network.")
    ] = False


class _Webhook(Service):
    def body_of(self, text: str) -> dict[str, Any]:
        """See `Service`."""
        return {"text": text}

    def kinds_of(self, answer: dict[str, Any]) -> Iterable[tuple[str, float]]:
        """See `Service`: findings are read with their places instead."""
        del answer
        return ()

    async def judge(self, texts: Sequence[str], ports: Ports) -> list[Finding]:
        """See `Asking`."""
        findings: list[Finding] = []
        for index, text in enumerate(texts):
            if not text.strip():
                continue
            answer = await self.ask(self.body_of(text), ports)
            try:
                found = [_read(index, text, one) for one in answer["findings"]]
            except (KeyError, TypeError, AttributeError):
                raise ValueError("expected `findings`, a list of objects with `kind`") from None
            findings += found
        return findings


def _read(index: int, text: str, one: dict[str, Any]) -> Finding:
    start, end = int(one.get("start", 0)), int(one.get("end", len(text)))
    if not 0 <= start < end <= len(text):
        raise ValueError("a finding lies outside of its text")
    return Finding(index, start, end, str(one["kind"])[:64], float(one.get("score", 1.0)))


def _make(settings: WebhookSettings, credential: str) -> Asking:
    headers = {**settings.headers, **({"authorization": f"Bearer {credential}"} if credential else {})}
    return _Webhook(settings.url, headers, private=settings.allow_private)


CHECK = Check(
    name="webhook", sentence="What a service of your own finds.", settings=WebhookSettings, make=_make, asks=True
)
