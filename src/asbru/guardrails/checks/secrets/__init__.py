"""Credentials: tokens that are known by their shape, private keys, passwords in addresses.

The judge is in `judge.py`, the shapes in `shapes.py`; rules of gitleaks can be read beside them (`gitleaks.py`).
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from asbru.guardrails.checks.kit import Check
from asbru.guardrails.findings import Judge

__all__ = ["CHECK"]


class SecretSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which credentials are looked for."""

    ignored: Annotated[
        tuple[str, ...], Meta(max_length=200, description="Kinds that are not looked for, such as `jwt`.")
    ] = ()
    allowed: Annotated[
        tuple[Annotated[str, Meta(min_length=4, max_length=500)], ...],
        Meta(max_length=1000, description="Texts that are no secrets, such as documented examples."),
    ] = ()
    generic: Annotated[
        bool, Meta(description="Also what is assigned to names like `password` or `api_key` and looks random.")
    ] = False
    gitleaks_file: Annotated[
        str, Meta(max_length=1000, description="A file with rules of gitleaks (TOML), which apply as well.")
    ] = ""


def _make(settings: SecretSettings, credential: str) -> Judge:
    del credential
    from asbru.guardrails.checks.secrets.judge import SecretJudge  # loads RE2

    return SecretJudge(settings)


CHECK = Check(
    name="secrets",
    sentence="Credentials: tokens of known shapes, private keys, passwords in addresses.",
    settings=SecretSettings,
    make=_make,
)
