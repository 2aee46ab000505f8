"""A server that is an HTTP API, described by a document, as it is declared: `mcp.servers.NAME.openapi`.

Not here: how documents are read and requests are made (`mcp.openapi`).
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from asbru.core.secret_text import SecretText

DOCUMENT_CHARS_MAX: Final = 4 * 1024 * 1024
OPERATIONS_MAX: Final = 1000
"""Tools of one API: what a document has more of must be chosen from."""

HEADER_NAME: Final = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$"
BASE_URL: Final = r"^https?://[^\s?#/@]+(/[^\s?#]*)?$"
"""Without `user:password@`, which is sent to nobody and would be shown."""


class HttpApi(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An HTTP API whose operations are tools."""

    file: Annotated[
        str | None,
        Meta(description="File with the document: OpenAPI 3.0 or 3.1, or a Postman collection 2.1; JSON or YAML."),
    ] = None
    document: Annotated[
        str, Meta(max_length=DOCUMENT_CHARS_MAX, description="The document itself, as text, in place of `file`.")
    ] = ""
    base_url: Annotated[
        Annotated[str, Meta(pattern=BASE_URL)] | None,
        Meta(description="Address of the API. Default: the first server that the document names."),
    ] = None
    operations: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=256)], ...],
        Meta(
            max_length=OPERATIONS_MAX,
            description="Operations that are tools, by the names that `asbru mcp preview` shows; `*` stands for any "
            "text.",
        ),
    ] = ("*",)
    credentials: Annotated[
        dict[str, SecretText],
        Meta(max_length=32, description="Values of the document's security schemes, by the scheme's name."),
    ] = {}
    forward: Annotated[
        dict[Annotated[str, Meta(pattern=HEADER_NAME)], Annotated[str, Meta(min_length=1, max_length=1024)]],
        Meta(
            max_length=16,
            description="Headers made of headers of the caller: `{NAME}` in the value stands for the caller's header "
            "`NAME`. No other header of the caller is sent.",
        ),
    ] = {}
