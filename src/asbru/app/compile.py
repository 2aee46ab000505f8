"""Configuration -> snapshot. A short-lived process: it alone loads pydantic, YAML and the price data.

    python -m asbru.app.compile [--config FILE] --data-dir DIR [--host H] [--port P] [--workers N]
                                [--mock-socket PATH] [--control-socket PATH] [--control True|False]
                                [--bound ADDRESS] [--keeps SECTION,...]
                                --out PATH | --check

What the management API has stored is read beside the file; an object that cannot be compiled any more, since the file
has changed, is left out with a warning. `--bound` and `--keeps`: a gateway runs, listens there, and its file has
entries in these sections; a file that has lost all of them, or is empty, is then refused, since it was more likely
damaged than meant. `--check` writes nothing and reads {"stored": objects, "live": provider or null} from stdin; that
provider is also asked whether it answers.

Prints JSON lines: {"warnings": [text]}, {"generated_key": text} the one time that a key is made, {"result": {...}} and
exit 0, or {"errors": [text]} and exit 1; {"checked": true} where a check found none. Exit 74: there is no room to write
what was compiled, or nobody to say it to. The snapshot and, beside it, the declared entries of the feed are written
whole (rename), 0600.
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import os
import ssl
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec

from asbru.app.boot import EXIT_UNWRITTEN, Boot, Options
from asbru.app.compile_cache import check_cache, probe_redis
from asbru.app.compile_governance import compile_governance, enforce_auth, warn_of_unpriced
from asbru.app.compile_guardrails import check_guardrails
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
from asbru.app.data_dir import (
    KEYS_FILE,
    ensure_data_dir,
    generated_key,
    had_stored_keys,
    load_pepper,
    remember_stored_keys,
    write_private,
)
from asbru.app.defaults import ProviderTypes, default_settings
from asbru.app.live_check import check_live
from asbru.app.paths import catalogue_file, declared_file, find_config_file, shown_file
from asbru.app.prove import prove
from asbru.app.setting_list import written_paths
from asbru.app.shown import shown_models, shown_sections
from asbru.app.snapshot import Fallback, PrefixForward, ProviderFacts, Snapshot, write_snapshot
from asbru.app.stored_objects import Stored, load_stored
from asbru.cluster import Entries, write_entries
from asbru.core.secret_text import SecretText
from asbru.governance import VIRTUAL_KEY, write_virtual_key
from asbru.governance.entries import identity_of
from asbru.governance.limits import Reservation
from asbru.mcp.servers import McpSettings
from asbru.providers import ProviderFault, discover
from asbru.storage import NewerSchema, StorageError

CONTROL_PREFIXES = ("/api", "/ui")
KEPT_SECTIONS = ("providers", "virtual_keys")
_AS_WRITTEN = (
    *(
        "guardrails",
        "breaker",
        "affinity",
        "conversations",
        "limits",
        "overload",
        "metrics",
        "records",
        "cache",
    ),
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
    is_empty, declares = not document.data, _declared_sections(document)
    written = written_paths(document.data)
    stored.merge_into(document)
    parsed = parse_config(document, env)
    findings = Findings(parsed.part, watched=[*parsed.files])
    _check_kept(options, declares, stored, findings, is_empty=is_empty)
    host = options.bound or options.host or parsed.config.listen.host
    providers = compile_providers(parsed, types, findings, now=datetime.now(UTC), mock_socket=options.mock_socket)
    pepper = b"\0" * 32 if dry or parsed.problems else load_pepper(ensure_data_dir(options.data_dir))
    declared = compile_governance(parsed, pepper, findings, stored=stored.owners)
    warn_of_unpriced(parsed.config, providers, findings)
    keys_needed = enforce_auth(parsed.config, findings)
    if parsed.config.virtual_keys and not declared[VIRTUAL_KEY] and keys_needed is not False:
        findings.warn(("virtual_keys",), "every virtual key is disabled, so every call will be refused")
    fallbacks = _fallbacks(parsed, findings)
    rules = compile_rules(parsed, findings)
    warn_of_unowned(parsed.config, stored.owners, findings)
    check_guardrails(parsed.config.guardrails.rules, findings)
    forwards = _forwards(options, parsed, findings)
    tracing = compile_tracing(parsed.config.tracing, env, findings)
    _check_server_tls(parsed, findings)
    mcp, apis = _check_together(parsed.config, providers, findings, stored.places)
    if keys_needed is False and not is_loopback(host):
        findings.warn(("governance", "enforce_auth"), f"anyone who reaches {host} may call without a virtual key")
    if errors := _errors(parsed, findings, dry=dry):
        raise ConfigRefusedError(sorted(errors, key=lambda problem: (problem.line or 0, str(problem.path))))
    open_access = (
        keys_needed is None and _is_open(parsed.config, stored, options.data_dir, findings) and is_loopback(host)
    )
    needs_key = not parsed.config.virtual_keys and not open_access and keys_needed is not False
    shown_once = None if dry else _make_key(declared, pepper, options.data_dir, stored, needed=needs_key)
    snapshot = Snapshot(
        providers=providers,
        pepper=SecretText(pepper.hex()),
        object_keys=() if dry else _object_keys(options.data_dir, env),
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
    boot = _boot(options, parsed, snapshot, findings)._replace(
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


def _make_key(declared: Entries, pepper: bytes, data_dir: Path, stored: Stored, *, needed: bool) -> SecretText | None:
    """A virtual key of Asbru's own, where one is needed and nobody has one; to be shown when it is made."""
    if stored.has_keys:
        remember_stored_keys(data_dir)
        return None
    if not needed:
        return None
    digest, shown_once = generated_key(data_dir, pepper)
    declared[VIRTUAL_KEY] = {digest: write_virtual_key("generated", ("*",), identity_of(digest))}
    return shown_once


def _object_keys(data_dir: Path, env: Mapping[str, str]) -> tuple[SecretText, ...]:
    from asbru.secrets import KeyringError, load_object_keys  # slow to import

    try:
        return tuple(SecretText(key.hex()) for key in load_object_keys(data_dir, env))
    except KeyringError as error:
        raise ConfigRefusedError([Problem((), str(error))]) from error


def _declared_sections(document: Document) -> tuple[str, ...]:
    """Those of `KEPT_SECTIONS` that the file has entries in."""
    data = cast("dict[str, Any]", document.data) if isinstance(document.data, dict) else {}
    return tuple(name for name in KEPT_SECTIONS if data.get(name))


def _is_open(config: ConfigFile, stored: Stored, data_dir: Path, findings: Findings) -> bool:
    """Whether there are no virtual keys, nor have been in the database: one that is lost opens nothing."""
    if config.virtual_keys or stored.has_keys:
        return False
    if not had_stored_keys(data_dir):
        return True
    findings.warn(
        ("virtual_keys",),
        "the database held virtual keys and holds none now, so a key is generated; to let calls in without a key, "
        f"set governance.enforce_auth to false or remove {data_dir / KEYS_FILE}",
    )
    return False


def _check_kept(
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


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a listener on `host`. A name that is not plainly local is not."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _boot(options: Options, parsed: ParsedConfig, snapshot: Snapshot, findings: Findings) -> Boot:
    listen = parsed.config.listen
    return Boot(
        host=options.host or listen.host,
        port=listen.port if options.port is None else options.port,
        workers=options.workers or listen.workers,
        tls_cert=listen.tls.cert_file if listen.tls else None,
        tls_key=listen.tls.key_file if listen.tls else None,
        drain_grace_s=snapshot.limits.drain_grace_s,
        served_here=tuple(sorted({p.kind for p in snapshot.providers if p.unix_socket is not None})),
        watched=tuple(findings.watched),
        open_access=snapshot.open_access,
        control=parsed.config.control.enabled,
        tools=bool(parsed.config.mcp.servers),
        log_format=parsed.config.log.format,
    )


def _fallbacks(parsed: ParsedConfig, findings: Findings) -> tuple[Fallback, ...]:
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


def _forwards(options: Options, parsed: ParsedConfig, findings: Findings) -> tuple[PrefixForward, ...]:
    """The configured ones, and those of the control process while it runs."""
    config = parsed.config
    runs = _runs_control(options, config)
    for index, forward in enumerate(config.forwards):
        for reserved in CONTROL_PREFIXES if runs or config.control.enabled else ():
            if f"{forward.prefix}/".startswith(f"{reserved}/"):
                findings.error(
                    ("forwards", index, "prefix"),
                    f"{reserved} belongs to the control process; choose another, or set `control.enabled: false`",
                )
    compiled = [*config.forwards]
    if runs and options.control_socket is not None:
        compiled += [PrefixForward(prefix=prefix, unix_socket=options.control_socket) for prefix in CONTROL_PREFIXES]
    return tuple(compiled)


def _check_server_tls(parsed: ParsedConfig, findings: Findings) -> None:
    tls = parsed.config.listen.tls
    if tls is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.cert_file, tls.key_file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "not a PEM certificate and key"
        findings.error(("listen", "tls"), f"the certificate and key cannot be used: {reason}")


class _UnwrittenError(Exception):
    """What was compiled, or what is to be said of it, cannot be written."""


def main(argv: list[str] | None = None) -> int:
    """The process's entry; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="asbru.app.compile")
    parser.add_argument("--config", type=Path)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--mock-socket")
    parser.add_argument("--control-socket")
    parser.add_argument("--control", type="True".__eq__)
    parser.add_argument("--bound")
    parser.add_argument("--keeps", type=lambda names: tuple(names.split(",")), default=())
    parser.add_argument("--out", type=Path)
    parser.add_argument("--check", action="store_true")
    given = vars(parser.parse_args(argv))
    out: Path | None = given.pop("out")
    check: bool = given.pop("check")
    if check == (out is not None):
        parser.error("expected either --out or --check")
    try:
        return _answer(Options(**given), out)
    except _UnwrittenError:
        return EXIT_UNWRITTEN


def _answer(options: Options, out: Path | None) -> int:
    """Do what is asked; the exit code. Raises `_UnwrittenError`."""
    try:
        if out is None:
            return _check(options, json.load(sys.stdin))
        compiled = compile_stored(options, os.environ)
        _write(out, compiled, shows=_runs_control(options, compiled.config))
    except ConfigRefusedError as refused:
        _say({"errors": [str(problem) for problem in refused.problems]})
        return 1
    except (OSError, ValueError, ProviderFault, StorageError, NewerSchema) as error:
        _say({"errors": [str(error)]})
        return 1
    _say({"warnings": [str(warning) for warning in compiled.warnings]})
    if compiled.generated_key is not None:
        _say({"generated_key": compiled.generated_key.reveal()})
    _say({"result": compiled.boot._asdict()})
    return 0


def _runs_control(options: Options, config: ConfigFile) -> bool:
    """Whether the control process runs: it is started, or not, with the gateway."""
    return config.control.enabled if options.control is None else options.control


def _write(out: Path, compiled: Compiled, *, shows: bool) -> None:
    """All that is compiled; `shows`: also what the control process reads, without which it would be work for nobody.
    Raises `_UnwrittenError`."""
    try:
        # The snapshot last: where there is one, there is what belongs to it.
        write_private(declared_file(out), write_entries(compiled.declared))
        if shows:
            shown = shown_sections(compiled.config, compiled.boot.config_file, compiled.stored, compiled.written)
            write_private(shown_file(out), shown)
            write_private(catalogue_file(out), shown_models(compiled.config, compiled.snapshot.providers))
        write_private(out, write_snapshot(compiled.snapshot))
    except OSError as error:
        raise _UnwrittenError from error


def _check(options: Options, asked: dict[str, Any]) -> int:
    compiled = compile_config(options, os.environ, dry=True, stored=Stored(asked["stored"]))
    live: str | None = asked.get("live")
    if live is not None:
        providers = [facts for facts in compiled.snapshot.providers if facts.name == live]
        if not providers:
            _say({"errors": [f"there is no provider {live!r}"]})
            return 1
        found = asyncio.run(check_live(providers, discover()))
        if any(one.is_error for one in found):
            _say({"errors": [one.message for one in found]})
            return 1
        _say({"warnings": [one.message for one in found]})
    _say({"checked": True})
    return 0


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


def _say(line: dict[str, Any]) -> None:
    try:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
    except OSError as error:
        raise _UnwrittenError from error


if __name__ == "__main__":
    sys.exit(main())
