"""Flows that fetch temporary AWS keys: requests out, answers in, a token at the end (`token.TokenFlow`). No I/O.

    container   GET the endpoint that ECS or EKS names in the environment, with its token
    instance    IMDSv2: PUT for a session, GET the role's name, GET its keys
    role        STS AssumeRole, signed with other keys
    web         STS AssumeRoleWithWebIdentity, with the token in a file

Sources: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html,
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html,
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from asbru.upstream.credentials.aws.settings import AwsKeySettings
from asbru.upstream.credentials.aws.sigv4 import AwsKeys, Scope, sign
from asbru.upstream.credentials.credential import Credential
from asbru.upstream.credentials.token import Token, TokenFlow, TokenRequest

INSTANCE_URL: Final = "http://169.254.169.254"
_ROLES: Final = "/latest/meta-data/iam/security-credentials/"
_SESSION_S: Final = 300
_STS_VERSION: Final = "2011-06-15"
_FORM: Final = (("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json"))
_ROLE_NAME: Final = re.compile(r"[\w+=,.@-]{1,128}")

Signs = Callable[[AwsKeys], Credential]
"""Makes the credential of keys that were fetched."""


class _Keys(msgspec.Struct):
    """What the endpoints of containers and instances answer."""

    AccessKeyId: str
    SecretAccessKey: str
    Token: str
    Expiration: str


class _StsKeys(msgspec.Struct):
    AccessKeyId: str
    SecretAccessKey: str
    SessionToken: str
    Expiration: float | str


class _Result(msgspec.Struct):
    Credentials: _StsKeys


class _RoleResult(msgspec.Struct):
    AssumeRoleResult: _Result


class _RoleResponse(msgspec.Struct):
    AssumeRoleResponse: _RoleResult


class _WebResult(msgspec.Struct):
    AssumeRoleWithWebIdentityResult: _Result


class _WebResponse(msgspec.Struct):
    AssumeRoleWithWebIdentityResponse: _WebResult


def fetch_from_container(url: str, authorization: str, signs: Signs, unix_s: float) -> TokenFlow:
    """The keys of the task or pod that runs this process."""
    headers = (("authorization", authorization),) if authorization else ()
    answer = yield TokenRequest("GET", url, (*headers, ("accept", "application/json")), local=True)
    return _token(answer.body, signs, unix_s)


def fetch_from_instance(signs: Signs, unix_s: float, url: str = INSTANCE_URL) -> TokenFlow:
    """The keys of the role of the instance that runs this process."""
    lasts = (("x-aws-ec2-metadata-token-ttl-seconds", str(_SESSION_S)),)
    session = (yield TokenRequest("PUT", f"{url}/latest/api/token", lasts, local=True)).body.decode("latin-1")
    shown = (("x-aws-ec2-metadata-token", session),)
    names = (yield TokenRequest("GET", f"{url}{_ROLES}", shown, local=True)).body.decode("latin-1")
    role = names.partition("\n")[0].strip()
    if not _ROLE_NAME.fullmatch(role):
        raise ValueError("the instance has no role")
    answer = yield TokenRequest("GET", f"{url}{_ROLES}{quote(role)}", shown, local=True)
    return _token(answer.body, signs, unix_s)


def _token(body: bytes, signs: Signs, unix_s: float) -> Token:
    told = msgspec.json.decode(body, type=_Keys)
    keys = AwsKeys(told.AccessKeyId, told.SecretAccessKey, told.Token)
    return Token(signs(keys), _ends(told.Expiration) - unix_s)


def _ends(told: float | str) -> float:
    """A time of AWS as Unix time."""
    if isinstance(told, str):
        return datetime.fromisoformat(told.replace("Z", "+00:00")).timestamp()
    return told


def assume_role(settings: AwsKeySettings, keys: AwsKeys, region: str, *, signs: Signs, unix_s: float) -> TokenFlow:
    """The keys of a role, asked for with other keys."""
    assert settings.role_arn is not None
    form = {
        "Action": "AssumeRole",
        "Version": _STS_VERSION,
        "RoleArn": settings.role_arn,
        "RoleSessionName": settings.session_name,
        "DurationSeconds": str(settings.duration_s),
    }
    if settings.external_id is not None:
        form["ExternalId"] = settings.external_id
    body = urlencode(form).encode()
    url = sts_url(settings, region)
    signed = sign(
        keys,
        Scope(region, "sts"),
        method="POST",
        host=urlsplit(url).netloc,
        target="/",
        headers={"content-type": _FORM[0][1]},
        body=(body,),
        unix_s=unix_s,
    )
    answer = yield TokenRequest("POST", f"{url}/", (*_FORM, *signed), body)
    told = msgspec.json.decode(answer.body, type=_RoleResponse)
    return _sts_token(told.AssumeRoleResponse.AssumeRoleResult.Credentials, signs, unix_s)


def assume_role_with_web_identity(
    settings: AwsKeySettings, token: str, region: str, *, signs: Signs, unix_s: float
) -> TokenFlow:
    """The keys of a role, asked for with the token of an identity provider."""
    assert settings.role_arn is not None
    form = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": _STS_VERSION,
        "RoleArn": settings.role_arn,
        "RoleSessionName": settings.session_name,
        "DurationSeconds": str(settings.duration_s),
        "WebIdentityToken": token,
    }
    answer = yield TokenRequest("POST", f"{sts_url(settings, region)}/", _FORM, urlencode(form).encode())
    told = msgspec.json.decode(answer.body, type=_WebResponse)
    found = told.AssumeRoleWithWebIdentityResponse.AssumeRoleWithWebIdentityResult.Credentials
    return _sts_token(found, signs, unix_s)


def _sts_token(told: _StsKeys, signs: Signs, unix_s: float) -> Token:
    keys = AwsKeys(told.AccessKeyId, told.SecretAccessKey, told.SessionToken)
    return Token(signs(keys), _ends(told.Expiration) - unix_s)


def sts_url(settings: AwsKeySettings, region: str) -> str:
    """Where roles are assumed: the endpoint of the region."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return settings.sts_url or f"https://sts.{region}.{suffix}"
