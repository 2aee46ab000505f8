"""The semantic step: a chat whose last question was asked before in other words, all else being the same.

    what is compared   the text of the last message, a user's; of everything else the digest must be the same
    how                vectors find candidates above a threshold; the lexical gate judges each; a verifier model may be
                       asked where the gate is unsure
    shadow             nothing is served: the provider is asked, and its reply is compared with what would have been
                       served

Whatever fails here is a miss. Not here: who embeds (`pipeline.internal`), the gate and the vectors (`cache.semantic`).
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from asbru.cache import key as keys
from asbru.cache.semantic import TEXT_CHARS_MAX, Kept, judge
from asbru.core.chat import TextPart
from asbru.core.errors import AsbruError
from asbru.pipeline.stepper import within

if TYPE_CHECKING:
    from asbru.cache import Entry, SemanticSettings, Store
    from asbru.cache.semantic import Near, VectorStore
    from asbru.core.chat import ChatRequest
    from asbru.core.reply import ChatReply
    from asbru.pipeline.call import Call
    from asbru.pipeline.internal import InternalCalls
    from asbru.pipeline.rooms import Rooms

AGREES_FROM: Final = 0.5
"""From this share of common words on two replies agree."""

_QUESTION: Final = (
    "Two users wrote the messages below to the same assistant. Would one reply serve both of them equally well, in "
    "every detail? Reply with YES or NO and nothing else.\n\nFirst message:\n{one}\n\nSecond message:\n{other}"
)
_WORD: Final = re.compile(r"\w+")


class Asked(NamedTuple):
    """What a call asks: the group of those that differ in nothing else, the text, and its vector. Vectors of two
    models cannot be compared, so the group names the one that made it."""

    group: str
    text: str
    vector: list[float]


class Found(NamedTuple):
    """What was asked before."""

    near: Near
    entry: Entry


class Meaning:
    """See the module. `failures`: embeddings and verdicts that could not be had."""

    def __init__(self, calls: InternalCalls, known: VectorStore) -> None:
        self.failures = 0
        self.vectors = known
        self._calls = calls

    async def ask(self, call: Call, rooms: Rooms, settings: SemanticSettings, base: str) -> Asked | None:
        """The question of a call with its vector; None for what is not compared, or cannot be embedded. `base`: the
        key of the call, with what keeps it apart in place of its digest."""
        text = _question(call.read_canonical(), settings.messages_max)
        if text is None:
            return None
        try:
            embedding = self._calls.embed(call, rooms, settings.embeddings, [text])
            (vector,) = await within(rooms.loop, embedding, settings.timeout_s)
            group = f"{base}{_digest_of_rest(call.read_canonical())}/{settings.embeddings}"
            return Asked(group, text, vector)
        except (AsbruError, *keys.UNREADABLE):
            self.failures += 1
            return None

    async def find(
        self,
        call: Call,
        asked: Asked,
        settings: SemanticSettings,
        *,
        key: str,
        store: Store,
        rooms: Rooms,
        threshold: float,
    ) -> Found | None:
        """The entry of a question that asks the same. `key`: the call's own, whose scope and model the entry has."""
        now_ms = int(rooms.unix_time() * 1000)
        beginning = f"{key.rpartition('/')[0]}/"
        for near in await self.vectors.search(asked.group, asked.vector, threshold, now_ms):
            if not near.key.startswith(beginning):  # a shared store may hold anything
                continue
            if not await self._is_same(call, asked, near, settings, rooms=rooms):
                continue
            entry = await store.find(near.key, now_ms)
            if entry is not None:
                return Found(near, entry)
            self.vectors.remove(near.key)
        return None

    def keep(self, asked: Asked, entry: Entry) -> None:
        """The question of an entry that was kept."""
        kept = Kept(entry.key, asked.text, entry.expires_ms, entry.tags)
        self.vectors.add(asked.group, asked.vector, kept, entry.made_ms)

    async def _is_same(
        self, call: Call, asked: Asked, near: Near, settings: SemanticSettings, *, rooms: Rooms
    ) -> bool:
        if settings.gate == "off":
            return True
        verdict = judge(asked.text, near.text)
        if verdict != "unsure":
            return verdict == "same"
        if not settings.verifier:
            return settings.gate == "loose"
        question = _QUESTION.format(one=near.text, other=asked.text)
        try:
            verdict_of = self._calls.ask(call, rooms, settings.verifier, [{"role": "user", "content": question}])
            said = await within(rooms.loop, verdict_of, settings.timeout_s)
        except AsbruError:
            self.failures += 1
            return False
        return said.strip().strip(".").upper() == "YES"


def agree(one: ChatReply, other: ChatReply) -> bool:
    """Whether two replies say about the same: the same numbers, and mostly the same words."""
    first, second = _words(one), _words(other)
    numbers = [{word for word in words if word[0].isdigit()} for words in (first, second)]
    if numbers[0] != numbers[1]:
        return False
    common = (first & second).total()
    return 2 * common >= AGREES_FROM * (first.total() + second.total())


def _words(reply: ChatReply) -> Counter[str]:
    texts = [
        part.text if isinstance(part, TextPart) else msgspec.json.encode(part).decode()
        for choice in reply.choices
        for part in choice.parts
    ]
    return Counter(_WORD.findall(" ".join(texts).casefold()))


def _question(request: ChatRequest, messages_max: int) -> str | None:
    """The text of the last message, where it is all that it holds; None for what is not compared."""
    messages = request.messages
    if not messages or messages[-1].role != "user" or len(messages) > messages_max:
        return None
    texts: list[str] = []
    for part in messages[-1].parts:
        if not isinstance(part, TextPart):
            return None
        texts.append(part.text)
    text = "\n".join(texts)
    return text if text.strip() and len(text) <= TEXT_CHARS_MAX else None


def _digest_of_rest(request: ChatRequest) -> str:
    """The digest of everything but the last message's text."""
    *before, last = request.messages
    blank = msgspec.structs.replace(last, parts=())
    return keys.digest_of_chat(msgspec.structs.replace(request, messages=(*before, blank))).hex()
