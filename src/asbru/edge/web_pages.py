"""What keeps web pages out where no key is needed: a browser on this machine may call, but no page that it shows.

Without a key there is nothing that a page does not have. So a request is refused that comes from a page of another
origin, unless `cors_origins` lists it; that names this gateway by an unknown name, since the page may have had its own
name point here (DNS rebinding); or whose body is not declared as JSON, which a page may send without asking first. A
page may send forms without asking, too, but browsers say where each comes from: they are refused by their origin.
"""

from __future__ import annotations

import ipaddress

from asbru.core.errors import BadRequest, Forbidden
from asbru.edge.server import Head
from asbru.wire.multipart import is_form

_LOCAL_NAME = b"localhost"


def check_no_page(head: Head, cors_origins: frozenset[bytes], *, local: bool, forms: bool = False) -> None:
    """Raise what refuses a request that a web page may have made. `local`: only this machine is served, so that the
    names it is called by are known. `forms`: the path takes them."""
    if local and head.host and not _is_local(head.host):
        raise Forbidden(
            f"expected a Host of localhost or an IP address, got {head.host[:200].decode('latin-1')!r}: without "
            "virtual keys, only this machine is served",
            code="unknown_host",
        )
    check_origin(head, cors_origins)
    if head.method == b"POST" and not (_is_json(head.content_type) or (forms and is_form(head.content_type))):
        raise BadRequest(
            "expected `Content-Type: application/json`: where no virtual key is needed, bodies are declared as JSON",
            status=415,
            code="json_expected",
        )


def check_origin(head: Head, cors_origins: frozenset[bytes]) -> None:
    """Raise `Forbidden` for a request from a page of another origin that `cors_origins` does not list."""
    origin = head.origin
    if origin and origin.partition(b"://")[2] != head.host and not cors_origins & {b"*", origin}:
        raise Forbidden(
            f"web pages of the origin {origin[:200].decode('latin-1')!r} may not call unless cors_origins lists it",
            code="cross_origin",
        )


def _is_json(content_type: bytes) -> bool:
    if content_type == b"application/json":
        return True
    kind = content_type.partition(b";")[0].strip().lower()
    return kind == b"application/json" or (kind.startswith(b"application/") and kind.endswith(b"+json"))


def _is_local(host: bytes) -> bool:
    """Whether a Host header has an IP address, with or without a port, or names this machine."""
    text = host.decode("latin-1")
    name = text[1:].partition("]")[0] if text.startswith("[") else text.rpartition(":")[0] or text
    if name.lower().encode("latin-1") == _LOCAL_NAME or name.lower().endswith(".localhost"):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
