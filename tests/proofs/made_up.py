"""Texts made up from a regular expression, which it matches."""

from __future__ import annotations

import random
from re import _parser as parser  # pyright: ignore[reportAttributeAccessIssue, reportMissingModuleSource] -- to make up matches
from typing import Any


def made_up(pattern: str, chance: random.Random) -> str:
    """A text that the pattern matches."""
    return _write(parser.parse(pattern), chance)


def _write(parsed: Any, chance: random.Random) -> str:
    said: list[str] = []
    for kind, value in parsed:
        match str(kind):
            case "LITERAL":
                said.append(chr(value))
            case "IN":
                said.append(_one_of(value, chance))
            case "MAX_REPEAT" | "MIN_REPEAT":
                least, most, inner = value
                count = chance.randint(least, min(int(most), least + 20))
                said += [_write(inner, chance) for _ in range(count)]
            case "SUBPATTERN":
                said.append(_write(value[3], chance))
            case "BRANCH":
                said.append(_write(chance.choice(value[1]), chance))
            case "ANY":
                said.append(".")
            case "NOT_LITERAL":
                said.append("x")
            case _:
                pass
    return "".join(said)


def _one_of(ranges: Any, chance: random.Random) -> str:
    chars: list[str] = []
    negated = False
    for kind, value in ranges:
        match str(kind):
            case "LITERAL":
                chars.append(chr(value))
            case "RANGE":
                chars += map(chr, range(value[0], value[1] + 1))
            case "NEGATE":
                negated = True
            case _:  # a class: those that the shapes use
                chars += " " if str(value).endswith("SPACE") else "012" if str(value).endswith("DIGIT") else "ab1"
    if negated:  # white space is among what is not wanted
        chars = [char for char in "abcdefghijkmnpqrstuvwxyz23456789" if char not in chars]
    return chance.choice(chars)
