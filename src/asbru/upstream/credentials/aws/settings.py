"""What the value of an AWS key says: an access key in clear, or where keys come from and which role to assume."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

Source: TypeAlias = Literal["keys", "default", "environment", "profile", "web_identity", "container", "instance"]
"""`keys`: `access_key_id` and `secret_access_key` of the value; `default`: the first of the others that is there."""

_Word: TypeAlias = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[\x21-\x7e]+$")]
_Arn: TypeAlias = Annotated[str, Meta(max_length=2048, pattern=r"^arn:[\x21-\x7e]+$")]
_Name: TypeAlias = Annotated[str, Meta(max_length=64, pattern=r"^[\w+=,.@-]{2,64}$")]
_Region: TypeAlias = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}$")]


class AwsKeySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An AWS key as JSON. `region`: of the signature, where the address does not name it. `role_arn`: a role to assume
    with what `source` gives; `external_id`, `session_name` and `duration_s` go with it. `profile`: a section of the
    shared files. `sts_url`: where roles are assumed, where it is not the region's own endpoint."""

    source: Source | None = None
    access_key_id: _Word | None = None
    secret_access_key: _Word | None = None
    session_token: Annotated[str, Meta(min_length=1, max_length=16384, pattern=r"^[\x21-\x7e]+$")] | None = None
    region: _Region | None = None
    profile: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    role_arn: _Arn | None = None
    external_id: Annotated[str, Meta(min_length=2, max_length=1224)] | None = None
    session_name: _Name = "asbru"
    duration_s: Annotated[int, Meta(ge=900, le=43200)] = 3600
    sts_url: Annotated[str, Meta(pattern=r"^(https://[^\s?#]+|http://127\.0\.0\.1:[0-9]+)$")] | None = None

    def __repr__(self) -> str:
        return f"AwsKeySettings({self.source!r}, {self.access_key_id!r}, {self.role_arn!r})"


def read_settings(value: str) -> AwsKeySettings:
    """The settings in a key's value. Raises ValueError, whose words hold nothing of it."""
    try:
        settings = msgspec.json.decode(value, type=AwsKeySettings)
    except msgspec.MsgspecError as error:
        raise ValueError(f"expected an AWS key as JSON: {error}") from None
    if (settings.access_key_id is None) != (settings.secret_access_key is None):
        raise ValueError("`access_key_id` and `secret_access_key` belong together")
    if settings.source == "keys" and settings.access_key_id is None:
        raise ValueError('`source: "keys"` needs `access_key_id` and `secret_access_key`')
    if settings.access_key_id is not None and settings.source not in (None, "keys"):
        raise ValueError("`access_key_id` and another `source` exclude each other")
    if settings.source == "profile" and settings.profile is None:
        return msgspec.structs.replace(settings, profile="default")
    return settings
