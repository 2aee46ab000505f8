"""What is wrong with a `base_url`: it must be an API root, which ends with its version segment, at an address that the
outbound policy allows.

Judged by facts: the paths that dialects ask under a base URL, and the base URLs of provider types. Whether a server
that is not known wants a version segment only the server can say (`app.live_check`).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from asbru.app.defaults import ProviderTypes
from asbru.dialects import Dialect
from asbru.upstream.origin import Reach

_VERSION = re.compile(r"v[0-9]+[a-z0-9]*")
_VERSION_USUAL = "/v1"

Verdict: TypeAlias = tuple[Literal["error", "warning"], str]


def judge_path(
    url: str, types: ProviderTypes, dialects: Mapping[str, Dialect], usual: str | None = None
) -> Verdict | None:
    """Why every call would be answered with a 404, or may be; None where nothing is wrong. `usual`: the base URL of the
    provider's type, which says whether such servers have a version segment."""
    if (root := _without_operation(url, dialects)) is not None:
        return "error", f"this is the URL of an operation; expected the API root: {root}"
    if (root := _known_root(url, types)) is not None:
        return "error", f"the URL stops before the version segment; expected {root}"
    if not _has_version(url) and (usual is None or _has_version(usual)):
        return "warning", (
            "the URL has no version segment such as /v1, which most servers expect; "
            "`asbru config check --live` asks the server"
        )
    return None


def _has_version(url: str) -> bool:
    return any(map(_VERSION.fullmatch, urlsplit(url).path.split("/")))


def judge_host(host: str, reach: Reach) -> str | None:
    """Why the outbound policy would refuse every call; None for a name, which is judged when it is resolved."""
    loopback = host == "localhost" or host.endswith(".localhost")
    private = link_local = False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        loopback, link_local = address.is_loopback, address.is_link_local
        private = address.is_private and not loopback and not link_local
    if link_local:
        return f"{host} is a link-local address; Asbru never connects to those"
    if loopback and not reach.allow_loopback:
        return f"{host} is loopback; set `allow_loopback: true` on this provider"
    if private and not reach.allow_private:
        return f"{host} is private; set `allow_private: true` on this provider"
    return None


def candidates(url: str, types: ProviderTypes) -> Iterator[str]:
    """Base URLs that may be meant by one that does not answer as an API, the likeliest first, each once."""
    parts = urlsplit(url)
    root = f"{parts.scheme}://{parts.netloc}"
    known = [kind.base_url for kind in types.values() if urlsplit(kind.base_url or "").netloc == parts.netloc]
    seen = {url.rstrip("/"), None}
    for guess in (*known, f"{url.rstrip('/')}{_VERSION_USUAL}", f"{root}{_VERSION_USUAL}", root):
        if guess not in seen:
            seen.add(guess)
            yield str(guess)


def _without_operation(url: str, dialects: Mapping[str, Dialect]) -> str | None:
    """The API root where `url` is that of an operation, such as `.../v1/chat/completions`."""
    paths = {operation.path.partition("?")[0] for dialect in dialects.values() for operation in dialect.operations}
    for path in sorted(paths, key=len, reverse=True):
        if url.rstrip("/").endswith(path):
            return url.rstrip("/").removesuffix(path)
    return None


def _known_root(url: str, types: ProviderTypes) -> str | None:
    """The base URL of the provider type at the same host, where `url` stops short of its path."""
    asked = urlsplit(url)
    path = asked.path.rstrip("/")
    for kind in types.values():
        known = urlsplit(kind.base_url or "")
        if known.netloc and known.netloc == asked.netloc and known.path.startswith(f"{path}/"):
            return kind.base_url
    return None
