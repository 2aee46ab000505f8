"""Data URLs: where the OpenAI family puts base64 data."""

from __future__ import annotations

from typing import Final

from asbru.core.chat import MediaSource

_BASE64: Final = ";base64"


def read_source(url: str) -> MediaSource:
    """A base64 data URL as media type and data, anything else as the URL it is."""
    if url.startswith("data:"):
        header, comma, data = url.partition(",")
        if comma and header.endswith(_BASE64):
            return MediaSource(media_type=header[5 : -len(_BASE64)], data=data)
    return MediaSource(url=url)


def write_source(source: MediaSource, media_type: str) -> str | None:
    """The URL of a source; None for one that only a file id names. `media_type` where it does not tell."""
    if source.url is not None:
        return source.url
    if source.data is not None:
        kind = media_type if source.media_type is None else source.media_type
        return f"data:{kind}{_BASE64},{source.data}"
    return None
