"""Fallbacks as they are served by: without targets of providers that are not configured, and without repetitions."""

from __future__ import annotations

from asbru.app.compile_providers import Findings
from asbru.app.config import ConfigPath, ParsedConfig
from asbru.app.snapshot import Fallback


def compile_fallbacks(parsed: ParsedConfig, findings: Findings) -> tuple[Fallback, ...]:
    """Those that have a target left; what was left out is a warning."""
    compiled: list[Fallback] = []
    configured = parsed.config.providers
    for index, fallback in enumerate(parsed.config.fallbacks):
        source_provider = fallback.source.partition("/")[0]
        if source_provider not in configured:
            findings.warn(
                ("fallbacks", index, "from"),
                f"provider {source_provider!r} is not configured, so this entry has no effect",
            )
        targets: list[str] = []
        for place, target in enumerate(fallback.targets):
            where: ConfigPath = ("fallbacks", index, "to", place)
            provider = target.partition("/")[0]
            if provider not in configured:
                findings.warn(where, f"provider {provider!r} is not configured: this fallback is skipped")
            elif target == fallback.source or target in targets:
                findings.warn(where, f"{target} is already in this chain of fallbacks: skipped")
            else:
                targets.append(target)
        if targets:
            compiled.append(Fallback(source=fallback.source, targets=tuple(targets)))
    return tuple(compiled)
