"""A line of the proof of a policy (`pipeline.guarding.proof`, which says what each verdict means): its shape alone.

The management API describes it without loading the path of a call.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Verdict: TypeAlias = Literal["enforced", "absent", "refused", "unchecked", "impossible"]


class ProofRow(msgspec.Struct, frozen=True):
    """One line of the table. `surface` and `operation` as in records; `how`: in words."""

    surface: str
    operation: str
    stream: bool
    rule: str
    place: str
    action: str
    verdict: Verdict
    how: str
