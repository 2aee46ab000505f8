"""What a changed file may not lose: a running gateway does not become another one because its file was cut short."""

from __future__ import annotations

from typing import Any, cast

from asbru.app.boot import Options
from asbru.app.compile_providers import Findings
from asbru.app.config import Document
from asbru.app.stored_objects import Stored

KEPT_SECTIONS = ("providers", "virtual_keys")


def declared_sections(document: Document) -> tuple[str, ...]:
    """Those of `KEPT_SECTIONS` that the file has entries in."""
    data = cast("dict[str, Any]", document.data) if isinstance(document.data, dict) else {}
    return tuple(name for name in KEPT_SECTIONS if data.get(name))


def check_kept(
    options: Options, declares: tuple[str, ...], stored: Stored, findings: Findings, *, is_empty: bool
) -> None:
    """A running gateway does not become another one because its file was cut short."""
    if is_empty:
        findings.warn((), "the file is empty: no providers are configured, so every call will be refused")
    if is_empty and options.bound is not None:
        findings.error((), "the file is empty; restart Asbru if this is meant")
        return
    has_stored = {"providers": bool(stored.sections.get("providers")), "virtual_keys": stored.has_keys}
    for section in options.keeps:
        if section not in declares and not has_stored[section]:
            findings.error((section,), "the file has none any more; restart Asbru if this is meant")
