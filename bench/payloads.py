"""What the load generator sends: request bodies of seven shapes, and heads as an OpenAI client writes them.

The plain request is about 1.7 KB with 16 headers. Model names carry the mock's orders ("-lat20": answer after
20 ms, "-ev50x20": 50 events 20 ms apart), because the model is what every gateway passes on.
"""

import base64
import json
import random
from dataclasses import dataclass
from pathlib import Path

PLAIN_BYTES = 1_700
IMAGE_BODY_BYTES = 4 * 1024 * 1024
PROMPT_BYTES = 400_000
UPLOAD_BYTES = 10 * 1024 * 1024
EMBEDDED_TEXTS = 96
_BOUNDARY = "asbru-bench-7f3a91c2"

_SYSTEM = (
    "You are the assistant of a travel company. Answer briefly, in the language of the customer, and never "
    "promise a refund. When a booking number is given, repeat it once. Use your tools before you guess. "
)
_TURN = "Our train to Innsbruck was cancelled this morning and we would like to know which one we may take now. "


@dataclass(frozen=True)
class Shape:
    """One kind of request: the mock's orders in the model name, whether it streams, what else is in it."""

    orders: str = ""
    stream: bool = False
    large: str = ""


def _content(large: str) -> object:
    if large == "image":
        raw = random.Random(7).randbytes(IMAGE_BODY_BYTES * 3 // 4 - 3 * 1024)
        url = "data:image/png;base64," + base64.b64encode(raw).decode()
        return [{"type": "text", "text": _TURN}, {"type": "image_url", "image_url": {"url": url}}]
    size = PROMPT_BYTES if large == "prompt" else PLAIN_BYTES - 900
    return (_TURN * (size // len(_TURN) + 1))[:size]


def body(model: str, shape: Shape) -> bytes:
    """The body for `model`, with the shape's orders at the end of the name: of a chat completion, unless the shape is
    "embeddings" or "upload" (a form with a recording, as for a transcription)."""
    if shape.large == "embeddings":
        texts = [f"{number}: {_TURN}{_TURN}" for number in range(EMBEDDED_TEXTS)]
        return json.dumps({"model": model + shape.orders, "input": texts, "encoding_format": "base64"}).encode()
    if shape.large == "upload":
        return _form(model + shape.orders)
    document: dict[str, object] = {
        "model": model + shape.orders,
        "messages": [
            {"role": "system", "content": _SYSTEM},
            {"role": "user", "content": _content(shape.large)},
        ],
        "temperature": 0.7,
        "max_tokens": 2048,
        "user": "bench-user-0001",
    }
    if shape.stream:
        # Asked for by the caller, so that every target forwards the same bytes: a gateway that asks on the
        # caller's behalf would otherwise be measured on another stream than a proxy that does not.
        document |= {"stream": True, "stream_options": {"include_usage": True}}
    return json.dumps(document).encode()


def content_type(shape: Shape) -> str:
    """Of the body."""
    return f"multipart/form-data; boundary={_BOUNDARY}" if shape.large == "upload" else "application/json"


def _form(model: str) -> bytes:
    field = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="model"\r\n\r\n{model}\r\n'
    file = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="talk.wav"\r\n'
    data = random.Random(11).randbytes(UPLOAD_BYTES)
    return f"{field}{file}Content-Type: audio/wav\r\n\r\n".encode() + data + f"\r\n--{_BOUNDARY}--\r\n".encode()


def head(path: str, headers: dict[str, str]) -> bytes:
    """A request head with the places {KEY} and {LEN} for the generator; `headers` are the target's own."""
    lines = {
        "Host": "127.0.0.1",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "User-Agent": "OpenAI/Python 2.6.1",
        "X-Stainless-Arch": "x64",
        "X-Stainless-Async": "async:asyncio",
        "X-Stainless-Lang": "python",
        "X-Stainless-OS": "Linux",
        "X-Stainless-Package-Version": "2.6.1",
        "X-Stainless-Runtime": "CPython",
        "X-Stainless-Runtime-Version": "3.11.7",
        "x-stainless-read-timeout": "600",
        "x-stainless-retry-count": "0",
        "Authorization": "Bearer {KEY}",
        "Content-Length": "{LEN}",
        **headers,
    }
    text = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{text}\r\n".encode()


def save(folder: Path, name: str, data: bytes) -> Path:
    """Writes one request part where the generator reads it."""
    path = folder / name
    path.write_bytes(data)
    return path
