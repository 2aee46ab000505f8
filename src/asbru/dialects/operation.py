"""One thing that can be asked for in a dialect: where, how it is read, and what stands in its bodies.

Not here: its translation (`codec`, `shape`), and what is the same for every operation of the dialect (`contract`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from asbru.core.chat import ChatRequest
from asbru.core.conversing import Conversing
from asbru.core.reply import StreamFault
from asbru.core.usage import Unit, Usage
from asbru.dialects.codec import Codec
from asbru.dialects.head import PathParameters, RequestHead
from asbru.dialects.shape import Shape
from asbru.dialects.spoken import Spoken
from asbru.wire.multipart import Form


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """The texts of a body without a canonical form (prompts, inputs to embed), for those who must look at content.

    `read(body)` gives them in order; `write(body, texts)` the same body with as many others in their places.
    """

    read: Callable[[bytes], tuple[str, ...]]
    write: Callable[[bytes, Sequence[str]], bytes]


class EventFacts(msgspec.Struct, frozen=True):
    """What whole events of a stream tell, whose events each have a type.

    `content`: something that is not an error was seen. `ends`: how many of them end an answer. `done`: the stream's own
    terminator was seen.
    """

    content: bool = False
    ends: int = 0
    done: bool = False
    usage: Usage | None = None
    fault: StreamFault | None = None


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """An operation on objects that a provider keeps (files, batches), of which each belongs to the key that made it.

    `kind`: what it gives ("file"); `act`: what is done. `opened`: members of the request that hold ids, `sealed`: those
    of the reply, at the top, by name, with the kind of what they name. `links`: members of the reply that hold an
    address of the provider, with the path that takes its place, below the base URL of clients; `{id}` is the object's.
    `label`: the member of an object that lists may be narrowed to; `after`: the parameter of a list that names the
    object before it; `list_members`: what a list holds besides its objects. `spends`: the provider uses models for it.
    """

    kind: str
    act: Literal["create", "list", "read", "content", "delete"]
    opened: dict[str, str] = {}
    sealed: dict[str, str] = {}
    label: str = ""
    links: dict[str, str] = {}
    after: str = "after"
    list_members: dict[str, str] = {}
    spends: bool = False


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be asked for. Operations of two dialects with the same `name` mean the same; `surface` is
    what the dialect itself calls it, in records ("openai.chat", "anthropic.messages"). A dialect that is asked for the
    same thing in two ways has an operation for each; its providers are asked by the first in translated calls.

    `routes`: where callers ask for it, below each base of the surface; may hold `{model}` (the rest of the path, but
    for what follows in the route) and other `{name}`s (one segment); `bare_routes`: those below no base. `path`: where
    a provider is asked, below its base URL, and `stream_path` where a stream is asked for (default: `path`); both may
    hold `{model}` and a query.
    `read_head(body, parameters, query)`: what the path must know; `streams`: whether it can be streamed.
    `codec`: its translation; None: it goes only to providers of the same dialect. `read_request`: its canonical
    request, for those who look at content without translating (by default the codec's). `texts`: its texts where it has
    no canonical form. `speaks`: whether its reply holds a model's words; `spoken`: how those are read, without a
    codec. `write_count`: the body of a count that Asbru made itself, where the provider does not count.

    What is no chat (decision 0011): `methods` by which it is asked for, of its routes and of the provider; `takes` and
    `gives`: what the bodies of request and reply are ("text": JSON or what the caller asked for in its place, read
    whole; "bytes": whatever the provider sends, as it comes); `shape`: its translation; `usage_of(body)`: its usage in
    a whole reply, where it is not told as a chat's is; `charge(head, body)`: the usage that follows from the request
    alone, where no reply tells any; `units_max(head, body)`: the most units that a call may be charged, which limits
    reserve (by default those of `charge`); `by_token`: whether it may be charged by token; `output_tokens_max(head)`:
    the most that may come out of what speaks no words (images, speech); `stored`: it is about objects that the provider
    keeps. `converses`: its requests may go on from an earlier response, which Asbru remembers
    (`pipeline.conversations`), and it can be asked for over a WebSocket. `array_unless`: parts of a query, of which one
    asks for its stream as events; without any the caller gets one JSON array of them. Empty: always events.

    `read_form(form, body)`: the head, where the body is a form; `form_texts`: the fields of a form that hold texts.
    `read_events(events)`: what whole events of its stream tell, where they are not a chat's. Such an operation may be
    answered whole where a stream was asked for: some models cannot stream.
    """

    name: str
    surface: str
    path: str
    read_head: Callable[[bytes, PathParameters, bytes], RequestHead]
    routes: tuple[str, ...] = ()
    stream_path: str = ""
    streams: bool = False
    speaks: bool = True
    codec: Codec | None = None
    read_request: Callable[[bytes], ChatRequest] | None = None
    texts: Texts | None = None
    spoken: Spoken | None = None
    write_count: Callable[[int], bytes] | None = None
    methods: tuple[bytes, ...] = (b"POST",)
    takes: Literal["json", "form", "json_or_form", "nothing"] = "json"
    gives: Literal["json", "text", "bytes"] = "json"
    shape: Shape | None = None
    usage_of: Callable[[bytes], Usage | None] | None = None
    charge: Callable[[RequestHead, bytes], Usage | None] | None = None
    stored: Stored | None = None
    units_max: Callable[[RequestHead, bytes], tuple[tuple[Unit, int], ...]] | None = None
    by_token: bool = True
    output_tokens_max: Callable[[RequestHead], int] | None = None
    read_form: Callable[[Form, bytes], RequestHead] | None = None
    form_texts: tuple[str, ...] = ()
    read_events: Callable[[bytes], EventFacts] | None = None
    converses: Conversing | None = None
    bare_routes: tuple[str, ...] = ()
    array_unless: frozenset[bytes] = frozenset()

    @property
    def is_free(self) -> bool:
        """Whether no provider charges for it: a count of tokens; a stored object that is read, listed or deleted, and a
        file."""
        return self.write_count is not None or (self.stored is not None and not self.stored.spends)

    @property
    def words(self) -> str:
        """What it is called in messages."""
        return self.name.replace("_", " ")
