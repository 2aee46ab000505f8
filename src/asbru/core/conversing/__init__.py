"""Requests that go on from an earlier response, and what a dialect must know of them so that Asbru can remember
conversations. Items are raw JSON, as callers and providers wrote them. Not here: what remembers them.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from asbru.core.chat import Raw


class Continued(msgspec.Struct, frozen=True, kw_only=True):
    """A request that may go on from an earlier response. `members`: its body's; `items`: its own input; `previous`: the
    id of the response it goes on from; `store`: whether its response is to be kept; `generate`: whether a model is to
    be asked; `compacts`: whether the conversation is to be made shorter instead of gone on with; `background`: whether
    the provider is to answer before the response is made, which is asked for later."""

    members: dict[str, Raw]
    items: tuple[Raw, ...]
    previous: str | None = None
    store: bool = True
    generate: bool = True
    compacts: bool = False
    background: bool = False


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A response that came to its end: its id, and the items that it adds to the conversation."""

    id: str
    items: tuple[Raw, ...]


class Conversing(msgspec.Struct, frozen=True, kw_only=True):
    """What must be known of the requests and responses of an operation to remember conversations.

    `read_asked(body)`: what a request goes on from; None where it cannot be read. `write_asked(asked, items)`: the
    request with the whole conversation as its input. `read_items(array)`: the items of a JSON array.
    `read_told(response)`: what a response adds to the conversation; None where it did not come to its end.
    `rename(response, name, previous)`: a response with the id that `name` makes of its own. `response_of(event)`: the
    type of a stream's event, the response in it, and the event's data; None where it holds no response;
    `with_response(data, response)` is the event with another one. `write_prewarmed(id, asked, now_s, stream)`: the
    response to a request that asks no model. `write_stored(body, output)`: a response that was stored;
    `write_deleted(id)`: the answer to its deletion; `write_items(items, ascending, after, limit)`: a page of the items
    that asked for it. `opened(items, open)`: items with the words that compacted ones stand for, if `open` knows them;
    `compacted(response, seal)`: a response with one compacted item in place of what it says, if there is none;
    `write_output(kind, response)`: the events that tell a response with all its items; `write_compaction(response,
    items)`: the answer to a request that only compacts `items`. `ends`: the types of events that end a stream well.
    """

    read_asked: Callable[[bytes], Continued | None]
    write_asked: Callable[[Continued, tuple[Raw, ...]], bytes]
    read_items: Callable[[bytes], tuple[Raw, ...]]
    read_told: Callable[[bytes], Told | None]
    rename: Callable[[bytes, Callable[[str], str], str | None], bytes]
    response_of: Callable[[bytes], tuple[str, bytes, bytes] | None]
    with_response: Callable[[bytes, bytes], bytes]
    write_prewarmed: Callable[..., bytes]
    write_stored: Callable[[bytes, bytes], bytes]
    write_deleted: Callable[[str], bytes]
    write_items: Callable[[tuple[Raw, ...], bool, str, int], bytes]
    opened: Callable[[tuple[Raw, ...], Callable[[str], str | None]], tuple[Raw, ...]]
    compacted: Callable[[bytes, Callable[[str], str]], bytes]
    write_output: Callable[[str, bytes], bytes]
    write_compaction: Callable[[bytes, tuple[Raw, ...]], bytes]
    ends: tuple[str, ...]


__all__ = ["Continued", "Conversing", "Told"]
