"""The lexical gate: whether two texts that an embedding holds for alike ask the same, by their words alone.

    different   numbers, negations, names, code or persons differ, one holds the opposite of a word of the other, or the
                same words are in another order: never the same, whatever an embedding or a model says
    unsure      words that count differ: a verifier may decide
    same        after phrases, fillers, endings and synonyms are taken off, the same words in the same order

It errs towards `different`: a missed hit costs one call, a wrong one misleads. It knows English (`words`); of other
languages only texts with the same words are the same. Pure.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final, Literal, TypeAlias

from asbru.cache.semantic.words import (
    DIRECTIONS,
    FILLERS,
    NEGATIONS,
    NUMBERS,
    OPPOSITES,
    PERSONS,
    PHRASES,
    SYNONYMS,
)

Verdict: TypeAlias = Literal["same", "unsure", "different"]

TEXT_CHARS_MAX: Final = 2000
"""Longer texts say too much to be compared by their words."""

_TOKEN: Final = re.compile(
    r"[^\W_]+(?:(?:['\u2019._@:/+#-]+|,(?=\d{3}(?!\d)))[^\W_]+)*[+#]*|[=<>≤≥±*^%$€£]", re.UNICODE
)
_NUMBER: Final = re.compile(r"[-+]?\d[\d.,:/-]*(?:st|nd|rd|th|x|k|m|%)?$")
_QUOTED: Final = re.compile(r"\"([^\"]*)\"|“([^”]*)”|`([^`]*)`|(?<!\w)'([^']+)'(?!\w)")
_NONE: Final = frozenset[str]()
_SENTENCE_ENDS: Final = (".", "!", "?", ":", "\n")
_CONTRACTIONS: Final = (
    (re.compile(r"\bwon[\u2019']t\b"), "will not"),
    (re.compile(r"\bcan[\u2019']t\b|\bcannot\b"), "can not"),
    (re.compile(r"n[\u2019']t\b"), " not"),
    (re.compile(r"[\u2019'](?:s|re|m)\b"), " is"),
    (re.compile(r"[\u2019']ll\b"), " will"),
    (re.compile(r"[\u2019'](?:d|ve)\b"), ""),
)
_PHRASES: Final = tuple((f" {phrase} ", f" {word} ") for phrase, word in PHRASES)
_ENDINGS: Final = (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"), ("s", ""))


def judge(one: str, other: str) -> Verdict:
    """The verdict on two texts."""
    if one == other:
        return "same"
    if max(len(one), len(other)) > TEXT_CHARS_MAX:
        return "different"
    first, second = _Read(one), _Read(other)
    if (
        first.numbers != second.numbers
        or first.negations != second.negations
        or first.quoted != second.quoted
        or first.signs != second.signs
    ):
        return "different"
    if first.persons and second.persons and first.persons != second.persons:
        return "different"
    if first.names - second.words or second.names - first.words:
        return "different"
    others = second.words - first.words
    if any(others & OPPOSITES.get(word, _NONE) for word in first.words - second.words):
        return "different"
    if first.sequence == second.sequence:
        return "same"
    if Counter(first.tokens) == Counter(second.tokens):
        return "different"
    return "unsure"


class _Read:
    """What a text is made of."""

    def __init__(self, text: str) -> None:
        self.quoted = Counter("".join(found).casefold() for found in _QUOTED.findall(text) if "".join(found).strip())
        self.names = _names(text)
        plain = text.casefold()
        for pattern, word in _CONTRACTIONS:
            plain = pattern.sub(word, plain)
        found: list[str] = _TOKEN.findall(plain)
        self.signs = Counter(one for one in found if not one[0].isalnum())
        self.tokens = [one for one in found if one[0].isalnum()]
        self.negations = sum(one in NEGATIONS for one in self.tokens)
        joined = _joined(self.tokens)
        self.numbers = Counter(_number(one) for one in joined if _is_number(one))
        self.persons = {PERSONS[one] for one in joined if one in PERSONS}
        self.sequence = _sequence(joined)
        self.words = frozenset(self.sequence) | {_stem(one) for one in self.tokens} | set(self.tokens)


def _joined(tokens: list[str]) -> list[str]:
    """The words, phrases among them as the one word that they mean."""
    joined = f" {' '.join(tokens)} "
    for phrase, word in _PHRASES:
        joined = joined.replace(phrase, word)
    return joined.split()


def _sequence(tokens: list[str]) -> list[str]:
    """The words that count, in order, each as the word it is taken for."""
    counted: list[str] = []
    for token in tokens:
        if token in FILLERS:
            continue
        if token in DIRECTIONS or token in NEGATIONS:
            counted.append(token)
        elif _is_number(token):
            counted.append(_number(token))
        else:
            stem = _stem(token)
            counted.append(SYNONYMS.get(token) or SYNONYMS.get(stem, stem))
    while counted and counted[0] == "what":  # "what is X", "define X" and "X?" ask the same of a name
        counted.pop(0)
    return counted


def _names(text: str) -> frozenset[str]:
    """Words that are written as names or code: with a capital inside a sentence, in capitals, with digits or signs."""
    names: set[str] = set()
    begins = True
    at = 0
    for found in _TOKEN.finditer(text):
        token = found[0]
        between = text[at : found.start()]
        begins = at == 0 or any(end in between for end in _SENTENCE_ENDS)
        at = found.end()
        if not token[0].isalnum() or _is_number(token.casefold()) or token in ("I", "I'm", "I'd", "I've", "I'll"):
            continue
        is_code = any(sign in token for sign in "_@/:+#") or any(letter.isdigit() for letter in token)
        inner_capital = any(letter.isupper() for letter in token[1:])
        if is_code or inner_capital or (token[0].isupper() and not begins):
            names.add(re.sub(r"[\u2019']s$", "", token.casefold()))
    return frozenset(names)


def _is_number(token: str) -> bool:
    return token in NUMBERS or _NUMBER.match(token) is not None


def _number(token: str) -> str:
    """A number as it is compared: `1,000` and `1000` are the same, `3` and `3rd` are not."""
    known = NUMBERS.get(token)
    if known is not None:
        return known
    ordinal = re.fullmatch(r"(\d+)(?:st|nd|rd|th)", token)
    if ordinal is not None:
        return f"{int(ordinal[1])}."
    thousands = re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", token)
    return token.replace(",", "") if thousands is not None else token.rstrip(".,:")


def _stem(token: str) -> str:
    """A word without its plural; what is short stays."""
    for ending, instead in _ENDINGS:
        if token.endswith(ending) and len(token) - len(ending) >= 3 and not token.endswith(("ss", "us", "is")):
            return token.removesuffix(ending) + instead
    return token
