"""How clients take a refusal: a table beside each surface, so that a client stops, and shows why.

Agents ask again on answers they do not understand, and put words of their own before ours. Where a client is known to
do so with the plain status of a refusal, its profile names the status and header lines that it stops on; type and code
too, where a client judges by words in the body. The message stays what it is, and the record has the refusal's own
code. A client without a profile gets the plain refusal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec


class Shown(msgspec.Struct, frozen=True):
    """What a refusal is sent with in place of its own status. `lines`: header lines, each ending with CRLF.
    `type_and_code`: in place of its own, where they are given. `stream_code`: for a client that always asks for a
    stream, and takes a refusal best as the failure of one: the code of that failure."""

    status: int
    lines: bytes = b""
    type_and_code: tuple[str, str] | None = None
    stream_code: str | None = None


class ClientProfile(msgspec.Struct, frozen=True):
    """`agent`: what the User-Agent of a client begins with; `refusals`: by the status that a refusal has."""

    agent: bytes
    refusals: Mapping[int, Shown]


class LimitHeaders(msgspec.Struct, frozen=True):
    """The header fields by which clients of a surface read their limits. `fields`: for each counted thing ("requests",
    "tokens", ...) the names of the limit, of what remains and of the reset: a time in RFC 3339, or with `durations` how
    long until then ("90s")."""

    fields: Mapping[str, tuple[bytes, bytes, bytes]]
    durations: bool = False


def shown_to(user_agent: bytes, status: int, profiles: Sequence[ClientProfile]) -> Shown:
    """How a refusal with `status` is sent to a client."""
    for profile in profiles:
        if user_agent.startswith(profile.agent):
            return profile.refusals.get(status) or Shown(status)
    return Shown(status)
