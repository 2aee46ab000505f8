"""Provider settings and a provider's type -> the `ProviderFacts` a worker calls it by.

Everything that would fail on every call is an error here: no address, an address the outbound policy will refuse,
a credential that cannot be a header, a CA file that cannot be read.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from asbru.app.base_url import judge_host, judge_path
from asbru.app.compile_prices import configured_prices, folder_prices, prices_for
from asbru.app.config import ConfigPath, ParsedConfig, Part, Problem, nearest
from asbru.app.config.live import ProviderKey, ProviderSettings
from asbru.app.defaults import ProviderTypes
from asbru.app.snapshot import KeyFacts, ProviderFacts
from asbru.catalog.build import ProviderCatalogue, build_catalogue, price_id_of_url
from asbru.core.secret_text import SecretText
from asbru.core.traits import PLAIN_ADDRESSING, TraitRule, change, rule
from asbru.dialects import Dialect, discover
from asbru.providers import Access, Provider, ProviderFault, credential_maker, operations
from asbru.upstream.credentials import CredentialMaker, KeyMaterial, TokenPorts
from asbru.upstream.origin import Reach, TlsTrust

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_PROXY = re.compile(r"http://[^\s?#]+")
_CREDENTIAL = re.compile(r"[\x21-\x7e]+")
_HEADERS_WE_OWN = frozenset(
    (
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)


@dataclass
class Findings:
    """What came up while compiling; errors refuse the configuration, warnings do not."""

    part: Part
    errors: list[Problem] = field(default_factory=list[Problem])
    warnings: list[Problem] = field(default_factory=list[Problem])
    watched: list[str] = field(default_factory=list[str])

    def error(self, path: ConfigPath, message: str, *, absent: str = "") -> None:
        """Refuse the configuration because of `path`, or because of the setting below it that is `absent`. Not where
        that was read wrongly: then there is an error that says so."""
        if not self.part.is_broken((*path, absent) if absent else path):
            self.errors.append(self.part.problem(path, message))

    def warn(self, path: ConfigPath, message: str) -> None:
        """Report `path`, and go on."""
        self.warnings.append(self.part.problem(path, message))

    def read_text(self, path: ConfigPath, file: str) -> str | None:
        """The text of a file named by a setting, watched from now on; None (and an error) when it is unreadable."""
        self.watched.append(str(Path(file).absolute()))
        try:
            return Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self.error(path, f"cannot read {file}: {getattr(error, 'strerror', None) or 'not text'}")
            return None


def compile_providers(
    parsed: ParsedConfig,
    types: ProviderTypes,
    findings: Findings,
    *,
    now: datetime,
    mock_socket: str | None,
) -> tuple[ProviderFacts, ...]:
    """The facts of every provider that could be compiled; problems go to `findings`."""
    compiled: list[ProviderFacts] = []
    catalogues: dict[str | None, ProviderCatalogue] = {}
    told = operations.purposes()
    spoken = discover()
    dialects = {dialect.setting: dialect.name for dialect in spoken.values()}
    for name, settings in parsed.config.providers.items():
        found = _provider_type(name, settings, types, findings, dialects=dialects)
        if found is None:
            continue
        kind, access = found
        _check_path(name, settings, types, findings, dialects=spoken, usual=kind.address(access))
        price_id = kind.price_id or price_id_of_url(settings.base_url)
        if price_id not in catalogues:
            catalogues[price_id] = build_catalogue(price_id, now)
        purposes = operations.purposes_at(kind.name, told)
        one = _Compiling(name, settings, kind, access, findings)
        compiled.append(one.facts(parsed, catalogues[price_id], mock_socket, purposes=purposes))
    return tuple(compiled)


def _provider_type(
    name: str, settings: ProviderSettings, types: ProviderTypes, findings: Findings, *, dialects: Mapping[str, str]
) -> tuple[Provider, Access] | None:
    """The type by `type`, by name, or `custom`, and how it is asked; None after an error. `dialects`: the
    configuration's words for them."""
    path: ConfigPath = ("providers", name)
    asked = settings.type or (name if name in types else "custom" if settings.dialect else None)
    if asked is None:
        hint = nearest(name, types)
        findings.error(
            path, f"unknown provider type {name!r}; {hint} (otherwise set `type` or `dialect`)", absent="type"
        )
        return None
    if asked not in types:
        findings.error((*path, "type"), f"unknown provider type; {nearest(asked, types)}")
        return None
    kind = types[asked]
    must_be_told = kind.base_url is None and not kind.served_here
    if must_be_told and settings.base_url is None:
        findings.error(
            path, f"a provider of type {asked!r} needs `base_url`, including its version segment", absent="base_url"
        )
    if must_be_told and settings.dialect is None and len(kind.access) > 1 and not kind.by_model:
        findings.error(
            path, f"a provider of type {asked!r} needs `dialect`: {' or '.join(sorted(dialects))}", absent="dialect"
        )
        return None
    if settings.dialect is not None and settings.dialect not in dialects:
        findings.error((*path, "dialect"), f"unknown dialect; {nearest(settings.dialect, dialects)}")
        return None
    try:
        access = kind.access_by(None if settings.dialect is None else dialects[settings.dialect])
    except KeyError:
        findings.error(
            (*path, "dialect"),
            f"providers of type {asked!r} do not support this dialect; for a server that does, set `type: custom`",
        )
        return None
    return None if must_be_told and settings.base_url is None else (kind, access)


def _check_path(
    name: str,
    settings: ProviderSettings,
    types: ProviderTypes,
    findings: Findings,
    *,
    dialects: Mapping[str, Dialect],
    usual: str | None,
) -> None:
    if settings.base_url is None:
        return
    verdict = judge_path(settings.base_url, types, dialects, usual)
    if verdict is not None:
        tell = findings.error if verdict[0] == "error" else findings.warn
        tell(("providers", name, "base_url"), verdict[1])


@dataclass
class _Compiling:
    """One provider on its way from settings to facts."""

    name: str
    settings: ProviderSettings
    kind: Provider
    access: Access
    findings: Findings

    @property
    def _path(self) -> ConfigPath:
        return ("providers", self.name)

    def facts(
        self,
        parsed: ParsedConfig,
        catalogue: ProviderCatalogue,
        mock_socket: str | None,
        *,
        purposes: tuple[operations.Purpose, ...],
    ) -> ProviderFacts:
        settings, kind, access = self.settings, self.kind, self.access
        here = kind.served_here and settings.base_url is None
        own_prices = (
            *configured_prices(settings.prices),
            *configured_prices(prices_for(self.name, parsed.config.prices)),
        )
        return ProviderFacts(
            name=self.name,
            kind=kind.name,
            dialect=access.dialect,
            base_url=self._base_url(here),
            auth=access.auth,
            headers=self._headers(),
            keys=self._keys(parsed),
            operations=access.operations,
            also=self._also(),
            addressing={one.dialect: one.addressing for one in kind.access if one.addressing != PLAIN_ADDRESSING},
            also_for={other.dialect: other.models for other in kind.access if other.models},
            traits=change(kind.traits, settings.traits),
            trait_rules=self._trait_rules(),
            tls=self._tls(),
            deadlines=settings.deadlines,
            retries=settings.retries,
            **self._reach(here),
            unix_socket=mock_socket if here else None,
            known_models=self._known_models(catalogue),
            prices=(
                *own_prices,
                *catalogue.models,
                *folder_prices(kind.unit_prices),
            ),
            own_prices=len(own_prices),
            purposes=purposes,
            vendor=kind.name if kind.vendor is None else kind.vendor,
        )

    def _also(self) -> dict[str, tuple[str, ...]]:
        """The other dialects that it speaks at the same address with the same credentials. Of a server that only its
        configuration tells of, none is known."""
        kind, access = self.kind, self.access
        if kind.vendor == "":
            return {}
        return {
            other.dialect: other.operations
            for other in kind.access
            if other is not access
            and (other.auth, other.headers, kind.address(other))
            == (access.auth, access.headers, kind.address(access))
        }

    def _reach(self, here: bool) -> dict[str, Any]:
        """The fields of `Reach`: as configured, but a server of our own is on loopback."""
        settings = self.settings
        told = {name: getattr(settings, name) for name in Reach.__struct_fields__}
        if settings.proxy is not None and not _PROXY.fullmatch(settings.proxy.reveal()):
            self.findings.error((*self._path, "proxy"), "expected http://host:port, optionally with user:password@")
        told["allow_loopback"] = settings.allow_loopback or here
        told["idle_connections_max"] = min(settings.idle_connections_max, settings.connections_max)
        return told

    def _base_url(self, here: bool) -> str:
        url = self.settings.base_url or self.kind.address(self.access)
        if here:
            return (url or "http://mock.localhost/v1").rstrip("/")
        assert url is not None, "checked together with the type"
        path = (*self._path, "base_url") if self.settings.base_url else self._path
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host:
            self.findings.error(path, "the URL has no valid host and port")
        elif self.settings.proxy is None and (refusal := judge_host(host, self.settings)) is not None:
            self.findings.error(path, refusal)
        return url.rstrip("/")

    def _headers(self) -> dict[str, SecretText]:
        headers = {name: SecretText(value) for name, value in self.access.headers.items()}
        for name, secret in self.settings.headers.items():
            path = (*self._path, "headers", name)
            value = secret.reveal()
            if not _HEADER_NAME.fullmatch(name):
                self.findings.error(path, "not a valid header name")
            elif name.lower() in _HEADERS_WE_OWN:
                self.findings.error(path, "Asbru sets this header itself")
            elif not _HEADER_VALUE.fullmatch(value):
                self.findings.error(path, "expected a header value of visible ASCII characters without line breaks")
            else:
                headers[name.lower()] = secret
        return headers

    def _keys(self, parsed: ParsedConfig) -> tuple[KeyFacts, ...]:
        """The usable keys. A type that works without a credential gets one empty key when none is configured."""
        maker = self._credential_maker()
        usable: list[KeyFacts] = []
        for index, key in enumerate(self.settings.keys):
            path: ConfigPath = (*self._path, "keys", index, "value")
            if path in parsed.unset:
                self.findings.warn(
                    path,
                    f"environment variable {parsed.unset[path]} is not set: key {key.name!r} is disabled",
                )
            elif self._credential_is_valid(path, key, maker):
                usable.append(_key_facts(key))
        if not self.settings.keys and self.kind.keyless:
            return (KeyFacts(name="none", value=SecretText("")),)
        if not usable:
            self.findings.warn(
                self._path, f"provider {self.name!r} has no usable key: every call to it will be refused"
            )
        return tuple(usable)

    def _credential_maker(self) -> CredentialMaker | None:
        try:
            return credential_maker(self.access.auth)
        except ProviderFault as error:
            self.findings.error(self._path, str(error))
            return None

    def _credential_is_valid(self, path: ConfigPath, key: ProviderKey, maker: CredentialMaker | None) -> bool:
        value = key.value.reveal()
        if not value:
            if not self.kind.keyless:
                self.findings.error(path, f"key {key.name!r} has no value")
            return self.kind.keyless
        if maker is not None:
            base_url = self.settings.base_url or self.kind.address(self.access) or ""
            try:
                maker(KeyMaterial(key.value, base_url), TokenPorts.of_nobody())
            except ValueError as error:
                self.findings.error(path, str(error))
                return False
            return True
        if not _CREDENTIAL.fullmatch(value):
            self.findings.error(path, "expected a credential of visible ASCII characters without spaces")
            return False
        return True

    def _tls(self) -> TlsTrust:
        tls = self.settings.tls
        path = (*self._path, "tls", "ca_file")
        pem = None
        if tls.ca_file is not None:
            pem = self.findings.read_text(path, tls.ca_file)
        if pem is not None:
            try:
                ssl.create_default_context(cadata=pem)
            except (ssl.SSLError, ValueError):
                self.findings.error(path, f"{tls.ca_file} contains no usable PEM certificates")
        if not tls.verify:
            self.findings.warn(
                (*self._path, "tls", "verify"), "certificates are not verified; use this for tests only"
            )
        return TlsTrust(ca_pem=pem, verify=tls.verify)

    def _trait_rules(self) -> tuple[TraitRule, ...]:
        """The type's rules, then what the configuration says of every model, then its own rules."""
        told, rules = self.settings.traits, self.kind.trait_rules
        given = told.given()
        if rules and given:
            rules += (rule("*", **given),)
        return (*rules, *told.rules)

    def _known_models(self, catalogue: ProviderCatalogue) -> tuple[str, ...]:
        """Named by the configuration first, then by the type, then by the price data."""
        named = [model for key in self.settings.keys for model in (*key.aliases, *key.models) if model != "*"]
        if self.settings.keys and not any("*" in key.models for key in self.settings.keys):
            return tuple(dict.fromkeys(named))
        return tuple(dict.fromkeys([*named, *self.kind.known_models, *catalogue.known_models]))


def _key_facts(key: ProviderKey) -> KeyFacts:
    return KeyFacts(
        name=key.name,
        value=key.value,
        models=key.models,
        weight=key.weight,
        aliases=key.aliases,
    )
