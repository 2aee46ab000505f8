"""Known heads: what the parser read once is taken again as it stands, and nothing else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.serving import Caller, summary
from tests.fakes.wounds import wounds

from asbru.edge.server import ServerLimits
from asbru.edge.server.known_heads import HEADS_MAX, ONE_READ_BYTES_MAX, SEEN_MAX, KnownHeads
from asbru.edge.server.protocol import STRANGE_MAX
from asbru.edge.server.request import Head

WIDE = ServerLimits()
POST = (
    b"POST /v1/x?a=b HTTP/1.1\r\nHost: h\r\nX-Api-Key: %b\r\nUser-Agent: u\r\nContent-Length: %d\r\n"
    b"X-Request-Id: r\r\n\r\n%b"
)


def post(body: bytes = b"hello", key: bytes = b"k") -> bytes:
    """A request as clients write them."""
    return POST % (key, len(body), body)


def taught(*requests: bytes, limits: ServerLimits = WIDE) -> Caller:
    """A caller that has sent each of these twice."""
    caller = Caller(limits)
    for request in requests:
        caller.feed(request).feed(request)
    return caller


def known(caller: Caller, data: bytes) -> bool:
    """Whether `data` would be taken without the parser."""
    return caller.server.known_heads.find(data) is not None


def test_a_head_is_known_from_the_second_time_on() -> None:
    """Once may be chance: heads that never come again do not push out those that do."""
    caller = Caller(WIDE).feed(post())
    assert not known(caller, post())
    caller.feed(post())
    assert known(caller, post())


@pytest.mark.parametrize("body", [b"", b"x", b"hello", b"y" * 100, b'{"a":"\r\n\r\ncontent-length: 3\r\n"}'])
def test_a_known_head_gives_what_the_parser_gives(body: bytes) -> None:
    """Whatever the length of the body, the handler sees the same request, whoever read it."""
    caller = taught(post())
    assert known(caller, post(body))
    assert caller.feed(post(body)).seen[-1] == Caller(WIDE).feed(post(body)).seen[-1]
    assert caller.statuses == [200] * 3


def test_each_caller_is_itself() -> None:
    """Two clients whose heads differ in the key alone stay two callers."""
    caller = taught(post(key=b"one"), post(key=b"two"))
    caller.feed(post(key=b"two")).feed(post(key=b"one"))
    assert [seen[5][2] for seen in caller.seen[-2:]] == [b"two", b"one"]
    assert not known(caller, post(key=b"six"))


GOOD = post()
STRANGE = {
    "more follows": GOOD + b"GET / HTTP/1.1\r\n\r\n",
    "body cut": GOOD[:-1],
    "blank line behind": GOOD + b"\r\n",
    "blank line before": b"\r\n" + GOOD,
    "signed length": GOOD.replace(b"Length: 5", b"Length: +5"),
    "no length": GOOD.replace(b"Length: 5", b"Length: "),
    "spaced length": GOOD.replace(b"Length: 5", b"Length: 5 "),
    "two lengths": GOOD.replace(b"Length: 5", b"Length: 5\r\nContent-Length: 5"),
    "length of another header": GOOD.replace(b"Host: h", b"X-Strength: 5"),
    "chunked too": GOOD.replace(b"Host: h", b"Host: h\r\nTransfer-Encoding: chunked"),
    "other spelling": GOOD.replace(b"User-Agent", b"user-agent"),
    "the digits elsewhere": GOOD.replace(b"Length: 5\r\n", b"Length: ").replace(b"Host: h", b"Host: length: 5\r\nh"),
    "the mark elsewhere": GOOD.replace(b"ength: 5\r\n", b"").replace(b"Host: h", b"Host: ength: 5\r\nh"),
    "no blank line yet": post(b"").removesuffix(b"\r\n\r\n"),
    "one byte": b"P",
    "nothing": b"",
}


@pytest.mark.parametrize("data", STRANGE.values(), ids=STRANGE)
def test_anything_else_goes_to_the_parser(data: bytes) -> None:
    """A request that differs in more than the digits of its length, or is not alone, is not taken."""
    assert not known(taught(GOOD), data)


UNFIT = {
    "close": GOOD.replace(b"Host: h", b"Host: h\r\nConnection: close"),
    "http 1.0": GOOD.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "expect": GOOD.replace(b"Host: h", b"Host: h\r\nExpect: 100-continue"),
    "upgrade": GOOD.replace(b"Host: h", b"Host: h\r\nConnection: upgrade\r\nUpgrade: h2c"),
    "no body": b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n",
    "chunked": b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    "chunked, length in the body": b"POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"17\r\n\r\ncontent-length: 2\r\n\r\nhi\r\n0\r\n\r\n",
    "large": post(b"x" * (ONE_READ_BYTES_MAX + 1)),
    "long head": GOOD.replace(b"Host: h", b"Host: h\r\nX-Long: " + b"x" * 5_000),
}


@pytest.mark.parametrize("data", UNFIT.values(), ids=UNFIT)
def test_what_needs_the_parser_is_never_known(data: bytes) -> None:
    """Ends of connections, old versions, expectations, offers and other framings are served as ever."""
    caller = Caller(WIDE)
    for _ in range(3):
        caller = Caller(WIDE, caller.server).feed(data)
    assert not known(caller, data)


def test_the_limit_of_bodies_holds() -> None:
    """A known head does not carry a body over the server's limit past it."""
    caller = taught(post(), limits=ServerLimits(body_bytes_max=50))
    assert known(caller, post(b"x" * 50))
    assert not known(caller, post(b"x" * 51))
    assert caller.feed(post(b"x" * 51)).statuses[-1] == 413


def test_forwarded_paths_forget_what_was_known() -> None:
    """A path that is forwarded from now on keeps all its headers, also for clients that are known."""
    caller = taught(GOOD)
    caller.server.forward((b"/v1",))
    assert not known(caller, GOOD)
    caller.feed(GOOD).feed(GOOD).feed(GOOD)
    assert not known(caller, GOOD)


def test_a_client_that_never_repeats_itself_is_not_looked_up_for_ever() -> None:
    """After some new heads in a row a connection goes to the parser at once; other connections do not mind."""
    caller = taught(GOOD)
    for number in range(STRANGE_MAX):
        caller.feed(post(key=b"new-%d" % number))
    size = len(caller.server.known_heads._seen)
    for _ in range(3):
        caller.feed(post(key=b"newest"))
    assert len(caller.server.known_heads._seen) == size
    assert not known(caller, post(key=b"newest"))
    assert set(caller.statuses) == {200}
    assert known(caller, GOOD)


def test_memory_is_bounded() -> None:
    """Callers that invent heads fill the tables but do not grow them."""
    heads = KnownHeads(WIDE)
    head = Head()
    head.length = b"5"
    for number in range(SEEN_MAX + 2 * HEADS_MAX):
        data = post(key=b"%d" % number)
        heads.remember(data, head)
        heads.remember(data, head)
    assert 0 < len(heads._heads) <= HEADS_MAX
    assert len(heads._seen) <= SEEN_MAX


@given(st.binary(max_size=300) | st.tuples(st.binary(max_size=40), st.binary(max_size=40)).map(GOOD.join))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    """Whatever comes is known or not; nothing escapes."""
    heads = KnownHeads(WIDE)
    head = Head()
    head.length = b"5"
    for _ in range(2):
        heads.remember(data, head)
    found = heads.find(data)
    assert found is None or summary(found)[3] == data[-5:]


WOUNDS = (b"", b"\r\n", b"\r", b"\n", b"0", b"6", b":", b" ", b"\0", b"\r\n\r\n")


@pytest.mark.parametrize("new", WOUNDS)
def test_wounded_requests_fare_the_same_with_and_without_memory(new: bytes) -> None:
    """Wherever up to three bytes are missing or others stand, it is served or refused as by a server that is new to
    the client."""
    for data in wounds(GOOD, new):
        fares_the_same(data)


@given(at=st.integers(0, len(GOOD)), gone=st.integers(0, 40), new=st.binary(max_size=9))
def test_badly_wounded_requests_fare_the_same_too(at: int, gone: int, new: bytes) -> None:
    """The same for anything in place of any part."""
    fares_the_same(GOOD[:at] + new + GOOD[at + gone :])


def fares_the_same(data: bytes) -> None:
    """Whoever has seen the client's good request does with `data` what a new server does."""
    old, fresh = taught(GOOD), Caller(WIDE)
    old.feed(data)
    fresh.feed(data)
    assert old.seen[2:] == fresh.seen, data
    assert old.statuses[2:] == fresh.statuses, data
    assert old.transport.closing == fresh.transport.closing, data
