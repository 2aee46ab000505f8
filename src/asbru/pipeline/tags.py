"""Tags: words by which spend is told apart, from the headers of a call (`x-asbru-tag-NAME`) and from its key.

The key's own come first: a caller cannot book on another's. Written as one JSON object, sorted, so that equal tags are
equal texts. What is more or longer than allowed is left out, with a note on the call.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from asbru.core.notes import Note
from asbru.governance import Caller
from asbru.governance.entries import write_tags
from asbru.pipeline.call import Call
from asbru.wire.forwarded import TAG_PREFIX

TAGS_MAX: Final = 16
VALUE_CHARS_MAX: Final = 128
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def write_booking(call: Call, caller: Caller) -> tuple[str, str, str]:
    """`Caller.booked_on` for a call with tags of its own; what is left out of these is noted on the call."""
    given = [
        (name[len(TAG_PREFIX) :].lower().decode("latin-1"), value.strip().decode("utf-8", "replace"))
        for prefix, name, value in call.forwarded.headers
        if prefix == TAG_PREFIX
    ]
    kept, left_out = _take(caller.entry.tags, given)
    call.notes += tuple(Note("dropped", f"{TAG_PREFIX.decode()}{name[:64]}", why) for name, why in left_out)
    team, customer, _ = caller.booked_on
    return team, customer, write_tags(kept)


def _take(own: Mapping[str, str], given: Iterable[tuple[str, str]]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    kept = dict(own)
    left_out: list[tuple[str, str]] = []
    for name, value in given:
        if not _NAME.fullmatch(name) or not value or len(value) > VALUE_CHARS_MAX:
            left_out.append((name, f"a tag has a name of [a-z0-9._-] and 1 to {VALUE_CHARS_MAX} characters"))
        elif name in own:
            left_out.append((name, "the key has a tag of this name"))
        elif name not in kept and len(kept) >= TAGS_MAX:
            left_out.append((name, f"more than {TAGS_MAX} tags"))
        else:
            kept[name] = value
    return kept, left_out[:TAGS_MAX]
