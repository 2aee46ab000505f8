"""Files and batches of providers that say them otherwise than OpenAI (`core.stored_words`): requests and forms on their
way to the provider, replies on their way back. A pure codec: ids are sealed and opened elsewhere (`bodies.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest
from asbru.core.traits import AS_OPENAI, StoredWords
from asbru.pipeline.objects.bodies import Members, text_of
from asbru.upstream import LARGE_BYTES_MIN, Body, Spliced
from asbru.wire.multipart import Form, FormError, Part, read_form

_WINDOW: Final = re.compile(r"([1-9]\d{0,3})([hd])")
_FILE_NAME: Final = re.compile(rb'filename="([^"\r\n]*)"', re.IGNORECASE)
_NAME_BYTES_MAX: Final = 255
_UNNAMED: Final = "file.jsonl"
_NULL: Final = Raw(b"null")
_any = msgspec.json.Decoder().decode
_encode = msgspec.json.encode


def ask(members: Members, words: StoredWords) -> Members:
    """The members of a request for a batch, as the provider calls them. Raises `BadRequest` for a window that it cannot
    be told."""
    if words == AS_OPENAI:
        return members
    asked: Members = {}
    for name, raw in members.items():
        theirs = words.asked.get(name, name)
        if name == "completion_window" and words.hours:
            asked[words.hours] = Raw(_encode(_hours(members)))
        else:
            asked[theirs] = Raw(b"[%b]" % bytes(raw)) if theirs in words.listed else raw
    return asked


def _hours(members: Members) -> int:
    window = text_of(members, "completion_window") or ""
    found = _WINDOW.fullmatch(window)
    if found is None:
        raise BadRequest(
            f"completion_window: expected a number of hours such as '24h', got '{window[:40]}'",
            param="completion_window",
        )
    return int(found[1]) * (24 if found[2] == "d" else 1)


def tell(members: Members, words: StoredWords, kind: str) -> Members:
    """The members of a reply, as OpenAI calls them. `kind`: what the object is ("file", "batch")."""
    if words == AS_OPENAI:
        return members
    told = _inner(members, words.inside)
    for theirs, ours in words.told.items():
        raw = told.pop(theirs, None)
        if raw is not None:
            told[ours] = _only(raw) if theirs in words.listed else raw
    _change(told, words.times, _seconds)
    _change(told, ("status",), lambda value: words.statuses.get(value, value.lower()))
    purposes = {theirs: ours for ours, theirs in words.purposes.items()}
    _change(told, ("purpose",), lambda value: purposes.get(value, value))
    if words.counts and any(name in told for name in words.counts.values()):
        told["request_counts"] = Raw(_encode({ours: told.pop(name, 0) for ours, name in words.counts.items()}))
    if words.error in told:
        told["errors"] = _errors(told.pop(words.error))
    return {"object": Raw(_encode(kind)), **told}


def _inner(members: Members, inside: str) -> Members:
    """The object itself, where a reply holds it in a member, beside what is said of it."""
    try:
        inner = msgspec.json.decode(members[inside], type=dict[str, Raw])
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return dict(members)
    return {name: raw for name, raw in members.items() if name != inside} | inner


def _only(raw: Raw) -> Raw:
    """The first of a list; null where there is none."""
    found = _value(raw)
    return Raw(_encode(found[0] if isinstance(found, list) and found else None))


def _change(told: Members, names: tuple[str, ...], change: Callable[[str], Any]) -> None:
    """Put something else in the place of texts."""
    for name in names:
        text = text_of(told, name)
        if text is not None:
            told[name] = Raw(_encode(change(text)))


def _seconds(text: str) -> Any:
    """A date as seconds; what is none stays."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _errors(raw: Raw) -> Raw:
    """Why a batch failed: OpenAI has a list in an object, or null."""
    said = _value(raw)
    if isinstance(said, dict) or not said:
        return raw if said else _NULL
    return Raw(_encode({"object": "list", "data": said if isinstance(said, list) else [{"message": said}]}))


def _value(raw: Raw) -> Any:
    try:
        return _any(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def write_form(body: bytes, content_type: bytes, words: StoredWords) -> Body:
    """The form of an upload with the provider's word for its purpose, and with the file's name in a field of its own
    where it wants that. Raises `BadRequest` for what is no form."""
    if not (words.purposes or words.file_name):
        return body
    try:
        form = read_form(body, content_type)
        changed = {
            part: words.purposes[said]
            for part in form.named("purpose")
            if (said := form.text(body, part)) in words.purposes
        }
        pieces = [*_named(form, body, words.file_name), *form.pieces(body, changed)]
    except FormError as error:
        raise BadRequest(str(error), code="invalid_form") from None
    spliced = Spliced(pieces)
    return spliced if len(spliced) > LARGE_BYTES_MIN else b"".join(spliced.pieces)


def _named(form: Form, body: bytes, field: str) -> tuple[bytes, ...]:
    """The field with the file's name, as the first part; none where it is not wanted or there."""
    if not field or form.named(field):
        return ()
    name = next((_name_of(body, part) for part in form.parts if part.is_file), _UNNAMED)
    if name.find(f"--{form.boundary.decode()}") >= 0:
        name = _UNNAMED
    head = b'--%b\r\ncontent-disposition: form-data; name="%b"\r\n\r\n' % (form.boundary, field.encode())
    return (b"%b%b\r\n" % (head, name.encode()),)


def _name_of(body: bytes, part: Part) -> str:
    found = _FILE_NAME.search(body, part.begin, part.start)
    return found[1][:_NAME_BYTES_MAX].decode("utf-8", "ignore") if found and found[1] else _UNNAMED
