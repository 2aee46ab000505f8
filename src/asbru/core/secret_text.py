"""A string that does not print itself: keys travel through configuration and rooms as `SecretText`."""

from __future__ import annotations


class SecretText:
    """Holds a secret; `reveal()` is the one way to it, so that every use can be found by name."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself."""
        return self._value

    def __repr__(self) -> str:
        return "SecretText(...)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretText) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)
