"""Vectors in Redis, as far as no search module is needed; `clients/test_vector_search.py` has real search."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.fakes.scripted_redis import ScriptedRedis, begin, talk

from asbru.cache import Clearing
from asbru.cache.redis import RedisShelf
from asbru.cache.remote import Remote, Seal
from asbru.cache.semantic.redis import RedisVectors
from asbru.kv import Redis
from asbru.pipeline.caching import Paths


@pytest.mark.parametrize(
    ("clearing", "said", "deletes"),
    [
        (Clearing(), b"+OK", True),
        (Clearing(), b"-Unknown index name", True),
        (Clearing(), b"-t:index: no such index", True),
        (Clearing(), b"-Index with name 't:index' not found", True),
        (Clearing(), b"-ERR unknown command 'FT.DROPINDEX'", False),
        (Clearing(), b"-NOPERM this user has no permissions to run the 'ft.dropindex' command", False),
        (Clearing(prefix="key:a/"), b"+OK", False),
    ],
)
def test_the_note_of_the_model_goes_with_the_index(
    tmp_path: Path, clearing: Clearing, said: bytes, deletes: bool
) -> None:
    """With a clearing of everything, unless the index stays; the clearing is done in any case."""

    def say(words: list[bytes], write: Callable[[bytes], None]) -> None:
        answers = {b"ZSCAN": b"*2\r\n$1\r\n0\r\n*0\r\n", b"FT.DROPINDEX": said + b"\r\n"}
        write(answers.get(words[0], b":1\r\n"))

    server = ScriptedRedis(say)

    async def scene(redis: Redis) -> None:
        remote = Remote("redis", Paths(asyncio.get_running_loop()), 5.0)
        vectors = RedisVectors(RedisShelf(redis, "t:", 1024), remote, Seal(b"s" * 16), prefix="t:", model="m")
        await begin(vectors._clear(clearing))
        assert ([b"DEL", b"t:about"] in server.commands) is deletes

    talk(tmp_path, server, scene)
