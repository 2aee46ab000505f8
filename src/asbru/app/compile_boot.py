"""What the supervisor starts by, and the paths that go to other processes, the control process among them.

Nothing is started or listened on here; that is for whoever is given it.
"""

from __future__ import annotations

import ssl

from asbru.app.boot import Boot, Options
from asbru.app.compile_providers import Findings
from asbru.app.config import ConfigFile, ParsedConfig
from asbru.app.snapshot import PrefixForward, Snapshot

CONTROL_PREFIXES = ("/api", "/ui")


def compile_boot(options: Options, parsed: ParsedConfig, snapshot: Snapshot, findings: Findings) -> Boot:
    """The boot settings, those of the command line before those of the file."""
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


def runs_control(options: Options, config: ConfigFile) -> bool:
    """Whether the control process runs: it is started, or not, with the gateway."""
    return config.control.enabled if options.control is None else options.control


def compile_forwards(options: Options, parsed: ParsedConfig, findings: Findings) -> tuple[PrefixForward, ...]:
    """The configured ones, and those of the control process while it runs."""
    config = parsed.config
    runs = runs_control(options, config)
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


def check_server_tls(parsed: ParsedConfig, findings: Findings) -> None:
    """Whether the listener's certificate and key can be used."""
    tls = parsed.config.listen.tls
    if tls is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.cert_file, tls.key_file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or "not a PEM certificate and key"
        findings.error(("listen", "tls"), f"the certificate and key cannot be used: {reason}")
