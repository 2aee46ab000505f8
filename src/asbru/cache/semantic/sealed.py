"""What stores of vectors outside of this process have in common: a vector's form, and what it is of, sealed.

The seal is about the group, so what is moved to another group is not taken. Loads numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from asbru.cache.remote import Seal
from asbru.cache.semantic.store import Kept
from asbru.core.errors import GatewayError


class OtherVectors(GatewayError):
    """The store holds vectors of another model, or of another length."""

    def __init__(self, where: str, theirs: str, ours: str) -> None:
        super().__init__(
            f"{where} is for vectors of {theirs!r}, and the configuration makes {ours!r}; set another name for the "
            "store of vectors, or delete what it holds"
        )


def unit(vector: Sequence[float]) -> Any:
    """A vector of length one, 32-bit numbers; None for one that has no direction, or holds what is no number."""
    made = np.asarray(vector, dtype="<f4")
    length = float(np.linalg.norm(made)) if made.ndim == 1 else 0.0
    return made / length if made.size and np.isfinite(length) and length > 0 else None


def write_kept(seal: Seal, group: str, kept: Kept) -> bytes:
    """What a vector is of, sealed."""
    return seal.close(f"vector {group}", msgspec.msgpack.encode(kept))


def read_kept(seal: Seal, group: str, sealed: bytes) -> Kept | None:
    """The same; None where it is not what was sealed for the group."""
    body = seal.open(f"vector {group}", sealed)
    try:
        return None if body is None else msgspec.msgpack.decode(body, type=Kept)
    except msgspec.MsgspecError:
        return None
