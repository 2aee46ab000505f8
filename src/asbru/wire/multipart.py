"""Forms (`multipart/form-data`, RFC 7578): the parts of a body where they stand, and the same form with other fields.

    form = read_form(body, content_type)       where each part begins and ends; nothing is copied
    form.text(body, part)                      the text of a small field
    form.pieces(body, {part: "m"})             the body with another text there, in small pieces and views of it

Whoever decides by a form, and whoever it is sent on to, must read it alike. So what two readers may read in two ways is
refused: text before the first part or after the last, bare line feeds, two boundaries, folded or doubled headers,
names with escapes, transfer encodings, parts within parts. Not here: what a field means.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final

import msgspec

FORM_TYPE: Final = b"multipart/form-data"
PARTS_MAX: Final = 256
"""Parts of one form. The largest that providers take have some 20."""
PART_HEAD_BYTES_MAX: Final = 4096
"""Bytes of the headers of one part."""
FIELD_BYTES_MAX: Final = 256 * 1024
"""Bytes of a field that is read as text."""

_HEAD_END = b"\r\n\r\n"
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = re.compile(rb';[ \t]*(%b)=("[^"\x00-\x1f]*(?<!\\)"|%b)[ \t]*' % (_TOKEN, _TOKEN))
"""A quote within quotes is written `%22` (RFC 7578, 2); readers differ in whether a backslash makes it one."""
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")  # RFC 2046, 5.1.1
_PLAIN_ENCODINGS = (b"7bit", b"8bit", b"binary")


class FormError(ValueError):
    """The body is no form, or one that two readers may read in two ways. Its words say what was expected."""


class Part(msgspec.Struct, frozen=True):
    """One part. `begin` is where the line of its boundary begins, `start` and `end` are those of its content.
    `is_file`: it has a filename. `content_type`: as the sender declared it, b"" if absent."""

    name: str
    begin: int
    start: int
    end: int
    is_file: bool = False
    content_type: bytes = b""


class Form(msgspec.Struct, frozen=True):
    """The parts of a body in order. Holds no byte of it."""

    boundary: bytes
    parts: tuple[Part, ...]

    @property
    def content_type(self) -> bytes:
        """The type to send the body on with: the boundary, and nothing that a reader may read otherwise."""
        quote = b"" if re.fullmatch(_TOKEN, self.boundary) else b'"'
        return b"%b; boundary=%b%b%b" % (FORM_TYPE, quote, self.boundary, quote)

    @property
    def field_bytes(self) -> int:
        """Bytes of all that is not a file."""
        return sum(part.end - part.start for part in self.parts if not part.is_file)

    @property
    def file_bytes(self) -> int:
        """Bytes of all files."""
        return sum(part.end - part.start for part in self.parts if part.is_file)

    def text(self, body: bytes, part: Part) -> str:
        """The text of a field. Raises `FormError` where it is a file, too long, or not UTF-8."""
        if part.is_file:
            raise FormError(f"{part.name}: expected a plain field, got a file")
        if part.end - part.start > FIELD_BYTES_MAX:
            raise FormError(f"{part.name}: expected at most {FIELD_BYTES_MAX} bytes, got {part.end - part.start}")
        charset = _parameters(part.content_type.partition(b";")[1:]).get(b"charset", b"utf-8")
        try:
            if charset.lower() not in (b"utf-8", b"us-ascii"):
                raise FormError(f"{part.name}: expected UTF-8, got another charset")
            return body[part.start : part.end].decode()
        except UnicodeDecodeError:
            raise FormError(f"{part.name}: expected UTF-8, got other bytes") from None

    def named(self, *names: str) -> tuple[Part, ...]:
        """The parts of these names, in order."""
        return tuple(part for part in self.parts if part.name in names)

    def pieces(
        self, body: bytes, changed: Mapping[Part, str], dropped: Collection[Part] = ()
    ) -> list[bytes | memoryview]:
        """The body with other texts for some parts, and without others. Raises `FormError` for a text that would end
        its part."""
        view = memoryview(body)
        pieces: list[bytes | memoryview] = []
        kept = 0
        for part in self.parts:
            text = changed.get(part)
            if part in dropped:
                pieces.append(view[kept : part.begin])
                kept = part.end + 2  # where the line of the next boundary begins
            elif text is not None:
                if text.find(f"--{self.boundary.decode()}") >= 0:
                    raise FormError(f"{part.name}: expected a text without the form's boundary")
                pieces += (view[kept : part.start], text.encode())
                kept = part.end
        pieces.append(view[kept:])
        return pieces


def is_form(content_type: bytes) -> bool:
    """Whether a Content-Type says that a body is a form."""
    return content_type.partition(b";")[0].strip().lower() == FORM_TYPE


def read_form(body: bytes, content_type: bytes) -> Form:
    """The form in `body`. Raises `FormError`. Takes time in proportion to the length, whatever is in it."""
    boundary = _read_boundary(content_type)
    delimiter = b"\r\n--%b" % boundary
    if not body.startswith(delimiter[2:]):
        raise FormError("expected the body to begin with the boundary that Content-Type names")
    parts: list[Part] = []
    begin = 0
    at = len(delimiter) - 2
    while body[at : at + 2] != b"--":
        if body[at : at + 2] != b"\r\n":
            raise FormError("expected a line break after a boundary")
        if len(parts) >= PARTS_MAX:
            raise FormError(f"expected at most {PARTS_MAX} parts, got more")
        head_end = body.find(_HEAD_END, at, at + PART_HEAD_BYTES_MAX)
        if head_end < 0:
            raise FormError(f"expected the headers of a part to end within {PART_HEAD_BYTES_MAX} bytes")
        start = head_end + len(_HEAD_END)
        end = body.find(delimiter, start)
        if end < 0:
            raise FormError("expected the closing boundary, got the end of the body")
        name, is_file, declared = _read_part_head(body[at + 2 : head_end])
        parts.append(Part(name, begin, start, end, is_file, declared))
        begin, at = end + 2, end + len(delimiter)
    if body[at + 2 : at + 5] not in (b"", b"\r\n"):
        raise FormError("expected nothing after the closing boundary")
    if body.count(b"\n%b" % delimiter[2:]) != len(parts) or body.find(b"\r%b" % delimiter[2:]) >= 0:
        raise FormError("expected boundaries after CRLF only, got one after another line break")
    return Form(boundary, tuple(parts))


def _read_boundary(content_type: bytes) -> bytes:
    kind, *rest = content_type.partition(b";")
    if kind.strip().lower() != FORM_TYPE:
        raise FormError("expected `Content-Type: multipart/form-data`")
    boundary = _parameters(rest).get(b"boundary")
    if boundary is None:
        raise FormError("expected a boundary in Content-Type, got none")
    if not _BOUNDARY.fullmatch(boundary):
        raise FormError("expected a boundary of at most 70 letters, digits and '()+_,-./:=? in Content-Type")
    return boundary


def _read_part_head(head: bytes) -> tuple[str, bool, bytes]:
    """Name, whether it is a file, and declared type of a part with these headers."""
    headers = dict(_headers(head))
    kind, *rest = headers.get(b"content-disposition", b"").partition(b";")
    parameters = _parameters(rest)
    raw_name = parameters.get(b"name")
    if kind.strip().lower() != b"form-data" or raw_name is None:
        raise FormError("expected a Content-Disposition of form-data with a name in each part")
    if raw_name.find(b"\\") >= 0 or raw_name.find(b"%") >= 0 or b"name*" in parameters:
        raise FormError("expected names of parts without escapes")
    if headers.get(b"content-transfer-encoding", b"binary").lower() not in _PLAIN_ENCODINGS:
        raise FormError("expected parts without a Content-Transfer-Encoding")
    declared = headers.get(b"content-type", b"")
    if declared.lower().startswith((b"multipart/", b"message/")):
        raise FormError("expected parts that hold no other parts")
    try:
        name = raw_name.decode()
    except UnicodeDecodeError:
        raise FormError("expected names of parts in UTF-8") from None
    is_file = b"filename" in parameters or b"filename*" in parameters
    return name, is_file, declared


def _headers(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names in lower case and values; each name once."""
    seen: set[bytes] = set()
    for line in head.split(b"\r\n") if head else ():
        raw, colon, value = line.partition(b":")
        name = raw.lower()
        if not colon or not re.fullmatch(_TOKEN, raw) or line.find(b"\n") >= 0 or line.find(b"\r") >= 0:
            raise FormError("expected headers of parts as 'name: value', each on one line")
        if name in seen:
            raise FormError("expected each header of a part once")
        seen.add(name)
        yield name, value.strip(b" \t")


def _parameters(rest: Collection[bytes]) -> dict[bytes, bytes]:
    """The parameters of a header, by names in lower case. `rest`: what follows the value, from its semicolon on."""
    text = b"".join(rest).rstrip(b" \t")
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(text):
        match = _PARAMETER.match(text, at)
        if match is None:
            raise FormError("expected the parameters of a header as 'name=value' or 'name=\"value\"'")
        name = match[1].lower()
        if name in found:
            raise FormError(f"expected the parameter '{name.decode()}' of a header once")
        found[name] = match[2][1:-1] if match[2][:1] == b'"' else match[2]
        at = match.end()
    return found
