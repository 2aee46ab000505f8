"""Where the keys of AWS come from, and the credential that signs with them.

    source        read from
    keys          the value of the key itself
    environment   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
    web_identity  AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN (EKS)
    profile       a section of ~/.aws/credentials and ~/.aws/config
    container     AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI (ECS, EKS Pod Identity)
    instance      the metadata service of EC2, version 2
    default       the first of these, in this order, that is there

`role_arn` assumes a role with what the source gives. Files and the environment are read when keys are fetched, so that
what rotates there is seen; all that is fetched is held and refreshed by `TokenCredential`.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

from asbru.core.errors import UpstreamError
from asbru.upstream.credentials.aws.flows import (
    Signs,
    assume_role,
    assume_role_with_web_identity,
    fetch_from_container,
    fetch_from_instance,
)
from asbru.upstream.credentials.aws.settings import AwsKeySettings, Source
from asbru.upstream.credentials.aws.sigv4 import AwsKeys, Scope, sign
from asbru.upstream.credentials.credential import Credential, OutgoingRequest, SignedCredential
from asbru.upstream.credentials.token import Token, TokenCredential, TokenFlow, TokenPorts

CONTAINER_URL: Final = "http://169.254.170.2"
REREAD_S: Final = 900.0
"""How long keys from the environment or a file are used before it is read again."""
FILE_BYTES_MAX: Final = 1024 * 1024
_CONTAINER_HOSTS: Final = frozenset(
    ("169.254.170.2", "169.254.170.23", "fd00:ec2::23", "127.0.0.1", "::1", "localhost")
)
"""Hosts that a container's endpoint may have without TLS:
https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html"""
_ORDER: Final[tuple[Source, ...]] = ("environment", "web_identity", "profile", "container", "instance")
_SIGNED_PREFIX: Final = "x-amz"

Environment = Mapping[str, str]


def credential_of(
    settings: AwsKeySettings, scope: Scope, ports: TokenPorts, environment: Environment | None = None
) -> Credential:
    """The credential that signs for `scope` with the keys that the settings name. Nothing is read yet."""
    signs: Signs = partial(signing, scope)
    if settings.access_key_id is not None and settings.role_arn is None:
        return signs(_own_keys(settings))
    around = _Around(scope.region, os.environ if environment is None else environment)
    return TokenCredential(partial(_fetch, settings, around, signs), ports)


def signing(scope: Scope, keys: AwsKeys) -> Credential:
    """The credential that signs with these keys."""
    return SignedCredential(partial(_lines, keys, scope))


def _lines(keys: AwsKeys, scope: Scope, request: OutgoingRequest) -> bytes:
    """The header lines for a request. Headers of AWS that a caller sent along are signed, and so is the type."""
    signed: dict[str, str] = {}
    for line in request.headers.split(b"\r\n"):
        name, _, value = line.partition(b":")
        lower = name.decode("latin-1").lower()
        if lower == "content-type" or lower.startswith(_SIGNED_PREFIX):
            text = value.decode("latin-1").strip()
            signed[lower] = f"{signed[lower]},{text}" if lower in signed else text
    added = sign(
        keys,
        scope,
        method=request.method.decode("latin-1"),
        host=request.authority.decode("latin-1"),
        target=request.target.decode("latin-1"),
        headers=signed,
        body=request.body_pieces(),
        unix_s=request.unix_s,
    )
    return "".join(f"{name}: {value}\r\n" for name, value in added).encode("latin-1")


def _own_keys(settings: AwsKeySettings) -> AwsKeys:
    assert settings.access_key_id is not None and settings.secret_access_key is not None
    return AwsKeys(settings.access_key_id, settings.secret_access_key, settings.session_token or "")


class _Around(NamedTuple):
    """What keys are fetched in: the region that is asked, and the environment of the process."""

    region: str
    environment: Environment


def _fetch(settings: AwsKeySettings, around: _Around, signs: Signs, unix_s: float) -> TokenFlow:
    """The keys of the source, and then of the role that they assume."""
    if settings.role_arn is None or _is_web(settings, around.environment):
        return (yield from _from_source(settings, around, signs, unix_s))
    held = _Held()
    yield from _from_source(msgspec.structs.replace(settings, role_arn=None), around, held.keep, unix_s)
    return (yield from assume_role(settings, held.keys, around.region, signs=signs, unix_s=unix_s))


class _Held:
    """The keys that a source gave, for the role that they assume."""

    keys: AwsKeys

    def keep(self, keys: AwsKeys) -> Credential:
        """Takes the place of what makes a credential."""
        self.keys = keys
        return SignedCredential(lambda _: b"")


def _is_web(settings: AwsKeySettings, environment: Environment) -> bool:
    """Whether the role is assumed with a web identity itself."""
    return _source(settings, environment) == "web_identity"


def _source(settings: AwsKeySettings, environment: Environment) -> Source:
    if settings.access_key_id is not None:
        return "keys"
    if settings.source not in (None, "default"):
        return settings.source or "keys"
    if settings.profile is not None:
        return "profile"
    return next(source for source in _ORDER if _IS_THERE[source](environment))


def _from_source(settings: AwsKeySettings, around: _Around, signs: Signs, unix_s: float) -> TokenFlow:
    environment = around.environment
    match _source(settings, environment):
        case "keys":
            return Token(signs(_own_keys(settings)), REREAD_S)
        case "environment":
            return Token(signs(_from_environment(environment)), REREAD_S)
        case "profile":
            return (yield from _from_profile(settings, around, signs, unix_s))
        case "web_identity":
            told = _web_settings(settings, environment)
            token = _text(environment.get("AWS_WEB_IDENTITY_TOKEN_FILE", ""))
            return (yield from assume_role_with_web_identity(told, token, around.region, signs=signs, unix_s=unix_s))
        case "container":
            url, authorization = container_endpoint(environment)
            return (yield from fetch_from_container(url, authorization, signs, unix_s))
        case _:
            return (yield from fetch_from_instance(signs, unix_s))


def _from_environment(environment: Environment) -> AwsKeys:
    key, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if not key or not secret:
        raise _none("AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set")
    return AwsKeys(key, secret, environment.get("AWS_SESSION_TOKEN", ""))


def _web_settings(settings: AwsKeySettings, environment: Environment) -> AwsKeySettings:
    role = settings.role_arn or environment.get("AWS_ROLE_ARN")
    if not role or not environment.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
        raise _none("AWS_ROLE_ARN or AWS_WEB_IDENTITY_TOKEN_FILE is not set")
    name = environment.get("AWS_ROLE_SESSION_NAME") or settings.session_name
    return msgspec.structs.replace(settings, role_arn=role, session_name=name)


def container_endpoint(environment: Environment) -> tuple[str, str]:
    """The address of a container's endpoint, and what is sent as Authorization. Raises `UpstreamError` for an address
    that is neither of TLS nor one of those that AWS names."""
    relative = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "")
    url = f"{CONTAINER_URL}{relative}" if relative else environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
    parts = urlsplit(url)
    named = parts.scheme == "http" and parts.hostname in _CONTAINER_HOSTS
    if parts.scheme != "https" and not named:
        raise _none("AWS_CONTAINER_CREDENTIALS_FULL_URI is not an address that AWS allows")
    file = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    authorization = _text(file) if file else environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")
    return url, authorization


def _from_profile(settings: AwsKeySettings, around: _Around, signs: Signs, unix_s: float) -> TokenFlow:
    """Keys in a section of the shared files, or a role that it assumes with the keys of another section."""
    environment = around.environment
    name = settings.profile or environment.get("AWS_PROFILE") or "default"
    section = read_profile(name, environment)
    role, source = section.get("role_arn"), section.get("source_profile")
    if role is None:
        return Token(signs(_section_keys(name, section)), REREAD_S)
    if source is None:
        raise _none(f"the profile '{name}' has a `role_arn` without a `source_profile`")
    keys = _section_keys(source, read_profile(source, environment))
    told = msgspec.structs.replace(settings, role_arn=role, external_id=section.get("external_id"))
    return (yield from assume_role(told, keys, around.region, signs=signs, unix_s=unix_s))


def _section_keys(name: str, section: Mapping[str, str]) -> AwsKeys:
    key, secret = section.get("aws_access_key_id"), section.get("aws_secret_access_key")
    if not key or not secret:
        raise _none(f"the profile '{name}' has no keys")
    return AwsKeys(key, secret, section.get("aws_session_token", ""))


def read_profile(name: str, environment: Environment) -> dict[str, str]:
    """A section of the shared files, that of credentials above that of settings."""
    found: dict[str, str] = {}
    for variable, file, title in (
        ("AWS_CONFIG_FILE", "config", name if name == "default" else f"profile {name}"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials", name),
    ):
        parser = configparser.RawConfigParser()
        try:
            parser.read_string(_text(environment.get(variable) or _home(environment) + f"/.aws/{file}"))
        except (UpstreamError, configparser.Error):
            continue  # the other file may hold it; a missing section is told below
        if parser.has_section(title):
            found |= dict(parser.items(title))
    if not found:
        raise _none(f"there is no profile '{name}'")
    return found


def _home(environment: Environment) -> str:
    return environment.get("HOME") or str(Path("~").expanduser())


def _text(file: str) -> str:
    """The text of a file. Raises `UpstreamError`."""
    try:
        with Path(file).open("rb") as opened:
            return opened.read(FILE_BYTES_MAX).decode().strip()
    except (OSError, ValueError) as error:
        raise _none(f"{file} cannot be read: {getattr(error, 'strerror', None) or 'not text'}") from None


def _none(why: str) -> UpstreamError:
    return UpstreamError(f"there are no AWS keys: {why}", kind="exhausted")


_IS_THERE: Final[dict[Source, Callable[[Environment], bool]]] = {
    "environment": lambda environment: bool(environment.get("AWS_ACCESS_KEY_ID")),
    "web_identity": lambda environment: bool(environment.get("AWS_WEB_IDENTITY_TOKEN_FILE")),
    "profile": lambda environment: bool(environment.get("AWS_PROFILE")) or _has_default_profile(environment),
    "container": lambda environment: any(
        environment.get(f"AWS_CONTAINER_CREDENTIALS_{kind}_URI") for kind in ("RELATIVE", "FULL")
    ),
    "instance": lambda _: True,
}


def _has_default_profile(environment: Environment) -> bool:
    try:
        section = read_profile("default", environment)
    except UpstreamError:
        return False
    return "aws_access_key_id" in section or "role_arn" in section
