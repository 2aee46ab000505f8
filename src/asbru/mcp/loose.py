"""JSON of which nothing is certain: what servers send, as typed values, empty where it is something else."""

from __future__ import annotations

from typing import cast


def as_object(value: object) -> dict[str, object]:
    """The members of an object; none where it is none."""
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def as_list(value: object) -> list[object]:
    """The elements of a list; none where it is none."""
    return cast("list[object]", value) if isinstance(value, list) else []


def as_text(value: object) -> str:
    """A text; "" where it is none."""
    return value if isinstance(value, str) else ""
