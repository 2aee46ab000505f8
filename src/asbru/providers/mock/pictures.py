"""Images of the mock: a pattern that follows from the prompt alone, as PNG. Pure.

What is asked, as JSON or as a form, becomes a `Picture`; its answer is whole or a stream of events, as OpenAI's.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct
import zlib
from collections.abc import Iterator

import msgspec

from asbru.providers.mock.form import Form, number_of, text_of
from asbru.providers.mock.openai_wire import CREATED_S
from asbru.providers.mock.prompt import TOKENS_PER_IMAGE, Object, Refusal, count_words, decode

MODEL = "paint"
SIDE_MAX = 2048
COUNT_MAX = 10
PARTIAL_MAX = 3
_SIDE = 256
_CELLS = 7
"""Of a side of the pattern, whose right half mirrors the left one."""
_SIZE = re.compile(r"([1-9]\d{0,3})x([1-9]\d{0,3})")


class _Body(msgspec.Struct):
    model: str
    prompt: str
    n: int | None = None
    size: str | None = None
    response_format: str | None = None
    stream: bool | None = None
    partial_images: int | None = None


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for. `given`: how many images came with it; `kind`: the first word of the events' names."""

    model: str
    prompt: str
    count: int
    width: int
    height: int
    as_url: bool
    stream: bool
    partial: int
    given: int
    kind: str


def read_generation(body: bytes) -> Picture:
    """A request for new images; raises `Refusal` 400 on anything else."""
    return _picture(decode(body, _Body), 0, "image_generation")


def read_edit(form: Form) -> Picture:
    """A form with images and what is to become of them."""
    if not text_of(form, "prompt"):
        raise Refusal(400, "`prompt` is needed")
    return _picture(_from_form(form), _given(form), "image_edit")


def read_variation(form: Form) -> Picture:
    """A form with an image; its bytes stand in for a prompt."""
    given = _given(form)
    prompt = hashlib.sha256(form["image"][0]).hexdigest()
    return _picture(msgspec.structs.replace(_from_form(form), prompt=prompt, stream=False), given, "image_variation")


def write_images(picture: Picture) -> bytes:
    """The whole answer."""
    images = [_encoded(picture, number) for number in range(picture.count)]
    data = [{"url": f"data:image/png;base64,{image}"} if picture.as_url else {"b64_json": image} for image in images]
    return msgspec.json.encode({**_about(picture), "data": data, "usage": _usage(picture)})


def write_image_events(picture: Picture) -> Iterator[bytes]:
    """The events of a stream: for each image the partial ones, then the whole."""
    for number in range(picture.count):
        image = _encoded(picture, number)
        for index in range(picture.partial):
            partial = {**_about(picture), "b64_json": image, "partial_image_index": index}
            yield _event(f"{picture.kind}.partial_image", partial)
        one = msgspec.structs.replace(picture, count=1)
        yield _event(f"{picture.kind}.completed", {**_about(picture), "b64_json": image, "usage": _usage(one)})


def paint(text: str, width: int, height: int) -> bytes:
    """A PNG of two colours, with a pattern of cells that is the same on the left and on the right."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    half = (_CELLS + 1) // 2
    columns = [min(x * _CELLS // width, _CELLS - 1) for x in range(width)]
    lines: list[bytes] = []
    for row in range(_CELLS):
        bits = [digest[(row * half + column) % 28] & 1 for column in range(half)]
        lines.append(b"\0" + bytes(bits[min(column, _CELLS - 1 - column)] for column in columns))
    pixels = b"".join(lines[min(y * _CELLS // height, _CELLS - 1)] for y in range(height))
    palette = bytes((246, 246, 244, *(64 + value % 128 for value in digest[29:])))
    head = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"PLTE", palette), (b"IDAT", zlib.compress(pixels, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _picture(asked: _Body, given: int, kind: str) -> Picture:
    count = 1 if asked.n is None else asked.n
    partial = asked.partial_images or 0
    if not 1 <= count <= COUNT_MAX:
        raise Refusal(400, f"`n` is {count}: 1 to {COUNT_MAX} are possible")
    if not 0 <= partial <= PARTIAL_MAX:
        raise Refusal(400, f"`partial_images` is {partial}: 0 to {PARTIAL_MAX} are possible")
    if asked.response_format not in (None, "b64_json", "url"):
        raise Refusal(400, f"`response_format` is {asked.response_format!r}: b64_json or url is needed")
    width = height = _SIDE
    if asked.size not in (None, "", "auto"):
        found = _SIZE.fullmatch(asked.size)
        width, height = (int(found[1]), int(found[2])) if found else (0, 0)
        if not (0 < width <= SIDE_MAX and 0 < height <= SIDE_MAX):
            raise Refusal(400, f"`size` is {asked.size!r}: WIDTHxHEIGHT of up to {SIDE_MAX} each, or auto")
    return Picture(
        model=asked.model,
        prompt=asked.prompt,
        count=count,
        width=width,
        height=height,
        as_url=asked.response_format == "url",
        stream=bool(asked.stream),
        partial=partial,
        given=given,
        kind=kind,
    )


def _from_form(form: Form) -> _Body:
    return _Body(
        model=text_of(form, "model"),
        prompt=text_of(form, "prompt"),
        n=number_of(form, "n"),
        size=text_of(form, "size") or None,
        response_format=text_of(form, "response_format") or None,
        stream=text_of(form, "stream") == "true",
        partial_images=number_of(form, "partial_images"),
    )


def _given(form: Form) -> int:
    if not any(form.get("image", ())):
        raise Refusal(400, "`image` is needed: a file, or several")
    return len(form["image"])


def _encoded(picture: Picture, number: int) -> str:
    return base64.b64encode(paint(f"{number}:{picture.prompt}", picture.width, picture.height)).decode()


def _about(picture: Picture) -> Object:
    size = f"{picture.width}x{picture.height}"
    return {"created": CREATED_S, "background": "opaque", "output_format": "png", "quality": "low", "size": size}


def _usage(picture: Picture) -> Object:
    text, images, made = (
        count_words(picture.prompt),
        TOKENS_PER_IMAGE * picture.given,
        TOKENS_PER_IMAGE * picture.count,
    )
    return {
        "input_tokens": text + images,
        "input_tokens_details": {"text_tokens": text, "image_tokens": images},
        "output_tokens": made,
        "total_tokens": text + images + made,
    }


def _event(kind: str, data: Object) -> bytes:
    return b"event: " + kind.encode() + b"\ndata: " + msgspec.json.encode({"type": kind, **data}) + b"\n\n"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
