"""A caller's connection with a fake transport: every cut of the bytes gives the same requests, nothing escapes."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.fakes.serving import LIMITS, Caller

from asbru.edge.server import Request, ServerConnection, ServerLimits
from asbru.edge.server.limits import BODY_PIECES_BYTES_MAX, TURN_BYTES, UPGRADES_PIPELINED_MAX

POST = b"POST /v1/x?a=b HTTP/1.1\r\nHost: h\r\nX-Api-Key: k\r\nUser-Agent: u\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST /c HTTP/1.1\r\nhost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"
GET = b"GET /g HTTP/1.1\r\nhost: h\r\n\r\n"
OLD = b"GET /old HTTP/1.0\r\n\r\n"
ABSOLUTE = b"GET http://h:8080/abs?q HTTP/1.1\r\nhost: h\r\n\r\n"
OFFER = b"POST /h2c HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 5\r\n\r\nhello"
OFFER_CHUNKED = OFFER.replace(b"content-length: 5", b"transfer-encoding: chunked").replace(
    b"hello", b"5\r\nhello\r\n0\r\n\r\n"
)
OFFER_EMPTY = OFFER.replace(b"content-length: 5", b"content-length: 0").replace(b"hello", b"")
EXPECT = b"POST /e HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\nhi"
GOOD = {
    "post": POST,
    "chunked": CHUNKED,
    "get": GET,
    "http 1.0": OLD,
    "absolute": ABSOLUTE,
    "upgrade offer": OFFER,
    "expect": EXPECT,
    "pipelined": POST + GET + CHUNKED + ABSOLUTE,
    "chunked upgrade offer": OFFER_CHUNKED,
    "after an offer": OFFER + GET + POST,
    "after offers": OFFER_CHUNKED + OFFER_EMPTY + OFFER_CHUNKED + POST,
    "blank lines": b"\r\n\r\n" + GET + b"\r\n" + POST,
}


@pytest.mark.parametrize("data", GOOD.values(), ids=GOOD)
def test_any_cut_gives_the_same_requests(data: bytes) -> None:
    """Each request cut at every byte, and byte by byte, reaches the handler as the whole does."""
    whole = Caller().feed(data)
    assert whole.seen and all(status == 200 for status in whole.statuses if status != 100)
    for cut in range(1, len(data)):
        assert Caller().feed(data, (cut,)).seen == whole.seen, cut
    assert Caller().feed(data, tuple(range(1, len(data)))).seen == whole.seen


def test_every_pair_of_cuts_of_two_requests() -> None:
    """Three pieces of two pipelined requests: the same two requests, in order."""
    data = CHUNKED + GET
    whole = Caller().feed(data).seen
    for cuts in combinations(range(1, len(data)), 2):
        assert Caller().feed(data, cuts).seen == whole, cuts


def test_what_the_handler_sees() -> None:
    """Method, path, query, body, key and carried headers, as sent."""
    method, path, query, body, headers, credentials, *_ = Caller().feed(POST).seen[0]
    assert (method, path, query, body) == (b"POST", b"/v1/x", b"a=b", b"hello")
    assert credentials == (b"", b"", b"k")
    assert [(name, value) for _, name, value in headers] == [(b"User-Agent", b"u")]
    assert Caller().feed(CHUNKED).seen[0][3] == b"abcde"
    assert Caller().feed(ABSOLUTE).seen[0][1:3] == (b"/abs", b"q")


def test_a_body_after_an_upgrade_offer_is_a_body() -> None:
    """Java's client offers h2c with every POST: its body is the request's, never a request of its own."""
    for data in (OFFER, OFFER_CHUNKED):
        assert [(one[1], one[3]) for one in Caller().feed(data + GET).seen] == [(b"/h2c", b"hello"), (b"/g", b"")]
    hidden = OFFER.replace(b"content-length: 5", b"content-length: %d" % len(GET)).replace(b"hello", GET)
    assert [(one[1], one[3]) for one in Caller().feed(hidden).seen] == [(b"/h2c", GET)]


def test_a_body_after_an_upgrade_offer_is_bounded() -> None:
    """The limits hold for it like for any other."""
    large = OFFER.replace(b"content-length: 5", b"content-length: 301")
    assert Caller().feed(large).seen == [("refused", 413)]
    chunks = OFFER_CHUNKED.replace(b"5\r\nhello", b"12D\r\n" + bytes(301))
    assert Caller().feed(chunks).seen == [("refused", 413)]


@pytest.mark.parametrize("options", [b"baggage", b"close, Baggage", b"keep-alive,baggage"])
def test_what_connection_names_is_dropped(options: bytes) -> None:
    """Headers that were meant for this hop are not carried, however short the list."""
    caller = Caller().feed(b"GET / HTTP/1.1\r\nhost: h\r\nbaggage: x\r\nconnection: %b\r\n\r\n" % options)
    assert caller.seen[0][4] == ()


def test_a_body_that_came_whole_is_the_object_that_arrived() -> None:
    """No copy is made of a body that came in one piece."""
    caller = Caller(held=True)
    body = b"hello"
    caller.feed(POST[: -len(body)])
    caller.feed(body)
    assert caller.waiting[0][0].body == body


BAD = {
    "two lengths": (b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", 400),
    "same length twice": (b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nab", 400),
    "length list": (b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 2, 2\r\n\r\nab", 400),
    "signed length": (b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: +2\r\n\r\nab", 400),
    "hex length": (b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 0x2\r\n\r\nab", 400),
    "huge length": (b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 99999999999999999999999\r\n\r\n", 400),
    "length and chunks": (
        b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "chunks and length": (
        b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        400,
    ),
    "gzip coding": (b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: gzip\r\n\r\n", 400),
    "gzip then chunked": (b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    "chunked twice": (
        b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "identity hidden": (
        b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: identity\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "odd chunked": (b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400),
    "bad chunk size": (b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400),
    "signed chunk": (b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n+2\r\nab\r\n0\r\n\r\n", 400),
    "chunk without end": (
        b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        400,
    ),
    "bare lf": (b"GET / HTTP/1.1\nhost: h\n\n", 400),
    "bare lf in head": (b"GET / HTTP/1.1\r\nhost: h\nx: y\r\n\r\n", 400),
    "bare cr": (b"GET / HTTP/1.1\r\nhost: h\rx: y\r\n\r\n", 400),
    "folded": (b"GET / HTTP/1.1\r\nhost: h\r\nx: a\r\n b\r\n\r\n", 400),
    "space before colon": (b"GET / HTTP/1.1\r\nhost : h\r\n\r\n", 400),
    "space before name": (b"GET / HTTP/1.1\r\n host: h\r\n\r\n", 400),
    "no colon": (b"GET / HTTP/1.1\r\nhost\r\n\r\n", 400),
    "nul in value": (b"GET / HTTP/1.1\r\nhost: h\r\nx: a\x00b\r\n\r\n", 400),
    "nul in path": (b"GET /\x00 HTTP/1.1\r\nhost: h\r\n\r\n", 400),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two hosts": (b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400),
    "bad version": (b"GET / HTTP/3.7\r\nhost: h\r\n\r\n", 400),
    "no version": (b"GET /\r\n\r\n", 400),
    "not http": (b"\x16\x03\x01\x02\x00\x01", 400),
    "http/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    "unknown method": (b"FROB / HTTP/1.1\r\nhost: h\r\n\r\n", 400),
    "long head": (b"GET / HTTP/1.1\r\nhost: h\r\nx: " + b"y" * 700 + b"\r\n\r\n", 431),
    "long path": (b"GET /" + b"y" * 700 + b" HTTP/1.1\r\nhost: h\r\n\r\n", 431),
    "many headers": (b"GET / HTTP/1.1\r\nhost: h\r\n" + b"x: y\r\n" * 8 + b"\r\n", 431),
    "large body": (b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 301\r\n\r\n" + bytes(301), 413),
    "large chunks": (
        b"POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n" + b"64\r\n" + bytes(100) + b"\r\n"
        b"C9\r\n" + bytes(201) + b"\r\n0\r\n\r\n",
        413,
    ),
    "expectation": (b"POST / HTTP/1.1\r\nhost: h\r\nexpect: cake\r\ncontent-length: 1\r\n\r\nx", 417),
}


@pytest.mark.parametrize(("data", "status"), BAD.values(), ids=BAD)
def test_what_must_not_be_accepted_is_refused(data: bytes, status: int) -> None:
    """Refused with its status, cut anywhere; nothing after it is served, and the connection takes nothing more."""
    for cuts in ((), *((cut,) for cut in range(1, len(data), 7)), tuple(range(1, len(data)))):
        caller = Caller().feed(data, cuts)
        assert caller.seen == [("refused", status)], cuts
        assert b"connection: close" in caller.transport.written
        caller.feed(GET)
        assert len(caller.seen) == 1


@pytest.mark.parametrize(("data", "status"), BAD.values(), ids=BAD)
def test_a_bad_request_does_not_hurt_the_ones_before_it(data: bytes, status: int) -> None:
    """Pipelined behind good ones, it is answered last."""
    caller = Caller().feed(GET + POST + data)
    assert [one[0] for one in caller.seen] == [b"GET", b"POST", "refused"]
    assert caller.statuses == [200, 200, status]


def test_pipelined_requests_are_answered_in_order() -> None:
    """The next is begun when the one before is answered, not earlier."""
    caller = Caller(held=True).feed(POST + GET + CHUNKED)
    for path in (b"/v1/x", b"/g", b"/c"):
        assert [request.head.path for request, _ in caller.waiting] == [path]
        caller.response(*caller.waiting.pop())
        caller.loop.run_soon()
    assert caller.statuses == [200] * 3 and not caller.transport.closing


def test_a_caller_that_pipelines_too_much_is_not_read() -> None:
    """Above the bound reading pauses, until the queue is served."""
    caller = Caller(ServerLimits(body_bytes_max=200_000), held=True)
    big = b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 100000\r\n\r\n" + bytes(100_000)
    for _ in range(4):
        caller.feed(big)
    assert not caller.transport.reading
    while caller.waiting:
        caller.response(*caller.waiting.pop())
        caller.loop.run_soon()
    assert caller.transport.reading and len(caller.seen) == 4


def test_a_caller_that_reads_nothing_has_its_next_request_wait() -> None:
    """Whether it came before or after the transport was full; it is begun once what was written has gone."""
    caller = Caller(held=True).feed(GET + POST + b"nonsense\r\n\r\n")
    connection = caller.connection
    connection.pause_writing()
    caller.response(*caller.waiting.pop())
    caller.loop.run_soon()
    assert len(caller.seen) == 1
    connection.resume_writing()
    caller.loop.run_soon()
    assert len(caller.seen) == 2
    caller.response(*caller.waiting.pop())
    connection.pause_writing()
    caller.loop.run_soon()
    assert len(caller.seen) == 2
    connection.resume_writing()
    caller.loop.run_soon()
    assert caller.seen[-1] == ("refused", 400)


@pytest.mark.parametrize("late", [False, True], ids=["full while answering", "full afterwards"])
def test_a_caller_that_reads_nothing_is_not_read(late: bool) -> None:
    """Also between two requests, until it reads; then it is served as ever."""
    caller = Caller(held=True).feed(GET)
    if not late:
        caller.connection.pause_writing()
    caller.response(*caller.waiting.pop())
    if late:
        caller.connection.pause_writing()
    assert not caller.transport.reading
    caller.connection.resume_writing()
    assert caller.transport.reading
    assert len(caller.feed(POST).seen) == 2


def test_a_caller_that_leaves_cancels_its_call() -> None:
    """Once; requests behind it are not begun."""
    caller = Caller(held=True).feed(POST + GET)
    caller.transport.lose()
    caller.loop.run_soon()
    assert caller.gone == 1 and len(caller.seen) == 1
    assert caller.connection not in caller.server.connections


def test_writes_to_a_caller_that_left_are_dropped() -> None:
    """The path may still be answering."""
    caller = Caller(held=True).feed(POST)
    caller.transport.lose()
    response = caller.connection.response
    response.begin(200, b"")
    response.write(b"x")
    response.end()
    assert caller.transport.written == b""


def test_one_caller_too_many_is_turned_away() -> None:
    """With an answer that says so, and then closed."""
    first = Caller()
    others = [Caller(server=first.server) for _ in range(5)]
    assert all(not other.transport.written for other in others[:4])
    assert first.seen == [("refused", 503)] and others[4].transport.written.startswith(b"HTTP/1.1 503")


Sweep = Callable[[Caller], float]


@pytest.mark.parametrize(
    ("data", "limit_s", "status"),
    [
        (b"", LIMITS.idle_timeout_s, None),
        (GET, LIMITS.idle_timeout_s, None),
        (b"G", LIMITS.head_timeout_s, 408),
        (POST[:40], LIMITS.head_timeout_s, 408),
        (POST[:-2], LIMITS.body_timeout_s, 408),
    ],
    ids=["nothing", "between requests", "one byte", "half a head", "half a body"],
)
def test_slow_callers_run_out_of_time(data: bytes, limit_s: float, status: int | None) -> None:
    """Idle connections are closed; a head or body that drips is refused with 408 and closed after a while."""
    caller = Caller().feed(data)
    began_s = caller.server.tick_s
    caller.connection.sweep(began_s + limit_s - 1)
    assert not caller.transport.closing and 408 not in caller.statuses
    caller.server.tick_s = began_s + limit_s + 1
    caller.connection.sweep(began_s + limit_s + 1)
    if status is not None:
        assert caller.statuses[-1] == status
        caller.connection.sweep(began_s + limit_s + 10)
    assert caller.transport.closing


def test_a_slow_body_that_moves_is_given_time() -> None:
    """One more second for each 128 KiB received, so slow links pass."""
    limits = ServerLimits(body_bytes_max=10**7)
    caller = Caller(limits).feed(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 9000000\r\n\r\n" + bytes(1_310_720))
    began_s = caller.server.tick_s
    caller.connection.sweep(began_s + limits.body_timeout_s + 9)
    assert caller.statuses == []
    caller.connection.sweep(began_s + limits.body_timeout_s + 12)
    assert caller.statuses == [408]


def test_a_long_call_has_no_deadline_here() -> None:
    """While a call is served the path has the deadlines; a caller that does not read is dropped."""
    caller = Caller(held=True).feed(POST)
    caller.connection.sweep(caller.server.tick_s + 3600)
    assert not caller.transport.closing
    caller.connection.pause_writing()
    caller.connection.sweep(caller.server.tick_s + LIMITS.idle_timeout_s + 1)
    assert caller.transport.aborted


def test_a_draining_server_says_goodbye() -> None:
    """The answer of the last call says close, and the connection is closed."""
    caller = Caller(held=True)
    caller.server.draining = True
    caller.feed(POST)
    caller.response(*caller.waiting.pop())
    assert b"connection: close" in caller.transport.written
    assert caller.transport.closing


SEEDS = [*GOOD.values(), *(data for data, _ in BAD.values())]
MUTATION = st.tuples(
    st.sampled_from(["delete", "insert", "replace", "double"]),
    st.integers(0, 400),
    st.sampled_from(
        [b"\r", b"\n", b"\r\n", b"\x00", b" ", b":", b"\t", b",", b"0", b"\xff", b"%00", b"chunked", b"\r\n\r\n"]
    )
    | st.binary(min_size=1, max_size=3),
)


def mutate(data: bytes, mutations: list[tuple[str, int, bytes]]) -> bytes:
    """`data` with each mutation done to it in turn."""
    for kind, place, new in mutations:
        at = place % (len(data) + 1)
        if kind == "delete":
            data = data[:at] + data[at + len(new) :]
        elif kind == "insert":
            data = data[:at] + new + data[at:]
        elif kind == "replace":
            data = data[:at] + new + data[at + len(new) :]
        else:
            data = data[:at] + data[max(0, at - 20) : at] + data[at:]
    return data


@settings(max_examples=600, deadline=None)
@given(
    st.lists(st.sampled_from(SEEDS), min_size=1, max_size=3).map(b"".join),
    st.lists(MUTATION, max_size=4),
    st.lists(st.integers(0, 600), max_size=5),
)
@example(OFFER + b"garbage", [], [5])
@example(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nGET /", [], [3, 90])
@example(b"CONNECT h:443 HTTP/1.1\r\nhost: h\r\n\r\n\x16\x03", [], [])
def test_mutated_requests_never_escape(data: bytes, mutations: list[tuple[str, int, bytes]], cuts: list[int]) -> None:
    """Valid requests broken at random: nothing is raised, and no cut changes what the handler sees."""
    data = mutate(data, mutations)
    assume(data.count(b"upgrade: ") <= UPGRADES_PIPELINED_MAX)  # more in one piece are refused
    places = tuple(sorted({cut for cut in cuts if 0 < cut < len(data)}))
    limits = ServerLimits(head_bytes_max=100_000, header_count_max=100, body_bytes_max=10_000)
    whole = Caller(limits).feed(data)
    parts = Caller(limits).feed(data, places)
    singles = Caller(limits).feed(data, tuple(range(1, len(data))))
    assert parts.seen == whole.seen == singles.seen
    for caller in (whole, parts, singles):
        caller.transport.lose()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.lists(st.integers(0, 80), max_size=4))
def test_garbage_never_escapes(data: bytes, cuts: list[int]) -> None:
    """Any bytes at all: at most refusals."""
    caller = Caller().feed(data, tuple(sorted({cut for cut in cuts if 0 < cut < len(data)})))
    assert all(one[0] == "refused" for one in caller.seen) or b" HTTP/1." in data


def gathering(*, held: bool = False) -> Caller:
    """A caller of a server that gathers the writes of a turn."""
    caller = Caller(held=held)
    caller.server.outbox.tick(0.0)
    return caller


def test_gathered_answers_leave_when_the_turn_ends() -> None:
    """Nothing leaves while the turn goes on; then all of it, in order."""
    caller = gathering()
    caller.transport.receive(POST)
    assert caller.seen and caller.transport.written == b""
    caller.loop.run_soon()
    assert caller.statuses == [200]


def test_a_gathered_answer_leaves_before_its_connection_closes() -> None:
    """The last answer of a connection is written, then the connection closed."""
    caller = gathering()
    caller.transport.receive(GET.replace(b"host: h", b"host: h\r\nconnection: close"))
    assert caller.transport.closing
    assert caller.statuses == [200]


def test_gathered_streams_keep_their_order() -> None:
    """Head, pieces and end of a streamed answer leave as they were written."""
    caller = gathering(held=True)
    caller.transport.receive(GET)
    response = caller.connection.response
    response.begin(200, b"")
    for piece in (b"one", b"x" * 3000, b"two"):
        response.write(piece)
    response.end()
    caller.loop.run_soon()
    body = caller.transport.written.partition(b"\r\n\r\n")[2]
    assert body == b"3\r\none\r\nbb8\r\n" + b"x" * 3000 + b"\r\n3\r\ntwo\r\n0\r\n\r\n"


def test_an_interim_answer_does_not_overtake() -> None:
    """`100 Continue` comes after the answer before it, also when that one was still gathered."""
    caller = gathering()
    caller.transport.receive(POST)
    caller.transport.receive(EXPECT[:-2])
    assert caller.statuses == [200, 100]


def test_what_was_gathered_for_a_caller_that_left_is_dropped() -> None:
    """An aborted connection gets nothing more, and the others theirs."""
    caller = gathering()
    other = Caller(server=caller.server)
    caller.transport.receive(POST)
    other.transport.receive(POST)
    caller.connection.abort()
    caller.loop.run_soon()
    assert caller.transport.written == b""
    assert other.statuses == [200]


@given(st.data())
def test_gathered_bodies_are_the_same(data: st.DataObject) -> None:
    """Bodies above the bound for pieces, of any framing and cut anywhere, come out as they went in."""
    stream = POST + CHUNKED + GET + POST
    cuts = data.draw(st.lists(st.integers(1, len(stream) - 1), unique=True).map(sorted))
    caller = Caller()
    caller.connection._body.pieces_bytes_max = data.draw(st.integers(0, 6))
    assert caller.feed(stream, tuple(cuts)).seen == Caller().feed(stream).seen


def test_a_body_over_its_limit_is_refused_while_it_is_gathered() -> None:
    """The limit holds for gathered bodies too, and nothing is served of them."""
    caller = Caller()
    caller.connection._body.pieces_bytes_max = 10
    head = b"POST /c HTTP/1.1\r\nhost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    caller.feed(head)
    for _ in range(10):
        caller.feed(b"20\r\n%b\r\n" % (b"x" * 32))
    assert caller.statuses == [413]
    assert caller.seen == [("refused", 413)]


def test_a_large_body_is_there_once() -> None:
    """A body of megabytes never takes twice its size, as joining its pieces would."""
    size = 8 * BODY_PIECES_BYTES_MAX
    caller = Caller(ServerLimits(body_bytes_max=size), held=True)
    piece = b"x" * (BODY_PIECES_BYTES_MAX // 4)
    caller.feed(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % size)
    tracemalloc.start()
    try:
        for _ in range(size // len(piece)):
            caller.transport.receive(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(caller.waiting[0][0].body) == size
    assert peak < 1.5 * size


def test_a_connection_that_brings_much_gives_way() -> None:
    """After a read of a large body, others have their turn before it is read on; a small request is not held up."""
    caller = Caller(ServerLimits(body_bytes_max=8 * TURN_BYTES), held=True)
    caller.feed(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % (2 * TURN_BYTES))
    assert caller.transport.reading
    caller.transport.receive(b"x" * TURN_BYTES)
    assert not caller.transport.reading
    caller.loop.run_soon()
    assert caller.transport.reading
    caller.transport.receive(b"x" * TURN_BYTES)
    caller.loop.run_soon()
    assert len(caller.waiting[0][0].body) == 2 * TURN_BYTES


def test_an_idle_connection_holds_no_body() -> None:
    """A request that was answered is let go of, not kept until the next one comes."""
    caller = Caller()
    gone: list[bool] = []

    def handle(request: Request, connection: ServerConnection) -> None:
        weakref.finalize(request.head, gone.append, True)  # goes with the request
        caller.response(request, connection)

    caller.server.handler = handle
    caller.feed(POST)
    gc.collect()
    assert caller.statuses == [200]
    assert gone == [True]
