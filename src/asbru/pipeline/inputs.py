"""Inputs that a target lacks: an image sent to a text-only model is refused here, in words, not there, in riddles.

Only targets whose traits say what they lack are checked, and a body is read for it only when it holds a word that such
a part would have.
"""

from __future__ import annotations

from collections.abc import Iterable

from asbru.core.chat import AudioPart, DocumentPart, ImagePart, Part, ToolResultPart
from asbru.core.errors import UnsupportedByProvider
from asbru.core.traits import InputKind
from asbru.pipeline.call import Call

_KINDS: dict[InputKind, type[ImagePart] | type[AudioPart] | type[DocumentPart]] = {
    "image": ImagePart,
    "audio": AudioPart,
    "document": DocumentPart,
}
_WORDS: dict[InputKind, tuple[bytes, ...]] = {
    "image": (b'"image_url"', b'"image"'),
    "audio": (b'"input_audio"', b'"audio"'),
    "document": (b'"file"', b'"document"'),
}


def check_inputs(call: Call, refused: Iterable[InputKind], target: object) -> None:
    """Raise `UnsupportedByProvider` if the call holds a kind of part that `target` refuses."""
    for kind in refused:
        if not any(word in call.body for word in _WORDS[kind]):
            continue
        if any(_holds(message.parts, kind) for message in call.read_canonical().messages):
            raise UnsupportedByProvider(f"'{target}' does not accept {kind} input; use a model that does, or omit it")


def _holds(parts: Iterable[Part], kind: InputKind) -> bool:
    wanted = _KINDS[kind]
    return any(
        isinstance(part, wanted) or (isinstance(part, ToolResultPart) and _holds(part.parts, kind)) for part in parts
    )
