"""What is recorded of calls and how long it is kept, as settings."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

SETTINGS: Final = "records.settings"
"""The message in which workers tell the bookkeeper the settings, as msgpack."""

_GIB: Final = 1024**3


class RecordSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is recorded of calls, and how long it is kept. What is older, or too much, is deleted, the oldest first."""

    bodies: Annotated[
        Literal["off", "allowed", "all"],
        Meta(
            description="`off`: no bodies are recorded or exported, whatever else is set; `allowed`: those of virtual "
            "keys with `record_bodies: true`; `all`: those of every call."
        ),
    ] = "allowed"
    body_bytes_max: Annotated[
        int, Meta(ge=1024, le=16 * 1024**2, description="Size of a recorded body, bytes; the rest is cut off.")
    ] = 256 * 1024
    days: Annotated[int, Meta(ge=1, le=36_500, description="Records are deleted at this age, days.")] = 30
    bytes_max: Annotated[int, Meta(ge=16 * 1024**2, description="Size of the database without bodies, bytes.")] = (
        10 * _GIB
    )
    bodies_days: Annotated[int, Meta(ge=1, le=36_500, description="Bodies are deleted at this age, days.")] = 7
    bodies_bytes_max: Annotated[int, Meta(ge=1024**2, description="Size of all bodies, compressed, bytes.")] = (
        2 * _GIB
    )
    minute_sums_days: Annotated[int, Meta(ge=1, le=366, description="Age of sums by minute, days.")] = 3
    hour_sums_days: Annotated[int, Meta(ge=1, le=3660, description="Age of sums by hour, days.")] = 100
    day_sums_days: Annotated[int, Meta(ge=1, le=36_500, description="Age of sums by day, days.")] = 1100


def write_settings(settings: RecordSettings) -> bytes:
    """The payload of SETTINGS."""
    return msgspec.msgpack.encode(settings)


def read_settings(payload: bytes) -> RecordSettings:
    """And back; raises `msgspec.MsgspecError`."""
    return msgspec.msgpack.decode(payload, type=RecordSettings)
