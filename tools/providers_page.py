"""Writes docs/reference/providers.md from the providers' records; a test fails when the two differ.

python tools/providers_page.py
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from asbru.catalog.build import build_catalogue
from asbru.core.traits import Traits
from asbru.dialects import discover as dialects
from asbru.providers import Access, Provider, discover

PAGE = Path(__file__).resolve().parent.parent / "docs/reference/providers.md"
GENERIC = ("custom", "mock")
"""Types for any server, and for trying things out: they stand last."""

HEAD = """# Providers

<!-- Written by tools/providers_page.py from src/asbru/providers: edit the records there. -->

Every type of provider, with what its record states. The link leads to its page, which explains what differs and names
the sources. [Providers and fallbacks](../guides/providers-and-fallbacks.md) explains how to configure one.

## Access

A provider without an address needs `base_url`. A key that is "optional" is needed only where the server asks for one.
*Models with prices* counts those that the price data names, {total:,} in all; for all others, set `prices`.

| type | provider | dialect | address | key | sent as | models with prices |
|--|--|--|--|--|--|--|
"""

OPERATIONS = """
## Operations

`x`: the provider offers it, to callers of its dialect. `t`: to callers of every dialect, by translation. A call that a
provider does not offer is refused with `unsupported_by_provider`, or goes to the next target. `models`: the provider
has a list of its models, which Asbru asks for.

"""

OPERATIONS_TAIL = """
`count_tokens` is answered for every provider: where the provider does not count, Asbru estimates, and marks the result.

## What Asbru adapts

Asbru removes members that a provider refuses and adds a note to the call. *Limit* is what a translated call names the
token limit. *Reasoning returns in* is the member in which the reasoning of earlier replies is sent; "as it came" means
the member in which the provider sent it. *Rules* counts the rules for single models. `traits` changes all of it.

| type | removed members | limit | reasoning returns in | refused inputs | rules |
|--|--|--|--|--|--|
"""


def page() -> str:
    """The page's text."""
    providers = sorted(discover().values(), key=lambda one: (one.name in GENERIC, one.name))
    pairs = [(one, access) for one in providers for access in one.access]
    names = _operation_names()
    access = "".join(_row(_access(one, access)) for one, access in pairs)
    table = _row(["type", "dialect", *names]) + _row(["--"] * (len(names) + 2), space="")
    offered = "".join(_row([f"`{one.name}`", _word(access), *_offers(access, names)]) for one, access in pairs)
    adapted = "".join(_row(_adapted(one)) for one in providers)
    total = sum(map(_priced, {one.price_id for one in providers}))
    return HEAD.format(total=total) + access + OPERATIONS + table + offered + OPERATIONS_TAIL + adapted


def _access(one: Provider, access: Access) -> Iterator[str]:
    yield f"`{one.name}`"
    yield f"[{one.title}](../../src/asbru/providers/{one.name}/README.md)"
    yield _word(access)
    yield f"`{one.address(access)}`" if one.address(access) else "its own" if one.served_here else ""
    key = f"`{one.env_key}`" if one.env_key else ""
    yield f"{key}{', ' if key else ''}optional" if one.keyless else key
    yield access.auth_words or ("`Authorization: Bearer`" if access.auth == "bearer" else f"`{access.auth}`")
    count = _priced(one.price_id)
    yield f"{count:,}" if count else ""


def _priced(price_id: str | None) -> int:
    """How many models the price data names. Their number does not depend on the time, which their prices do."""
    return len(build_catalogue(price_id, datetime.now(UTC)).known_models)


def _offers(access: Access, names: list[str]) -> Iterator[str]:
    dialect = dialects()[access.dialect]
    for name in names:
        operation = dialect.operation(name)
        translated = operation is not None and (operation.codec or operation.shape) is not None
        mark = "t" if translated else "x"
        yield mark if name in access.operations else ""


def _adapted(one: Provider) -> Iterator[str]:
    traits: Traits = one.traits
    openai = any(access.dialect == "openai_chat" for access in one.access)
    yield f"`{one.name}`"
    yield ", ".join(f"`{name}`" for name in sorted(traits.strip))
    yield "`max_tokens`" if traits.legacy_max_tokens or not openai else "`max_completion_tokens`"
    back = traits.reasoning_back
    yield "nowhere" if back == "none" else "as it came" if back is None else f"`{back}`"
    yield ", ".join(traits.refuse_inputs)
    yield str(len(one.trait_rules) or "")


def _operation_names() -> list[str]:
    """The operations of all dialects, each once, in the order of the dialects."""
    names = (operation.name for dialect in dialects().values() for operation in dialect.operations)
    names = (name for name in names if "." not in name)  # what can be done with stored objects goes with storing them
    return list(dict.fromkeys([*names, "models"]))


def _word(access: Access) -> str:
    return dialects()[access.dialect].setting


def _row(cells: Iterator[str] | list[str], space: str = " ") -> str:
    return "|" + "|".join(f"{space}{cell}{space}" if cell else " " for cell in cells) + "|\n"


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
