"""Upstream faults: the caller is told what happened in its dialect, one record says it, and nothing is left over."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.upstream import FIN, RST, STALL, FakeUpstream, Gate, Reply, compress
from tests.fakes.waiting import until
from tests.journeys.caller import UpstreamResponse, request
from tests.journeys.gateway import Gateway, anthropic, deadlines, openai, retries
from tests.journeys.talk import (
    CHAT_PATH,
    CHAT_REPLY,
    CHAT_START,
    CHAT_STREAM,
    CHAT_STREAM_SHOWN,
    CHAT_WORDS,
    MESSAGES_PATH,
    MESSAGES_REPLY,
    MESSAGES_START,
    MESSAGES_STREAM,
    MESSAGES_WORDS,
    chat,
    chat_text,
    event,
    events,
    messages,
    messages_text,
)

SMALL = deadlines(connect_s=0.2, first_token_s=0.2, idle_s=0.2, total_s=5.0)
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n"
EVENTS = {"content-type": "text/event-stream"}


def failed(gateway: Gateway, answer: UpstreamResponse, status: int, code: str) -> dict[str, Any]:
    """Check a refusal and its one record; returns the error."""
    assert answer.status == status, answer.body
    assert answer.error["message"]
    row = gateway.row
    assert (row["status"], row["outcome"], row["error_code"]) == (status, "error", code)
    assert row["usage_source"] == "none"
    return answer.error


@pytest.mark.parametrize("stream", [False, True])
async def test_refused(stream: bool) -> None:
    """A provider that refuses connections: 502 that names it in words; its address is for operators."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        async with Gateway(openai(f"http://127.0.0.1:{port}")) as gateway:
            answer = await gateway.call(CHAT_PATH, chat(stream=stream))
            error = failed(gateway, answer, 502, "upstream_unreachable")
            assert error["message"] == "could not connect to the provider 'openai': Connection refused"
            assert f"127.0.0.1:{port}: Connection refused" in gateway.row["attempt_log"]


async def test_an_unknown_host() -> None:
    """A host name that does not resolve: 502 that says so."""
    async with Gateway(openai("http://nowhere.invalid")) as gateway:
        error = failed(gateway, await gateway.call(CHAT_PATH, chat()), 502, "upstream_unreachable")
        assert error["message"] == "could not connect to the provider 'openai': its name cannot be resolved"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_socket_that_is_gone(stream: bool, tmp_path: Path) -> None:
    """A server of ours that does not run: 502 without the path of its socket and without an exception's words."""
    facts = openai("http://mock.localhost", unix_socket=str(tmp_path / "mock.sock"))
    async with Gateway(facts) as gateway:
        error = failed(gateway, await gateway.call(CHAT_PATH, chat(stream=stream)), 502, "upstream_unreachable")
        assert (
            error["message"] == "could not connect to the provider 'openai': its socket is not there: it does not run"
        )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("end", [FIN, RST])
async def test_ended_before_the_first_byte(end: Any, stream: bool) -> None:
    """A provider that hangs up before it answers: 502 that says so."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.raw(end))
        answer = await gateway.call(CHAT_PATH, chat(stream=stream))
        assert "before it sent a response" in failed(gateway, answer, 502, "upstream_unreachable")["message"]


@pytest.mark.parametrize("end", [FIN, RST])
@pytest.mark.parametrize("start", [b"HT", OK[:29], OK, OK + b'{"id": 1'])
async def test_ended_in_the_middle_of_a_whole_answer(end: Any, start: bytes) -> None:
    """A whole answer that breaks off is never given as an answer: 502."""
    gate = Gate()
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.raw(start, gate, end))
        async with gateway.caller() as caller:
            caller.send(request(CHAT_PATH, chat()))
            await gate.reached.arrive()
            gate.open()
            answer = await caller.answer()
        assert answer.status == 502
        assert gateway.row["error_code"] in ("upstream_cut", "upstream_unreachable")


async def test_an_answer_without_a_length() -> None:
    """An answer that the end of the connection ends is whole if its JSON is, and cut if it is not."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        whole = Reply.json(CHAT_REPLY).but(framing="close")
        upstream.queue(whole, whole.but(cut_at=60), whole.but(cut=RST, cut_at=60))
        assert (await gateway.call(CHAT_PATH, chat())).json() == CHAT_REPLY
        for _ in range(2):
            answer = await gateway.call(CHAT_PATH, chat())
            assert (answer.status, answer.error["code"]) == (502, "upstream_cut")
        assert upstream.connections == 3


@pytest.mark.parametrize("stream", [False, True])
async def test_slow_heads(stream: bool) -> None:
    """A provider that does not begin to answer in time: 504 that names the deadline, seen at the provider."""
    gate = Gate()
    facts = SMALL if stream else deadlines(connect_s=0.2, total_s=0.2)
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, deadlines=facts)) as gateway:
        upstream.queue(Reply.json(CHAT_REPLY).but(before=(gate,)))
        answer = await gateway.call(CHAT_PATH, chat(stream=stream))
        error = failed(gateway, answer, 504, "upstream_timeout")
        assert ("first_token_s" if stream else "total_s") in error["message"]
        await upstream.requests[0].gone.arrive()


async def test_a_stream_without_content_in_time() -> None:
    """A head, comments and empty deltas are no content: the first-token deadline still holds."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, deadlines=SMALL)) as gateway:
        upstream.queue(Reply.events(b": ping\n\n", CHAT_START, STALL))
        answer = await gateway.call(CHAT_PATH, chat(stream=True))
        assert "first_token_s" in failed(gateway, answer, 504, "upstream_timeout")["message"]


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
async def test_a_stalled_stream(dialect: str) -> None:
    """A stream that stalls after its first words: the words, then an error event that names the deadline, no end."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, deadlines=SMALL)) as gateway:
        upstream.queue(Reply.events(CHAT_START, CHAT_WORDS[0], STALL))
        body = chat(stream=True) if dialect == "openai" else messages("openai/gpt-x", stream=True)
        answer = await gateway.call(CHAT_PATH if dialect == "openai" else MESSAGES_PATH, body)
        assert answer.status == 200
        last = events(answer.body)[-1]
        assert "idle_s" in last["error"]["message"]
        assert b"[DONE]" not in answer.body
        assert b"message_stop" not in answer.body
        assert (gateway.row["outcome"], gateway.row["error_code"]) == ("cut", "upstream_timeout")
        await upstream.requests[0].gone.arrive()


async def test_the_total_deadline_of_a_stream() -> None:
    """A stream that goes on and on is ended by the total deadline, with an error event."""
    facts = deadlines(first_token_s=5.0, idle_s=5.0, total_s=0.3)
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, deadlines=facts)) as gateway:
        upstream.queue(Reply.events(*CHAT_STREAM[:3], STALL))
        answer = await gateway.call(CHAT_PATH, chat(stream=True))
        assert "total_s" in events(answer.body)[-1]["error"]["message"]
        assert gateway.row["outcome"] == "cut"


CUTS = {
    "chat passed through": (CHAT_PATH, chat(stream=True), CHAT_STREAM),
    "chat to messages": (MESSAGES_PATH, messages("openai/gpt-x", stream=True), CHAT_STREAM),
    "messages passed through": (MESSAGES_PATH, messages(stream=True), MESSAGES_STREAM),
    "messages to chat": (CHAT_PATH, chat("anthropic/claude-x", stream=True), MESSAGES_STREAM),
}


@pytest.mark.parametrize("end", [FIN, RST])
@pytest.mark.parametrize("name", CUTS)
async def test_cut_at_every_byte(name: str, end: Any) -> None:
    """Wherever a stream is cut, the caller gets whole events and then its dialect's error event, never an end."""
    path, body, stream = CUTS[name]
    data = b"".join(stream)
    is_chat = path == CHAT_PATH
    done = data.find(b"data: [DONE]") + 12 if stream is CHAT_STREAM else data.find(b'{"type":"message_stop"}') + 23
    async with (
        FakeUpstream() as upstream,
        Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway,
        gateway.caller() as caller,
    ):
        for at in range(1, len(data)):
            upstream.queue(Reply.events(data).but(cut_at=at, cut=end))
            caller.send(request(path, body))
            answer = await caller.answer()
            row = gateway.rows[-1]
            assert len(gateway.rows) == at
            if answer.status != 200:
                assert (answer.status, row["outcome"]) == (502, "error"), (at, answer.body)
                assert answer.error["message"]
                continue
            got = events(answer.body)
            text = (chat_text if is_chat else messages_text)(answer.body)
            assert "Hi you".startswith(text), at
            ended = b"[DONE]" in answer.body or b"message_stop" in answer.body
            if at >= done and (ended or at < done + 2):  # without its blank line the end may count, or not
                assert ended == (row["outcome"] == "ok"), (at, answer.body)
            else:
                assert not ended, (at, answer.body)
                assert "error" in got[-1], (at, answer.body)
                assert (row["outcome"], row["error_code"]) == ("cut", "upstream_cut"), at
    assert gateway.lasting.load.in_flight == 0


GARBAGE = {
    "half JSON": b'data: {"choices": [\n\n',
    "no JSON": b"data: hello\n\n",
    "binary": b"data: \xff\xfe\x00\n\n",
    "a number": b"data: 7\n\n",
    "choices is a word": b'data: {"choices": "x"}\n\n',
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_events_when_translated(name: str) -> None:
    """Garbage in a stream that must be read: 502 before the first word, an error event after it."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        tail = (GARBAGE[name], *CHAT_STREAM[2:])
        upstream.queue(Reply.events(*tail), Reply.events(CHAT_START, CHAT_WORDS[0], *tail))
        body = messages("openai/gpt-x", stream=True)
        first = await gateway.call(MESSAGES_PATH, body)
        assert (first.status, first.json()["type"]) == (502, "error")
        second = await gateway.call(MESSAGES_PATH, body)
        assert events(second.body)[-1]["type"] == "error"
        assert b"message_stop" not in second.body
        assert [row["outcome"] for row in gateway.rows] in (["error", "error"], ["error", "cut"])


async def test_bytes_that_are_no_events() -> None:
    """A 200 whose body is no event stream at all is 502, for streams of both dialects and each way of saying so."""
    replies = (
        Reply.events(b"\xff\xfe\x00 garbage without an end"),
        Reply.events(b"<html>hello</html>"),
        Reply.events(),
        Reply.body(b"<html>hello</html>", "text/html"),
        Reply.body(b"", "text/event-stream"),
        Reply.json(CHAT_REPLY),
        Reply.body(b"hello", "application/octet-stream"),
    )
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        for path, body in ((CHAT_PATH, chat(stream=True)), (MESSAGES_PATH, messages("openai/gpt-x", stream=True))):
            upstream.queue(*replies)
            for reply in replies:
                answer = await gateway.call(path, body)
                assert answer.status == 502, (reply, answer.body)
                assert answer.error["message"]
        assert {row["outcome"] for row in gateway.rows} == {"error"}
        assert len(gateway.rows) == len(replies) * 2


async def test_a_stream_under_another_type() -> None:
    """An event stream that comes as JSON, or without any type, is still one; the caller is told the right type."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        for headers in ({"content-type": "application/json"}, {}, {"content-type": "Text/Event-Stream;charset=x"}):
            upstream.queue(Reply.events(*CHAT_STREAM).but(headers=headers))
            answer = await gateway.call(CHAT_PATH, chat(stream=True))
            assert answer.body == CHAT_STREAM_SHOWN, headers
            assert answer.headers["content-type"].lower().startswith("text/event-stream"), headers
        assert [row["outcome"] for row in gateway.rows] == ["ok"] * 3


async def test_a_whole_answer_that_is_not_json() -> None:
    """A 200 that is HTML, empty, half JSON or of the wrong shape is 502 where it must be read."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        for data in (
            b"<html>",
            b"",
            b'{"choices": ',
            b"\xff\xfe",
            b"[" * 100_000 + b"]" * 100_000,
            b'{"choices": 7}',
        ):
            upstream.queue(Reply.body(data), Reply.body(data, "text/html"))
            for kind in range(2):
                answer = await gateway.call(MESSAGES_PATH, messages("openai/gpt-x"))
                assert answer.status == 502, (data[:20], kind, answer.body)
                assert answer.json()["type"] == "error"
        assert {row["outcome"] for row in gateway.rows} == {"error"}


OPENAI_FAULT = {"error": {"message": "it broke", "type": "server_error", "code": "oops"}}
MESSAGES_FAULT = {"type": "error", "error": {"type": "overloaded_error", "message": "it broke"}}


async def test_an_error_inside_a_200() -> None:
    """An error object in a whole 200 is told by the status of its kind; its own dialect gets the body as it came."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
        upstream.on("/v1/chat/completions", Reply.json(OPENAI_FAULT))
        upstream.on("/v1/messages", Reply.json(MESSAGES_FAULT))
        for path, body, own, status in (
            (CHAT_PATH, chat(), OPENAI_FAULT, 502),
            (MESSAGES_PATH, messages(), MESSAGES_FAULT, 529),
            (CHAT_PATH, chat("anthropic/claude-x"), None, 529),
            (MESSAGES_PATH, messages("openai/gpt-x"), None, 502),
        ):
            answer = await gateway.call(path, body)
            assert answer.status == status and answer.error["message"] == "it broke"
            assert own is None or answer.json() == own
        assert [row["status"] for row in gateway.rows] == [502, 529, 529, 502]
        assert {row["outcome"] for row in gateway.rows} == {"error"}


async def test_an_error_as_the_first_event() -> None:
    """An error event before any content becomes a plain error answer, with its status and message."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
        upstream.on("/v1/chat/completions", Reply.events(CHAT_START, event(OPENAI_FAULT)))
        upstream.on("/v1/messages", Reply.events(MESSAGES_START, event(MESSAGES_FAULT, "error")))
        for path, body in [(path, body) for path, body, _ in CUTS.values()]:
            answer = await gateway.call(path, body)
            assert answer.status >= 500, answer.body
            assert answer.error["message"] == "it broke"
        assert {row["outcome"] for row in gateway.rows} == {"error"}


async def test_an_error_in_the_middle_of_a_stream() -> None:
    """An error event after content reaches the caller once, in its dialect, with no end; the record says so."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
        upstream.on("/v1/chat/completions", Reply.events(CHAT_START, CHAT_WORDS[0], event(OPENAI_FAULT)))
        upstream.on("/v1/messages", Reply.events(MESSAGES_START, MESSAGES_WORDS[0], event(MESSAGES_FAULT, "error")))
        for path, body in [(path, body) for path, body, _ in CUTS.values()]:
            answer = await gateway.call(path, body)
            assert answer.status == 200
            assert answer.body.count(b"it broke") == 1
            assert events(answer.body)[-1]["error"]["message"] == "it broke"
            assert b"[DONE]" not in answer.body
            assert b"message_stop" not in answer.body
        assert {row["outcome"] for row in gateway.rows} == {"error"}


async def test_a_stream_without_its_end() -> None:
    """A stream that ends well as HTTP but without [DONE] or message_stop is cut, and the caller is told."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
        upstream.on("/v1/chat/completions", Reply.events(*CHAT_STREAM[:3]))
        upstream.on("/v1/messages", Reply.events(*MESSAGES_STREAM[:3]))
        for path, body in [(path, body) for path, body, _ in CUTS.values()]:
            answer = await gateway.call(path, body)
            assert "ended early" in events(answer.body)[-1]["error"]["message"]
        assert {row["outcome"] for row in gateway.rows} == {"cut"}


CODINGS = ("gzip", "deflate", "br", "zstd")


@pytest.mark.parametrize("coding", CODINGS)
async def test_coded_answers(coding: Any) -> None:
    """A compressed answer is read, decoded for callers that do not accept it, and passed on to those that do."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        coded = Reply.json(CHAT_REPLY).coded(coding)
        upstream.queue(coded, coded, coded)
        plain = await gateway.call(CHAT_PATH, chat())
        assert plain.json() == CHAT_REPLY
        assert "content-encoding" not in plain.headers
        kept = await gateway.call(CHAT_PATH, chat(), headers=[f"Accept-Encoding: {coding}"])
        assert (kept.headers["content-encoding"], kept.body) == (coding, coded.steps[0])
        other = await gateway.call(MESSAGES_PATH, messages("openai/gpt-x"))
        assert other.json()["content"][0]["text"] == "Hi you"
        assert [row["input_tokens"] for row in gateway.rows] == [5, 5, 5]


@pytest.mark.parametrize("coding", CODINGS)
async def test_coded_streams(coding: Any) -> None:
    """A compressed stream is decoded as it comes, passed through and translated; cut, it is told as cut."""
    data = compress(coding, b"".join(CHAT_STREAM))
    pieces = [data[at : at + 50] for at in range(0, len(data), 50)]
    reply = Reply.events(*pieces, **{"content-encoding": coding})
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(reply, reply, reply.but(cut_at=len(data) // 2))
        assert (await gateway.call(CHAT_PATH, chat(stream=True))).body == CHAT_STREAM_SHOWN
        other = await gateway.call(MESSAGES_PATH, messages("openai/gpt-x", stream=True))
        assert messages_text(other.body) == "Hi you"
        cut = await gateway.call(CHAT_PATH, chat(stream=True))
        assert b"[DONE]" not in cut.body
        assert [row["outcome"] for row in gateway.rows[:2]] == ["ok", "ok"]
        assert gateway.rows[2]["outcome"] in ("cut", "error")


async def test_answers_that_cannot_be_decoded() -> None:
    """An answer that is not what its coding says, or of an unknown coding, is 502, whole and streamed."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        for stream in (False, True):
            for coding in (*CODINGS, "compress"):
                reply = Reply.events(*CHAT_STREAM) if stream else Reply.json(CHAT_REPLY)
                upstream.queue(reply.but(headers={**reply.headers, "content-encoding": coding}))
                answer = await gateway.call(CHAT_PATH, chat(stream=stream))
                assert answer.status == 502, (coding, stream, answer.body)
                assert answer.error["message"]
        assert {row["outcome"] for row in gateway.rows} == {"error"}


OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


@pytest.mark.parametrize(
    ("status", "headers"), [(429, {"retry-after": "7"}), (429, {}), (529, {}), (500, {}), (400, {})]
)
async def test_error_answers(status: int, headers: dict[str, str]) -> None:
    """A provider's error keeps its status; its body goes on as it came in its dialect, and is written in the other."""
    async with FakeUpstream() as upstream, Gateway(anthropic(upstream.url)) as gateway:
        for stream in (False, True):
            for path, body in (
                (MESSAGES_PATH, messages(stream=stream)),
                (CHAT_PATH, chat("anthropic/c", stream=stream)),
            ):
                gateway.lasting.keys.clear()
                gateway.swap(gateway.snapshot)
                upstream.queue(Reply.json(OVERLOADED, status, **headers))
                answer = await gateway.call(path, body)
                assert answer.status == status
                assert answer.error["message"] == "Overloaded"
                assert answer.headers.get("retry-after") == headers.get("retry-after")
                row = gateway.rows[-1]
                assert (row["status"], row["outcome"]) == (status, "error")
                if path == MESSAGES_PATH:
                    assert answer.json() == OVERLOADED
        assert len(gateway.rows) == 4


async def test_redirects_are_not_followed() -> None:
    """A redirect is no answer, and following it would leak: 502."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        for status in (301, 302, 307, 308, 304, 204):
            upstream.queue(Reply.body(b"", status=status, location=upstream.url + "/other"))
            answer = await gateway.call(CHAT_PATH, chat())
            assert (answer.status, answer.error["code"]) == (502, "upstream_protocol"), status
        assert {seen.target for seen in upstream.requests} == {CHAT_PATH}
        assert len(gateway.rows) == 6


async def test_interim_answers_are_skipped() -> None:
    """1xx answers before the real one are skipped, whole and streamed."""
    early = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\nretry-after: 5\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.json(CHAT_REPLY).but(before=(early,)), Reply.events(*CHAT_STREAM).but(before=(early,)))
        answer = await gateway.call(CHAT_PATH, chat())
        assert answer.json() == CHAT_REPLY
        assert "retry-after" not in answer.headers
        assert (await gateway.call(CHAT_PATH, chat(stream=True))).body == CHAT_STREAM_SHOWN
        assert upstream.connections == 1


NOT_HTTP = {
    "garbage": b"\x00\x01\x02 hello\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "bad chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "an endless head": b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 60_000,
    "too many headers": b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 400 + b"\r\n",
    "a switch of protocols": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", NOT_HTTP)
async def test_what_is_not_http(name: str, stream: bool) -> None:
    """An answer that is not HTTP, or too much of it, is 502, and the connection is not used again."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.raw(NOT_HTTP[name], Gate()), Reply.json(CHAT_REPLY))
        answer = await gateway.call(CHAT_PATH, chat(stream=stream))
        failed(gateway, answer, 502, "upstream_protocol")
        assert (await gateway.call(CHAT_PATH, chat())).json() == CHAT_REPLY
        assert upstream.connections == 2


async def test_bytes_that_nobody_asked_for() -> None:
    """What a provider sends after its answer is never taken for the next one."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        more = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
        data = b'{"id": "1"}'
        first = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(data), data)
        upstream.queue(Reply.raw(first + more, Gate()), Reply.json(CHAT_REPLY))
        assert (await gateway.call(CHAT_PATH, chat())).json() == {"id": "1"}
        assert (await gateway.call(CHAT_PATH, chat())).json() == CHAT_REPLY


async def test_a_connection_closed_while_idle() -> None:
    """A kept connection that the provider closed is not used again, and costs no attempt."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(*(Reply.json(CHAT_REPLY).but(keep_alive=False),) * 2, Reply.json(CHAT_REPLY))
        pool = next(iter(gateway.lasting.pools.values()))
        for number in range(3):
            assert (await gateway.call(CHAT_PATH, chat())).status == 200
            assert upstream.requests[-1].connection == number
            await until(lambda: not pool.connections or len(upstream.requests) == 3, "the connection is forgotten")


async def test_a_connection_closed_under_a_call() -> None:
    """A kept connection that breaks under the next call is a network fault like any other: tried again if allowed."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, retries=retries(1))) as gateway:
        upstream.queue(Reply.json(CHAT_REPLY), Reply.raw(RST), Reply.json(CHAT_REPLY))
        assert (await gateway.call(CHAT_PATH, chat())).status == 200
        assert (await gateway.call(CHAT_PATH, chat())).status == 200
        assert [seen.connection for seen in upstream.requests] == [0, 0, 1]
        assert (gateway.rows[1]["outcome"], gateway.rows[1]["attempts"]) == ("ok", 2)


async def test_the_last_event_may_lack_its_blank_line() -> None:
    """A stream whose last line lacks its blank line is complete all the same."""
    data = b"".join(CHAT_STREAM)[:-2]
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.events(data).but(headers=EVENTS))
        answer = await gateway.call(CHAT_PATH, chat(stream=True))
        assert answer.body.rstrip(b"\n").endswith(b"data: [DONE]")
        assert gateway.row["outcome"] == "ok"


async def test_whole_answers_pass_with_messages_too() -> None:
    """A good answer after bad ones is still good: the pool is not poisoned."""
    async with FakeUpstream() as upstream, Gateway(anthropic(upstream.url)) as gateway:
        upstream.queue(Reply.raw(FIN), Reply.raw(b"x"), Reply.raw(RST), Reply.json(MESSAGES_REPLY))
        statuses = [(await gateway.call(MESSAGES_PATH, messages())).status for _ in range(4)]
        assert statuses == [502, 502, 502, 200]
