"""Settings of stored responses. Not here: what a connection remembers by itself."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class ConversationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Responses that Asbru stores so that callers can go on from them (`previous_response_id`)."""

    stored: Annotated[
        bool,
        Meta(
            description="Store responses of the Responses API, unless a request says `store: false`, so that later "
            "requests can go on from them with any provider."
        ),
    ] = True
    ttl_s: Annotated[
        float,
        Meta(gt=0, le=2_592_000, description="A conversation is deleted this long after its last response, seconds."),
    ] = 86_400.0
    bytes_max: Annotated[
        int,
        Meta(
            ge=1 << 20,
            le=1 << 40,
            description="All stored responses together, bytes; the oldest are deleted first.",
        ),
    ] = 1 << 30
