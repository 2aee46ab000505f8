"""Configuration -> what may be served by: a snapshot, the declared entries of the feed, and what the supervisor starts.

It alone loads pydantic, YAML and the price data, and runs in a short-lived process (`app.compile_process`). Nothing is
written here but what the data directory keeps: a pepper, and a key that Asbru makes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec

from asbru.app.boot import Boot, Options
from asbru.app.compile_access import is_loopback, is_open, make_key, object_keys
from asbru.app.compile_boot import check_server_tls, compile_boot, compile_forwards
from asbru.app.compile_cache import check_cache, probe_redis
from asbru.app.compile_fallbacks import compile_fallbacks
from asbru.app.compile_governance import compile_governance, enforce_auth, warn_of_unpriced
from asbru.app.compile_guardrails import check_guardrails
from asbru.app.compile_kept import check_kept, declared_sections
from asbru.app.compile_mcp import check_mcp, compile_apis
from asbru.app.compile_models import check_model_names
from asbru.app.compile_operations import check_operations
from asbru.app.compile_providers import Findings, compile_providers
from asbru.app.compile_rules import compile_rules, warn_of_unowned
from asbru.app.compile_tracing import compile_tracing
from asbru.app.config import (
    ConfigFile,
    ConfigPath,
    ConfigRefusedError,
    Document,
    ParsedConfig,
    Problem,
    load_document,
    parse_config,
)
from asbru.app.data_dir import ensure_data_dir, load_pepper
from asbru.app.defaults import ProviderTypes, default_settings
from asbru.app.paths import find_config_file
from asbru.app.prove import prove
from asbru.app.setting_list import written_paths
from asbru.app.snapshot import ProviderFacts, Snapshot
from asbru.app.stored_objects import Stored, load_stored
from asbru.cluster import Entries
from asbru.core.secret_text import SecretText
from asbru.governance import VIRTUAL_KEY
from asbru.governance.limits import Reservation
from asbru.mcp.servers import McpSettings
from asbru.providers import discover

_AS_WRITTEN = (
    *("guardrails", "breaker", "affinity", "conversations", "limits"),
    *("overload", "metrics", "records", "cache"),
)
"""Sections that a snapshot carries as they are."""


@dataclass(frozen=True)
class Compiled:
    """A configuration that may be served. `declared`: the entries of the feed that it makes. `stored`: where in the
    configuration the objects are that are not the file's; `written`: the paths of the settings that are."""

    snapshot: Snapshot
    declared: Entries
    boot: Boot
    config: ConfigFile
    generated_key: SecretText | None = None
    warnings: list[Problem] = field(default_factory=list[Problem])
    stored: frozenset[ConfigPath] = frozenset()
    written: frozenset[ConfigPath] = frozenset()


def compile_config(
    options: Options,
    env: Mapping[str, str],
    *,
    types: ProviderTypes | None = None,
    dry: bool = False,
    stored: Stored | None = None,
    document: Document | None = None,
) -> Compiled:
    """Read, check and resolve everything, of a file or the `document`; raises ConfigRefusedError with all errors. `dry`
    leaves the data directory untouched (digests are then made under a pepper of zeros)."""
    types = discover() if types is None else types
    file = find_config_file(options.config, options.data_dir) if document is None else None
    document = document or (load_document(file) if file else Document(default_settings(types, env)))
    stored = stored or Stored()
    is_empty, declares = not document.data, declared_sections(document)
    written = written_paths(document.data)
    stored.merge_into(document)
    parsed = parse_config(document, env)
    findings = Findings(parsed.part, watched=[*parsed.files])
    check_kept(options, declares, stored, findings, is_empty=is_empty)
    host = options.bound or options.host or parsed.config.listen.host
    providers = compile_providers(parsed, types, findings, now=datetime.now(UTC), mock_socket=options.mock_socket)
    pepper = b"\0" * 32 if dry or parsed.problems else load_pepper(ensure_data_dir(options.data_dir))
    declared = compile_governance(parsed, pepper, findings, stored=stored.owners)
    warn_of_unpriced(parsed.config, providers, findings)
    keys_needed = enforce_auth(parsed.config, findings)
    if parsed.config.virtual_keys and not declared[VIRTUAL_KEY] and keys_needed is not False:
        findings.warn(("virtual_keys",), "every virtual key is disabled, so every call will be refused")
    fallbacks = compile_fallbacks(parsed, findings)
    rules = compile_rules(parsed, findings)
    warn_of_unowned(parsed.config, stored.owners, findings)
    check_guardrails(parsed.config.guardrails.rules, findings)
    forwards = compile_forwards(options, parsed, findings)
    tracing = compile_tracing(parsed.config.tracing, env, findings)
    check_server_tls(parsed, findings)
    mcp, apis = _check_together(parsed.config, providers, findings, stored.places)
    if keys_needed is False and not is_loopback(host):
        findings.warn(("governance", "enforce_auth"), f"anyone who reaches {host} may call without a virtual key")
    if errors := _errors(parsed, findings, dry=dry):
        raise ConfigRefusedError(sorted(errors, key=lambda problem: (problem.line or 0, str(problem.path))))
    open_access = (
        keys_needed is None and is_open(parsed.config, stored, options.data_dir, findings) and is_loopback(host)
    )
    needs_key = not parsed.config.virtual_keys and not open_access and keys_needed is not False
    shown_once = None if dry else make_key(declared, pepper, options.data_dir, stored, needed=needs_key)
    snapshot = Snapshot(
        providers=providers,
        pepper=SecretText(pepper.hex()),
        object_keys=() if dry else object_keys(options.data_dir, env),
        open_access=open_access,
        keys_optional=keys_needed is False,
        models=parsed.config.models,
        fallbacks=fallbacks,
        routing_rules=rules,
        reservation=msgspec.convert(parsed.config.governance, Reservation, from_attributes=True),
        forwards=forwards,
        cors_origins=tuple(parsed.config.cors_origins),
        access_log=parsed.config.log.access,
        tracing=tracing,
        mcp=mcp,
        apis=apis,
        **{name: getattr(parsed.config, name) for name in _AS_WRITTEN},
    )
    if unproven := [Problem(path, why, document.line(path)) for path, why in prove(snapshot, declared)]:
        raise ConfigRefusedError(unproven)
    boot = compile_boot(options, parsed, snapshot, findings)._replace(
        config_file=str(file.absolute()) if file else None, declares=declares if file else ()
    )
    return Compiled(snapshot, declared, boot, parsed.config, shown_once, findings.warnings, stored.places, written)


def _errors(parsed: ParsedConfig, findings: Findings, *, dry: bool) -> list[Problem]:
    """All that is wrong. Servers that the configuration names are asked last, if all else is well, and never in a dry
    run."""
    if not (dry or parsed.problems or findings.errors):
        probe_redis(parsed.config.cache, findings)
    return [*parsed.problems, *findings.errors]


def _check_together(
    config: ConfigFile,
    providers: tuple[ProviderFacts, ...],
    findings: Findings,
    stored_places: Collection[ConfigPath],
) -> tuple[McpSettings, dict[str, bytes]]:
    """What sections say about each other; the section `mcp` as it is served by, and the tools of its HTTP APIs."""
    check_model_names(config, providers, findings)
    check_operations(config, providers, findings)
    check_cache(config, findings)
    check_mcp(config, findings, stored_places)
    return compile_apis(config, findings, stored_places)


def compile_stored(options: Options, env: Mapping[str, str], *, dry: bool = False) -> Compiled:
    """Compile the file and what is stored (`dry` as in `compile_config`); stored objects that are in the way are left
    out, with warnings."""
    stored = load_stored(options.data_dir, env)
    while True:
        try:
            compiled = compile_config(options, env, dry=dry, stored=stored)
        except ConfigRefusedError as refused:
            if not stored.leave_out(refused.problems):
                raise
        else:
            compiled.warnings.extend(Problem((), warning) for warning in stored.warnings)
            return compiled
