"""How a provider is asked in a dialect, where that differs from the dialect's own way: other paths, another body.

Clouds host the models of several makers: each by its maker's dialect, but with the model in the path. Not here: what a
provider takes and refuses (`traits`), and which dialects it speaks (`providers.kit`).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from asbru.core.chat import Raw
from asbru.core.traits import fits_glob

_members = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode


class Addressing(msgspec.Struct, frozen=True, kw_only=True):
    """`prefix` stands before every path of the dialect; `paths` and `stream_paths` take the place of those of
    operations, by their names. `members` are set at the top of every body, and `without` are left out, which may be
    the model where it stands in the path. `models`: those that are asked in this dialect, as globs; none: all that no
    other dialect of the provider claims."""

    prefix: str = ""
    paths: dict[str, str] = {}
    stream_paths: dict[str, str] = {}
    members: dict[str, str] = {}
    without: tuple[str, ...] = ()
    models: tuple[str, ...] = ()

    @property
    def changes_bodies(self) -> bool:
        """Whether a body goes otherwise than in the dialect's own way."""
        return bool(self.members or self.without)

    def claims(self, model: str) -> bool:
        """Whether the model is one of `models`."""
        return any(fits_glob(glob, model) for glob in self.models)

    def change(self, members: Mapping[str, Raw]) -> dict[str, Raw]:
        """The members of a body as the provider wants them."""
        kept = {name: raw for name, raw in members.items() if name not in self.without}
        return kept | {name: Raw(_encode(value)) for name, value in self.members.items()}

    def change_body(self, body: bytes) -> bytes:
        """The same of a body that was written as the dialect has it."""
        return _encode(self.change(_members(body)))


PLAIN_ADDRESSING = Addressing()
"""In the dialect's own way."""
