"""The client of Redis: which connection a command takes, what is sent again, and how it closes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fakes.redis_server import Loop, find_valkey, serving
from tests.fakes.scripted_redis import ScriptedRedis, begin, talk

from asbru.core.secret_text import SecretText
from asbru.kv import Redis, RedisAway, RedisRefused, Script
from asbru.kv.redis import CONNECTIONS_MAX

Write = Callable[[bytes], None]


def echo(words: list[bytes], write: Write) -> None:
    """The last word."""
    write(b"$%d\r\n%b\r\n" % (len(words[-1]), words[-1]))


def test_a_real_server_says_what_it_has_and_what_it_refuses(tmp_path: Path) -> None:
    """Words of all types go out, answers of all types come in, and scripts are known after the first time."""
    with serving(find_valkey(), tmp_path) as url:
        loop = Loop()
        redis = Redis(loop.loop, url, 5.0)
        assert loop.run(redis.run("SET", "a", b"\xff\r\n")) == b"OK"
        assert loop.run(redis.run("GET", "a")) == b"\xff\r\n"
        assert loop.run(redis.run("GET", "b")) is None
        assert loop.run(redis.run("INCRBY", "n", 5)) == 5
        assert loop.run(redis.run("MGET", "n", "b")) == [b"5", None]
        with pytest.raises(RedisRefused, match=r"^WRONGTYPE "):
            loop.run(redis.run("HGET", "a", "x"))
        script = Script("return {KEYS[1], ARGV[1]}")
        assert [loop.run(redis.run_script(script, ("k",), 7)) for _ in range(2)] == [[b"k", b"7"]] * 2
        with pytest.raises(RedisRefused, match="compiling"):
            loop.run(redis.run_script(Script("return {"), ()))
        assert b"cmdstat_evalsha:calls=3," in loop.run(redis.run("INFO", "commandstats"))
        assert b"cmdstat_eval:calls=2," in loop.run(redis.run("INFO", "commandstats"))
        redis.close()
        loop.close()


def test_a_server_that_cannot_be_used_is_away(tmp_path: Path) -> None:
    """It is not there, or knows another password; what is no URL of a server is refused at once."""
    loop = Loop()
    with pytest.raises(RedisAway):
        loop.run(Redis(loop.loop, SecretText(f"unix://{tmp_path}/none"), 5.0).run("GET", "a"))
    with serving(find_valkey(), tmp_path) as url:
        owner = Redis(loop.loop, url, 5.0)
        loop.run(owner.run("CONFIG", "SET", "requirepass", "right"))
        owner.close()
        with pytest.raises((RedisAway, RedisRefused), match=r"(?i)auth"):
            loop.run(Redis(loop.loop, url, 5.0).run("GET", "a"))
        wrong = SecretText(f"{url.reveal()}?password=wrong")
        with pytest.raises(RedisAway, match=r"(?i)password"):
            loop.run(Redis(loop.loop, wrong, 5.0).run("GET", "a"))
        redis = Redis(loop.loop, SecretText(f"{url.reveal()}?password=right&protocol=3"), 5.0)
        assert loop.run(redis.run("HGETALL", "a")) == []
        redis.close()
    with pytest.raises(ValueError, match="scheme"):
        Redis(loop.loop, SecretText("http://x"), 5.0)
    loop.close()


def test_a_command_takes_a_connection_where_nothing_waits(tmp_path: Path) -> None:
    """One after the other need one; more at once have some more, and share those."""
    held: list[tuple[list[bytes], Write]] = []
    server = ScriptedRedis(echo)

    async def scene(redis: Redis) -> None:
        for _ in range(3):
            assert await begin(redis.run("ECHO", "x")) == b"x"
        assert len(server.writers) == 1
        server.say = lambda words, write: held.append((words, write))
        asked = [begin(redis.run("ECHO", str(number))) for number in range(3 * CONNECTIONS_MAX)]
        while len(held) < len(asked):  # noqa: ASYNC110 -- what is waited for has no event
            await asyncio.sleep(0)
        assert len(server.writers) == CONNECTIONS_MAX
        for words, write in held:
            echo(words, write)
        assert await asyncio.gather(*asked) == [b"%d" % number for number in range(len(asked))]

    talk(tmp_path, server, scene)


def test_what_meets_a_connection_that_has_ended_is_sent_again(tmp_path: Path) -> None:
    """Once, and only where the connection had served: an idle one may have been closed on the way."""
    server = ScriptedRedis(echo)
    closings = 0

    def close(words: list[bytes], write: Write) -> None:
        nonlocal closings
        if not closings:
            echo(words, write)
        else:
            closings -= 1
            server.writers[-1].transport.abort()

    async def scene(redis: Redis) -> None:
        nonlocal closings
        assert await begin(redis.run("ECHO", "first")) == b"first"
        server.say, closings = close, 1
        assert await begin(redis.run("ECHO", "again")) == b"again"
        closings = 2
        with pytest.raises(RedisAway, match="closed"):
            await begin(redis.run("ECHO", "never"))
        assert await begin(redis.run("ECHO", "later")) == b"later"

    talk(tmp_path, server, scene)


def test_it_closes_once_the_last_answer_is_there(tmp_path: Path) -> None:
    """Calls in flight get their answers, and so does one that comes after; then no connection is left open."""
    held: list[tuple[list[bytes], Write]] = []
    server = ScriptedRedis(lambda words, write: held.append((words, write)))

    async def scene(redis: Redis) -> None:
        asked = begin(redis.run("ECHO", "in flight"))
        while not held:  # noqa: ASYNC110 -- what is waited for has no event
            await asyncio.sleep(0)
        redis.close()
        echo(*held.pop())
        assert await asked == b"in flight"
        await server.lost.acquire()
        server.say = echo
        assert await begin(redis.run("ECHO", "after")) == b"after"
        await server.lost.acquire()

    talk(tmp_path, server, scene)
