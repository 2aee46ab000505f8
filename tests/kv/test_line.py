"""One connection to Redis: answers in their order, however they come, and what ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fakes.scripted_redis import ScriptedRedis, begin, talk

from asbru.kv import Redis, RedisAway

Write = Callable[[bytes], None]

ANSWERS = b"+OK\r\n:7\r\n$-1\r\n$4\r\na\r\nb\r\n*2\r\n$1\r\nx\r\n:1\r\n"


def test_answers_are_read_however_they_are_cut(tmp_path: Path) -> None:
    """The answers to five commands on one connection, a byte at a time."""
    server = ScriptedRedis(lambda words, write: write(b"+hello\r\n"))

    async def scene(redis: Redis) -> None:
        assert await begin(redis.run("PING")) == b"hello"
        line = redis._lines[0]
        asked = [line.send(b"*1\r\n$1\r\n%d\r\n" % number) for number in range(5)]
        for at in range(len(ANSWERS)):
            line.data_received(ANSWERS[at : at + 1])
        assert [one.value for one in asked] == [b"OK", 7, None, b"a\r\nb", [b"x", 1]]

    talk(tmp_path, server, scene)


def test_a_server_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    """Whoever waits on the connection is told, nothing is sent again, and the next command has another connection."""
    server = ScriptedRedis(lambda words, write: write(b"+hello\r\n"))

    async def scene(redis: Redis) -> None:
        assert await begin(redis.run("PING")) == b"hello"
        server.say = lambda words, write: None
        asked = begin(redis.run("PING"))
        while len(server.commands) < 2:  # noqa: ASYNC110 -- what is waited for has no event
            await asyncio.sleep(0)
        line = redis._lines[0]
        line._timeout_s = 0.0  # the time has passed
        line._look_at_oldest()
        with pytest.raises(RedisAway, match="no response within"):
            await asked
        await server.lost.acquire()
        assert len(server.commands) == 2
        server.say = lambda words, write: write(b"+hello\r\n")
        assert await begin(redis.run("PING")) == b"hello"
        assert len(server.writers) == 2

    talk(tmp_path, server, scene)


def test_a_server_that_lets_nobody_in_is_given_up(tmp_path: Path) -> None:
    """Connecting counts for the deadline of the command that waits for it."""

    class Silent(ScriptedRedis):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.writers.append(writer)
            while await reader.read(65536):
                pass
            self.lost.release()

    server = Silent(lambda words, write: None)

    async def scene(redis: Redis) -> None:
        with pytest.raises(RedisAway):
            await begin(redis.run("PING"))
        await server.lost.acquire()

    talk(tmp_path, server, scene, timeout_s=0.05)


@pytest.mark.parametrize(
    ("said", "why"), [(b"HTTP/1.1 400 Bad Request\r\n", "Protocol error"), (b"+one\r\n+two\r\n", "unexpected reply")]
)
def test_what_is_no_answer_ends_the_connection(tmp_path: Path, said: bytes, why: str) -> None:
    """Bytes of another protocol, and an answer too many: what follows could be anybody's."""
    server = ScriptedRedis(lambda words, write: write(said))

    async def scene(redis: Redis) -> None:
        first = begin(redis.run("PING"))
        if why == "Protocol error":
            with pytest.raises(RedisAway, match=why):
                await first
        else:
            assert await first == b"one"
        await server.lost.acquire()
        assert not redis._lines

    talk(tmp_path, server, scene)
