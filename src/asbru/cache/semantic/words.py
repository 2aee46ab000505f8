"""What the lexical gate knows of English: words as data. Each table says what it is for; no rule is here.

The tables are small on purpose: a word that is not known counts, and two questions with different words that count are
not taken for the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _groups(text: str) -> Iterator[list[str]]:
    return (group.split() for group in text.split(","))


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    return ((one, other) for one, other in _groups(text))


def _both_ways(text: str) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for one, other in _pairs(text):
        found[one] = found.get(one, frozenset()) | {other}
        found[other] = found.get(other, frozenset()) | {one}
    return found


PHRASES: Final = (
    ("what is the best way to", "how"),
    ("what is the easiest way to", "how"),
    ("what is the way to", "how"),
    ("what is a way to", "how"),
    ("what are the steps to", "how"),
    ("what steps do i take to", "how"),
    ("what do i need to do to", "how"),
    ("what should i do to", "how"),
    ("what do i do to", "how"),
    ("what must i do to", "how"),
    ("can you tell me how to", "how"),
    ("could you tell me how to", "how"),
    ("can you show me how to", "how"),
    ("can you explain how to", "how"),
    ("could you explain how to", "how"),
    ("i would like to know how to", "how"),
    ("i want to know how to", "how"),
    ("is there a way to", "how"),
    ("is there any way to", "how"),
    ("show me how to", "how"),
    ("tell me how to", "how"),
    ("explain how to", "how"),
    ("how would i", "how"),
    ("how could i", "how"),
    ("how should i", "how"),
    ("how can i", "how"),
    ("how do i", "how"),
    ("how do you", "how"),
    ("how does one", "how"),
    ("how can one", "how"),
    ("how do we", "how"),
    ("how can we", "how"),
    ("how to", "how"),
    ("what is the meaning of", "what"),
    ("what does it mean", "what"),
    ("can you tell me what is", "what"),
    ("can you tell me what", "what"),
    ("could you tell me what", "what"),
    ("i want to know what", "what"),
    ("i would like to know what", "what"),
    ("tell me what", "what"),
    ("what exactly is", "what"),
    ("explain what", "what"),
    ("what do you call", "what"),
    ("which is", "what"),
    ("which are", "what"),
    ("can you tell me why", "why"),
    ("could you explain why", "why"),
    ("can you explain why", "why"),
    ("explain why", "why"),
    ("tell me why", "why"),
    ("for what reason", "why"),
    ("what is the reason that", "why"),
    ("how come", "why"),
    ("can you tell me when", "when"),
    ("tell me when", "when"),
    ("at what time", "when"),
    ("on what date", "when"),
    ("in what year", "when"),
    ("in which year", "when"),
    ("what year", "when"),
    ("can you tell me where", "where"),
    ("tell me where", "where"),
    ("in which place", "where"),
    ("can you tell me who", "who"),
    ("tell me who", "who"),
    ("which person", "who"),
    ("what is the number of", "how_many"),
    ("how many", "how_many"),
    ("how much", "how_much"),
    ("how long", "how_long"),
    ("how old", "how_old"),
    ("how often", "how_often"),
    ("how far", "how_far"),
    ("can you", ""),
    ("could you", ""),
    ("would you", ""),
    ("will you", ""),
    ("thank you", ""),
    ("do you know", ""),
    ("i would like to", ""),
    ("i want to", ""),
    ("help me to", "how"),
    ("help me", "how"),
    ("tell me about", "what"),
    ("tell me", ""),
    ("give me", ""),
    ("show me", ""),
    ("what is", "what"),
    ("what are", "what"),
    ("explain", "what"),
    ("describe", "what"),
    ("define", "what"),
    ("log in", "login"),
    ("log on", "login"),
    ("sign in", "login"),
    ("log out", "logout"),
    ("sign out", "logout"),
    ("sign up", "register"),
    ("set up", "install"),
    ("get rid of", "delete"),
    ("switch on", "enable"),
    ("turn on", "enable"),
    ("switch off", "disable"),
    ("turn off", "disable"),
    ("look for", "search"),
)
"""Phrases that mean one word, the longest first where one begins another."""

FILLERS: Final = _words("""
    a an the please thanks thank hi hello hey kindly just so really actually exactly quickly briefly simply also well
    is are be been being am do does doing it its this that these those there some any of for i me my mine you your yours
    we us our ours
""")
"""Words without which a question is the same."""

PERSONS: Final = MappingProxyType(
    {
        **dict.fromkeys(_words("i me my mine"), "i"),
        **dict.fromkeys(_words("you your yours"), "you"),
        **dict.fromkeys(_words("we us our ours"), "we"),
        **dict.fromkeys(_words("he him his"), "he"),
        **dict.fromkeys(_words("she her hers"), "she"),
        **dict.fromkeys(_words("they them their theirs"), "they"),
    }
)
"""Whom a text speaks of. Two texts that both speak of somebody must speak of the same."""

NEGATIONS: Final = _words("""
    not no never none nobody nothing neither nor without except excluding unless lacking hardly rarely
""")

DIRECTIONS: Final = _words("""
    to from into onto in on at by with than over under before after since until through between among against versus vs
    above below per via toward towards as
""")
"""Words that say how those around them belong together; they count, in their place."""

NUMBERS: Final = MappingProxyType(
    dict(
        _pairs("""
    zero 0, one 1, two 2, three 3, four 4, five 5, six 6, seven 7, eight 8, nine 9, ten 10, eleven 11, twelve 12,
    thirteen 13, fourteen 14, fifteen 15, sixteen 16, seventeen 17, eighteen 18, nineteen 19, twenty 20, thirty 30,
    forty 40, fifty 50, sixty 60, seventy 70, eighty 80, ninety 90, hundred 100, thousand 1000, million 1000000,
    billion 1000000000, first 1., second 2., third 3., fourth 4., fifth 5., sixth 6., seventh 7., eighth 8., ninth 9.,
    tenth 10., half 0.5, quarter 0.25, double 2x, twice 2x, triple 3x, dozen 12
""")
    )
)
"""Number words, as they are compared: with a point the ordinals."""

SYNONYMS: Final = MappingProxyType(
    {
        other: one
        for one, *others in _groups("""
    can could, may might, was were, will shall, should ought, delete erase, create make build generate,
    change modify edit alter, begin start commence, end finish terminate, buy purchase, big large, small tiny,
    fast quick rapid, mistake error problem issue, car automobile, phone telephone, fix repair mend, doctor physician,
    child kid, film movie, picture image photo, reply answer respond, happen occur, email e-mail, folder directory,
    cost price, difference distinction, advantage benefit pro, disadvantage drawback con, purpose goal aim,
    method technique, rule regulation, job occupation, salary wage, find locate, cancel abort, choose select pick,
    wrong incorrect, author writer, summarize summarise, color colour, center centre, organize organise,
    analyze analyse, optimize optimise, use utilize utilise, obtain acquire, allow permit, require necessitate,
    refund reimbursement, shipping delivery, invoice bill, cheap inexpensive, expensive costly,
    important significant essential, example instance, illness disease sickness, symptom sign
""")
        for other in others
    }
)
"""Words that are taken for the first of their group, after endings are taken off."""

OPPOSITES: Final = MappingProxyType(
    _both_ways("""
    increase decrease, raise lower, enable disable, open close, import export, encrypt decrypt, encode decode,
    compress decompress, upload download, add delete, add remove, include exclude, allow deny, buy sell, push pull,
    lock unlock, install uninstall, login logout, before after, above below, over under, more less, most least,
    maximum minimum, max min, largest smallest, biggest smallest, highest lowest, longest shortest, best worst,
    fastest slowest, oldest youngest, cheapest dearest, latest earliest, left right, north south, east west, up down,
    true false, ascending descending, with without, positive negative, safe dangerous, legal illegal,
    possible impossible, hot cold, win lose, save load, begin end, advantage disadvantage, male female, husband wife,
    input output, source destination, debit credit, profit loss, public private, internal external, single married,
    parent child, weekday weekend, day night, morning evening, inside outside, accept reject, attach detach,
    connect disconnect, subscribe unsubscribe, follow unfollow, mount unmount, hire fire, love hate, same different,
    synchronous asynchronous
    """)
)
"""Words and those that mean the opposite of each."""
