"""Images in canonical form: what is to be seen, and images by their address or their data."""

from __future__ import annotations

import msgspec

from asbru.core.chat import Extra
from asbru.core.usage import Usage


class ImageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be seen. `size`: width and height in pixels, as in "1024x1024"; `as_data`: whether the caller wants
    data in place of an address, None where it does not say; `extra`: members that have no place here."""

    model: str
    prompt: str
    count: int = 1
    size: str | None = None
    as_data: bool | None = None
    stream: bool = False
    dialect: str = ""
    extra: Extra = {}


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly one of `url` and `data` (base64) is set."""

    url: str | None = None
    data: str | None = None


class ImageReply(msgspec.Struct, frozen=True, kw_only=True):
    """The images. `created_s` is a Unix time."""

    images: tuple[Image, ...]
    created_s: int | None = None
    usage: Usage | None = None
