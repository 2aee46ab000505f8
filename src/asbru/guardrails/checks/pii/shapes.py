"""The shapes of personal data and what tells a number from any other: checksums and ranges that are assigned.

Sources: ISO/IEC 7812-1 (card numbers, Luhn), ISO 13616 (IBAN, mod 97), ITU-T E.164 (phone numbers),
https://www.ssa.gov/employer/randomization.html (numbers that are never given out).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from asbru.guardrails.checks.kit import Shape, ShapeJudge

_CARD_LENGTHS = range(13, 20)
_PHONE_DIGITS = range(10, 16)


def is_card(text: str) -> bool:
    """Whether the digits are a payment card's, by their beginning, length and check digit."""
    digits = [int(char) for char in text if char.isdigit()]
    if len(digits) not in _CARD_LENGTHS or digits[0] not in (2, 3, 4, 5, 6) or len(set(digits)) < 2:
        return False
    doubled = [digit * 2 - 9 * (digit > 4) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def is_iban(text: str) -> bool:
    """Whether the check digits are right."""
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def is_ssn(text: str) -> bool:
    """Whether such a number may have been given out."""
    area, group, serial = text.replace(" ", "-").split("-")
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def is_phone(text: str) -> bool:
    """Whether there are as many digits as phone numbers have, and not only one."""
    digits = [char for char in text if char.isdigit()]
    return len(digits) in _PHONE_DIGITS and len(set(digits)) > 2


def is_ip(text: str) -> bool:
    """Whether it is an address of a machine; not one that means this machine, or all."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_unspecified)


_SHAPES = {
    "email": Shape("email", r"\b[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"),
    "card": Shape("card", r"\b[2-6](?:[ -]?[0-9]){12,18}\b", is_card),
    "ssn": Shape("ssn", r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b|\b[0-9]{3} [0-9]{2} [0-9]{4}\b", is_ssn, 0.8),
    "iban": Shape("iban", r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b", is_iban),
    "phone": Shape(
        "phone",
        r"\+[1-9][0-9]{0,2}[ .-]?(?:\([0-9]{1,4}\)[ .-]?)?[0-9]{2,5}(?:[ .-]?[0-9]{2,5}){1,4}\b"
        r"|\([2-9][0-9]{2}\) ?[0-9]{3}[ .-][0-9]{4}\b|\b[2-9][0-9]{2}[.-][2-9][0-9]{2}[.-][0-9]{4}\b",
        is_phone,
        0.7,
    ),
    "ip": Shape(
        "ip",
        r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b|\b(?:[0-9A-Fa-f]{1,4}:){2,7}:?[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{1,4}){0,6}\b",
        is_ip,
        0.8,
    ),
}


def pii_judge(kinds: Collection[str]) -> ShapeJudge:
    """The judge for some kinds; a card's number is told from a phone's."""
    return ShapeJudge([shape for kind, shape in _SHAPES.items() if kind in kinds])
