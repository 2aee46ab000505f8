"""Models that a path names although bodies have a member for them: `/openai/deployments/NAME/chat/completions`.

The path decides, as it does at Azure: a body that names another model, or none, is written anew before anything judges
it. Forms are left as they are: the SDKs name the model in them too, and one that does not is told so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Raw

from asbru.dialects.contract import DEPLOYMENT
from asbru.dialects.surrogates import decode_mended
from asbru.wire.multipart import is_form

if TYPE_CHECKING:
    from asbru.pipeline.call import Call

_MODEL: Final = "model"
_read: Final = msgspec.json.Decoder(dict[str, Raw]).decode


def name_model(call: Call) -> None:
    """Have the body name the model that the path names. One that is no JSON object is left to those who refuse it."""
    name = call.parameters.get(DEPLOYMENT)
    if name is None or is_form(call.content_type):
        return
    try:
        members = decode_mended(_read, call.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    named = msgspec.json.encode(name)
    if bytes(members.get(_MODEL, b"")) != named:
        call.body = msgspec.json.encode(
            {_MODEL: Raw(named), **{key: members[key] for key in members if key != _MODEL}}
        )
        call.body_bytes = len(call.body)
