"""The section `tracing`, resolved: what it leaves out comes from the environment, by the names that OpenTelemetry
defines (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).

A variable with a value that Asbru does not support is a warning, since the variables may be there for others.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from asbru import __version__
from asbru.app.compile_providers import Findings
from asbru.app.config import ConfigPath
from asbru.app.config.tracing import TracingSettings
from asbru.core.secret_text import SecretText
from asbru.telemetry.tracing import Propagator, Protocol, TraceExport

_PATH: ConfigPath = ("tracing",)
_EXTRA = ("opentelemetry.exporter.otlp.proto.http", "opentelemetry.exporter.otlp.proto.grpc")
_TRACES_PATH = "/v1/traces"
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
_PROTOCOLS: dict[str, Protocol] = {"http/protobuf": "http/protobuf", "grpc": "grpc"}
_PROPAGATORS: dict[str, Propagator] = {"tracecontext": "tracecontext", "b3": "b3", "b3multi": "b3"}
_IGNORED_PROPAGATORS = ("baggage", "none")
"""`baggage` always goes along, as it came."""
_RATIOS = {"always_on": 1.0, "always_off": 0.0}
_WITH_RATIO = "traceidratio"
_PARENT_BASED = "parentbased_"


def compile_tracing(settings: TracingSettings, env: Mapping[str, str], findings: Findings) -> TraceExport | None:
    """Where spans go, None where tracing is off; problems go to `findings`."""
    if not settings.enabled:
        return None
    if not _is_installed():
        findings.error(
            (*_PATH, "enabled"),
            "needs the extra `otel`: `make setup` in a checkout, else `pip install 'asbru[otel]'`",
        )
        return None
    variables = _Variables(env, findings)
    protocol = settings.protocol or variables.protocol()
    resource = {
        "service.name": "asbru",
        "service.version": __version__,
        **_pairs(env.get("OTEL_RESOURCE_ATTRIBUTES", "")),
        **settings.resource_attributes,
    }
    name = settings.service_name or env.get("OTEL_SERVICE_NAME")
    if name:
        resource["service.name"] = name
    ratio = settings.sample_ratio
    return TraceExport(
        endpoint=_endpoint(settings, protocol, env),
        protocol=protocol,
        headers=_headers(settings, env, findings),
        sample_ratio=variables.ratio() if ratio is None else ratio,
        propagators=variables.propagators() if settings.propagators is None else settings.propagators,
        resource=resource,
        timeout_s=settings.timeout_s,
        queued_spans_max=settings.queued_spans_max,
        body_bytes_max=settings.body_bytes_max,
    )


def _is_installed() -> bool:
    try:
        return all(importlib.util.find_spec(module) is not None for module in _EXTRA)
    except ModuleNotFoundError:  # a package above it
        return False


def _endpoint(settings: TracingSettings, protocol: Protocol, env: Mapping[str, str]) -> str:
    over_http = protocol == "http/protobuf"
    if settings.endpoint:
        bare = urlsplit(settings.endpoint).path in ("", "/")
        return f"{settings.endpoint.rstrip('/')}{_TRACES_PATH}" if over_http and bare else settings.endpoint
    own = env.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if own:
        return own
    base = env.get("OTEL_EXPORTER_OTLP_ENDPOINT") or f"http://localhost:{4318 if over_http else 4317}"
    return f"{base.rstrip('/')}{_TRACES_PATH}" if over_http else base


def _headers(settings: TracingSettings, env: Mapping[str, str], findings: Findings) -> dict[str, SecretText]:
    headers = {
        name.lower(): SecretText(value)
        for variable in ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS")
        for name, value in _pairs(env.get(variable, "")).items()
    }
    for name, value in settings.headers.items():
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value.reveal()):
            findings.error((*_PATH, "headers", name), "expected a header name, and a value of visible characters")
        headers[name.lower()] = value
    return headers


def _pairs(text: str) -> dict[str, str]:
    """`a=1,b=2` with percent-encoded values; what is malformed is left out."""
    pairs = (part.partition("=") for part in text.split(","))
    return {unquote(name.strip()): unquote(value.strip()) for name, equals, value in pairs if equals and name.strip()}


class _Variables:
    """Variables that may hold what Asbru does not support."""

    def __init__(self, env: Mapping[str, str], findings: Findings) -> None:
        self._env = env
        self._findings = findings

    def protocol(self) -> Protocol:
        """The protocol, default `http/protobuf`."""
        for name in ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
            value = self._env.get(name)
            if value in _PROTOCOLS:
                return _PROTOCOLS[value]
            if value:
                self._warn(name, value, "http/protobuf", "`http/protobuf` or `grpc`")
        return "http/protobuf"

    def ratio(self) -> float:
        """The share that is sampled, default 1."""
        name, argument = "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"
        sampler = self._env.get(name, "").removeprefix(_PARENT_BASED)
        if sampler != _WITH_RATIO:
            if sampler and sampler not in _RATIOS:
                self._warn(name, sampler, "always_on", "always_on, always_off or traceidratio, or parentbased_ them")
            return _RATIOS.get(sampler, 1.0)
        value = self._env.get(argument, "1")
        try:
            ratio = float(value)
        except ValueError:
            ratio = -1.0
        if not 0 <= ratio <= 1:
            self._warn(argument, value, "1", "a number from 0 to 1")
            return 1.0
        return ratio

    def propagators(self) -> tuple[Propagator, ...]:
        """In which formats callers send traces, default both."""
        name = "OTEL_PROPAGATORS"
        asked = [one for part in self._env.get(name, "").split(",") if (one := part.strip())]
        for one in asked:
            if one not in _PROPAGATORS and one not in _IGNORED_PROPAGATORS:
                self._warn(name, one, "the others", "tracecontext, b3, b3multi, baggage")
        if not asked:
            return ("tracecontext", "b3")
        return tuple(dict.fromkeys(_PROPAGATORS[one] for one in asked if one in _PROPAGATORS))

    def _warn(self, name: str, value: str, used: str, expected: str) -> None:
        self._findings.warn(_PATH, f"{name} is {value!r}, expected {expected}; Asbru uses {used}")
