"""Headers of the caller that go to an API, by templates: `{x-crm-token}` stands for the caller's header of that name.

What a template does not name is not sent. A header that identifies the caller to Asbru cannot be named: virtual keys
and sessions of browsers are no API's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

_NAMED: Final = re.compile(r"\{([^{}]*)\}")
_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}")
_IDENTIFY: Final = frozenset(
    ("authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "x-bf-vk")
)
_OURS: Final = "x-asbru-"
NEVER_SENT: Final = frozenset(
    (
        *("host", "content-length", "content-type", "transfer-encoding", "connection", "keep-alive", "te", "trailer"),
        *("upgrade", "expect", "accept-encoding", "proxy-connection"),
    )
)
"""Headers that belong to the connection: neither templates nor arguments may set them."""


def names_in(templates: Iterable[str]) -> frozenset[str]:
    """The headers of the caller that templates read, in lower case."""
    return frozenset(name.lower() for template in templates for name in _NAMED.findall(template))


def flaws_of(name: str, template: str) -> list[str]:
    """Why a header cannot be made by this template; nothing where it can."""
    flaws = [f"the header {name} belongs to the connection"] if name.lower() in NEVER_SENT else []
    around = _NAMED.sub("", template)
    if not template.isascii() or not template.isprintable() or "{" in around or "}" in around:
        flaws.append("expected text with names of headers in braces, such as `Bearer {x-user-token}`")
    named = _NAMED.findall(template)
    if not named:
        flaws.append("it names no header of the caller; a fixed value belongs in `headers`")
    for one in named:
        if not _NAME.fullmatch(one):
            flaws.append(f"{one!r} is no name of a header")
        elif one.lower() in _IDENTIFY or one.lower().startswith(_OURS):
            flaws.append(f"the header {one} identifies the caller to Asbru and is sent to nobody")
    return flaws


def filled(templates: Mapping[str, str], given: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The headers, and the names of those that the caller lacks. `given`: the caller's, by names in lower case."""
    missing = sorted(name for name in names_in(templates.values()) if not given.get(name))
    if missing:
        return {}, missing
    return {
        name: _NAMED.sub(lambda found: given[found[1].lower()], template) for name, template in templates.items()
    }, []
