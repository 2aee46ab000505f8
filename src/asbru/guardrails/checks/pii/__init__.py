"""Personal data: addresses, numbers of phones, cards, accounts and people. Numbers count only with a valid checksum."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from asbru.guardrails.checks.kit import Check
from asbru.guardrails.findings import Judge

__all__ = ["CHECK"]


PiiKind: TypeAlias = Literal["email", "phone", "card", "ssn", "iban", "ip"]


class PiiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which personal data is looked for."""

    kinds: Annotated[
        tuple[PiiKind, ...],
        Meta(
            min_length=1,
            description="`email`, `phone`, `card` (payment cards), `ssn` (US social security numbers), `iban`, `ip`.",
        ),
    ] = ("email", "phone", "card", "ssn", "iban", "ip")


def _make(settings: PiiSettings, credential: str) -> Judge:
    del credential
    from asbru.guardrails.checks.pii.shapes import pii_judge  # loads RE2

    return pii_judge(settings.kinds)


CHECK = Check(
    name="pii",
    sentence="Personal data: e-mail addresses, phone numbers, payment cards, US social security numbers, IBANs, IP "
    "addresses.",
    settings=PiiSettings,
    make=_make,
)
