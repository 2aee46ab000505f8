"""Forms as SDKs send them, and read back by the standard library: a reader that is not ours."""

from __future__ import annotations

import email.policy
from collections.abc import Sequence
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any, cast

BOUNDARY = "0f3a9c1e5b7d2846"
FORM_LINE = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
"""The header of a form made here, as callers of `tests.journeys.caller.request` give it."""

Field = tuple[str, str | bytes | tuple[str, bytes]]
"""A name, and a text or, for a file, its filename and content."""


def form(*fields: Field, boundary: str = BOUNDARY) -> bytes:
    """A form's body."""
    lines: list[bytes] = []
    for name, value in fields:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        if isinstance(value, tuple):
            filename, content = value
            head += f'; filename="{filename}"\r\nContent-Type: application/octet-stream'
        else:
            content = value if isinstance(value, bytes) else value.encode()
        lines.append(head.encode() + b"\r\n\r\n" + content + b"\r\n")
    return b"".join((*lines, f"--{boundary}--\r\n".encode()))


def read_back(body: bytes, content_type: str) -> Sequence[tuple[str, bytes]]:
    """Names and contents of the parts."""
    return [(name, content) for name, _, content in read_parts(body, content_type)]


def read_parts(body: bytes, content_type: str) -> Sequence[tuple[str, str | None, bytes]]:
    """Names, filenames and contents of the parts."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    policy = cast("Any", email.policy.HTTP)
    message = cast("EmailMessage", BytesParser(policy=policy).parsebytes(head + body))
    parts = cast("list[EmailMessage]", message.get_payload())
    return [
        (
            str(part.get_param("name", header="content-disposition")),
            part.get_filename(),
            cast("bytes", part.get_payload(decode=True)),
        )
        for part in parts
    ]
