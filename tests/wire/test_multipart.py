"""Forms: parts where they stand, fields changed without a copy, and nothing that two readers may read in two ways."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.forms import BOUNDARY, FORM_LINE, form, read_back

from asbru.wire.multipart import (
    FIELD_BYTES_MAX,
    PART_HEAD_BYTES_MAX,
    PARTS_MAX,
    Form,
    FormError,
    is_form,
    read_form,
)

TYPE = FORM_LINE.partition(": ")[2].encode()
MODEL = ("model", "whisper-1")
FILE = ("file", ("a.mp3", b"ID3\x00\r\n--\r\n\xff"))


def parts(body: bytes) -> list[tuple[str, bytes]]:
    """Names and contents, as they stand."""
    return [(part.name, body[part.start : part.end]) for part in read_form(body, TYPE).parts]


def part_with(head: str, content: str = "x") -> bytes:
    """A form of one part with these headers."""
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n{content}\r\n--{BOUNDARY}--\r\n".encode()


def test_parts_are_found_where_they_stand() -> None:
    """Names, contents byte for byte, and which of them are files."""
    body = form(MODEL, FILE, ("n", ""))
    found = read_form(body, TYPE)
    assert parts(body) == [("model", b"whisper-1"), ("file", b"ID3\x00\r\n--\r\n\xff"), ("n", b"")]
    assert [part.is_file for part in found.parts] == [False, True, False]
    assert found.parts[1].content_type == b"application/octet-stream"
    assert (found.field_bytes, found.file_bytes) == (9, 11)


NAMES = st.sampled_from(("model", "file", "prompt", "timestamp_granularities[]"))
CONTENTS = st.binary(max_size=40) | st.sampled_from((b"\r\n", b"--", b"\r\n--", b"\r\n--\r\n", b"a\r\n--0f3a"))


@given(st.lists(st.tuples(NAMES, CONTENTS), min_size=1, max_size=6), st.text(max_size=8), st.sets(NAMES, max_size=2))
def test_a_form_with_other_fields_is_that_form(fields: list[tuple[str, bytes]], model: str, gone: set[str]) -> None:
    """What is changed is changed, what is dropped is gone, all else is as it was; a reader that is not ours agrees."""
    body = form(*((name, ("f", content)) for name, content in fields))
    found = read_form(body, TYPE)
    changed = dict.fromkeys(found.named("model"), model)
    written = b"".join(found.pieces(body, changed, found.named(*gone)))
    wanted = [(n, model.encode() if n == "model" else content) for n, content in fields if n not in gone]
    assert parts(written) == wanted
    if wanted:
        assert list(read_back(written, found.content_type.decode())) == wanted


def test_files_are_not_copied() -> None:
    """A form with another model is made of views of the body, but for the model."""
    body = form(FILE, MODEL, FILE)
    found = read_form(body, TYPE)
    pieces = found.pieces(body, {found.parts[1]: "m"})
    assert [piece for piece in pieces if isinstance(piece, bytes)] == [b"m"]
    assert all(piece.obj is body for piece in pieces if isinstance(piece, memoryview))


@given(st.data())
def test_damaged_forms_are_refused_or_read(data: st.DataObject) -> None:
    """Whatever is cut out of a form or put into it: a form or `FormError`, and parts lie in order within the body."""
    body = form(MODEL, FILE, ("prompt", "é"))
    begin = data.draw(st.integers(0, len(body)))
    end = data.draw(st.integers(begin, len(body)))
    body = body[:begin] + data.draw(st.binary(max_size=3) | st.just(f"\r\n--{BOUNDARY}".encode())) + body[end:]
    try:
        found = read_form(body, TYPE)
    except FormError:
        return
    bounds = [at for part in found.parts for at in (part.begin, part.start, part.end)]
    assert bounds == sorted(bounds) and all(0 <= at <= len(body) for at in bounds)
    if found.parts:
        assert list(read_back(body, found.content_type.decode())) == parts(body), "another reader reads it otherwise"


REFUSED = {
    "other types": (form(MODEL), b"application/json", "multipart/form-data"),
    "no boundary": (form(MODEL), b"multipart/form-data", "boundary in Content-Type, got none"),
    "an empty boundary": (form(MODEL), b'multipart/form-data; boundary=""', "at most 70"),
    "a long boundary": (form(MODEL), b"multipart/form-data; boundary=" + b"a" * 71, "at most 70"),
    "two boundaries": (form(MODEL), TYPE + b"; boundary=other", "once"),
    "an unreadable type": (form(MODEL), TYPE + b"; =", "parameters"),
    "another boundary": (form(MODEL), b"multipart/form-data; boundary=other", "begin with the boundary"),
    "an empty body": (b"", TYPE, "begin with the boundary"),
    "a preamble": (b"hello\r\n" + form(MODEL), TYPE, "begin with the boundary"),
    "an epilogue": (form(MODEL) + form(MODEL), TYPE, "after the closing boundary"),
    "a cut body": (form(MODEL)[:-4], TYPE, "line break after a boundary"),
    "a cut part": (form(MODEL)[:-30], TYPE, "the end of the body"),
    "a boundary that goes on": (form(("model", f"m\r\n--{BOUNDARY}x")), TYPE, "line break after a boundary"),
    "a boundary after a line feed": (form(("model", f"m\n--{BOUNDARY}\r\n")), TYPE, "after CRLF only"),
    "a boundary after a return": (form(("model", f"m\r--{BOUNDARY}\r\n")), TYPE, "after CRLF only"),
    "many parts": (form(*[MODEL] * (PARTS_MAX + 1)), TYPE, f"at most {PARTS_MAX} parts"),
    "long headers": (part_with("X: " + "y" * PART_HEAD_BYTES_MAX), TYPE, f"within {PART_HEAD_BYTES_MAX} bytes"),
    "no headers": (part_with(""), TYPE, "Content-Disposition"),
    "no name": (part_with("Content-Disposition: form-data"), TYPE, "with a name"),
    "another disposition": (part_with('Content-Disposition: attachment; name="model"'), TYPE, "form-data"),
    "two names": (part_with('Content-Disposition: form-data; name="a"; name="model"'), TYPE, "once"),
    "an escaped name": (part_with('Content-Disposition: form-data; name="mod\\el"'), TYPE, "without escapes"),
    "a name in percent": (part_with('Content-Disposition: form-data; name="mod%65l"'), TYPE, "without escapes"),
    "an escaped quote": (
        part_with('Content-Disposition: form-data; name="a"; filename="\\"; name=model; x=""'),
        TYPE,
        "parameters of a header",
    ),
    "an extended name": (part_with("Content-Disposition: form-data; name=a; name*=b"), TYPE, "without escapes"),
    "a doubled header": (part_with("Content-Disposition: form-data; name=a\r\n" * 2 + "A: b"), TYPE, "once"),
    "a folded header": (part_with("Content-Disposition: form-data;\r\n name=a"), TYPE, "on one line"),
    "a bare line feed": (part_with("Content-Disposition: form-data; name=a\nX: y"), TYPE, "on one line"),
    "no colon": (part_with("Content-Disposition form-data; name=a"), TYPE, "on one line"),
    "a form within a form": (
        part_with("Content-Disposition: form-data; name=a\r\nContent-Type: multipart/mixed; boundary=x"),
        TYPE,
        "no other parts",
    ),
    "an encoding": (
        part_with("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64"),
        TYPE,
        "Content-Transfer-Encoding",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_may_be_read_in_two_ways_is_refused(what: str) -> None:
    """With words that say what was expected."""
    body, content_type, words = REFUSED[what]
    with pytest.raises(FormError, match=re.escape(words)):
        read_form(body, content_type)


def test_names_in_utf_8_or_not_at_all() -> None:
    """Other bytes have no meaning that all readers share."""
    assert parts(form(("größe", "1"))) == [("größe", b"1")]
    with pytest.raises(FormError, match="UTF-8"):
        read_form(form(("a", "1")).replace(b'"a"', b'"\xff"'), TYPE)


def test_no_text_ends_its_part() -> None:
    """One that holds the boundary is refused, since what follows it would be read as another part."""
    body = form(MODEL)
    found = read_form(body, TYPE)
    with pytest.raises(FormError, match="without the form's boundary"):
        found.pieces(body, {found.parts[0]: f"--{BOUNDARY}"})


def texts(body: bytes) -> list[str]:
    """The texts of all parts."""
    found: Form = read_form(body, TYPE)
    return [found.text(body, part) for part in found.parts]


def test_texts_of_fields() -> None:
    """Plain fields are read as UTF-8; files, long fields and other encodings are refused."""
    assert texts(form(("prompt", "größer"), ("n", ""))) == ["größer", ""]
    declared = 'Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset='
    assert texts(part_with(declared + "UTF-8")) == ["x"]
    for body, words in (
        (form(FILE), "plain field"),
        (form(("a", "x" * (FIELD_BYTES_MAX + 1))), "at most"),
        (form(("a", b"\xff")), "UTF-8"),
        (part_with(declared + "utf-16"), "UTF-8"),
    ):
        with pytest.raises(FormError, match=words):
            texts(body)


@pytest.mark.parametrize(
    ("content_type", "form_or_not"),
    [(b"multipart/form-data", True), (b" Multipart/Form-Data ;boundary=a", True), (b"multipart/mixed", False)],
)
def test_what_says_that_it_is_a_form(content_type: bytes, form_or_not: bool) -> None:
    """By the media type alone, in any case."""
    assert is_form(content_type) is form_or_not
