"""A form (`multipart/form-data`) as the mock reads it: its fields by name, each a list of values. Pure.

Written apart from `asbru.wire` on purpose, like the mock's dialects.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from asbru.providers.mock.prompt import Refusal

Form: TypeAlias = dict[str, list[bytes]]

PARTS_MAX = 64

_BOUNDARY = re.compile(r"""multipart/form-data\s*;.*?boundary="?([^";,]{1,70})"?""", re.IGNORECASE)
_NAME = re.compile(rb"""content-disposition:\s*form-data\s*;[^\r\n]*?\bname="([^"\r\n]*)\"""", re.IGNORECASE)


def read_form(body: bytes, content_type: str) -> Form:
    """The fields; `image[]` counts as `image`. Raises `Refusal` 400 where the body is no form."""
    found = _BOUNDARY.match(content_type)
    if found is None:
        raise Refusal(400, f"A form is expected (multipart/form-data), not {content_type or 'a body without a type'}")
    parts = (b"\r\n" + body).split(b"\r\n--" + found[1].encode("latin-1"), PARTS_MAX)
    if len(parts) < 2 or not parts[-1].startswith(b"--"):
        raise Refusal(400, f"The form is not complete, or has more than {PARTS_MAX} parts")
    form: Form = {}
    for part in parts[1:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if name is None:
            raise Refusal(400, "A part of the form has no name")
        form.setdefault(name[1].decode("utf-8", "replace").removesuffix("[]"), []).append(value)
    return form


def text_of(form: Form, name: str, otherwise: str = "") -> str:
    """A field's text; `otherwise` where there is none. Raises `Refusal` 400 where it is not UTF-8."""
    try:
        return form[name][0].decode() if name in form else otherwise
    except UnicodeDecodeError:
        raise Refusal(400, f"`{name}` is not UTF-8") from None


def number_of(form: Form, name: str) -> int | None:
    """A field's whole number; None where there is none."""
    text = text_of(form, name)
    if text and not text.isdecimal():
        raise Refusal(400, f"`{name}` is {text!r}: a whole number is needed")
    return int(text) if text else None
