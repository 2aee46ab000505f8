"""A shelf in Redis or Valkey: items under keys, with tags and an end, bounded in bytes.

    PREFIXitem:KEY   hash    what an item is made of, and `tags` as ",a,b,"; Redis drops it at its end
    PREFIXends       zset    KEY by its end, Unix milliseconds
    PREFIXsizes      hash    bytes of KEY
    PREFIXbytes      string  the sum of these

Scripts keep the four together. When the shelf is full, what ends first goes first. Needs no module of the server. All
keys of a shelf must lie on one server: a cluster is not supported, a primary with replicas is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

from asbru.cache.entry import Clearing
from asbru.kv import Redis, Script

SCANNED_AT_ONCE: Final = 500

_FORGET: Final = """
local function forget(key)
  local size = redis.call('HGET', KEYS[2], key)
  if size then
    redis.call('HDEL', KEYS[2], key)
    redis.call('DECRBY', KEYS[3], size)
  end
  redis.call('ZREM', KEYS[1], key)
  return redis.call('DEL', ARGV[1] .. key)
end
"""

_PUT: Final = Script(
    _FORGET
    + """
local key, now, ends, ttl = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local size, most = tonumber(ARGV[6]), tonumber(ARGV[7])
for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)) do forget(old) end
forget(key)
if size > most then return 0 end
redis.call('HSET', ARGV[1] .. key, unpack(ARGV, 8))
redis.call('PEXPIRE', ARGV[1] .. key, ttl)
redis.call('ZADD', KEYS[1], ends, key)
redis.call('HSET', KEYS[2], key, size)
local sum = tonumber(redis.call('INCRBY', KEYS[3], size))
while sum > most do
  local first = redis.call('ZRANGE', KEYS[1], 0, 31)
  local gone = false
  for _, old in ipairs(first) do
    if old ~= key and sum > most then
      forget(old)
      gone = true
      sum = tonumber(redis.call('GET', KEYS[3]))
    end
  end
  if not gone then
    redis.call('SET', KEYS[3], size)
    sum = size
  end
end
return 1
"""
)

_REMOVE: Final = Script(
    _FORGET
    + """
local gone = 0
for at = 3, #ARGV do
  local key = ARGV[at]
  local tags = ARGV[2] ~= '' and redis.call('HGET', ARGV[1] .. key, 'tags')
  if ARGV[2] == '' or (tags and string.find(tags, ARGV[2], 1, true)) then gone = gone + forget(key) end
end
return gone
"""
)


class Item(NamedTuple):
    """What is put: its `key`, `tags`, its end, how many bytes it counts, and what it is made of."""

    key: str
    tags: tuple[str, ...]
    expires_ms: int
    size_bytes: int
    fields: Mapping[str, bytes]


class RedisShelf:
    """See the module. All of it raises `RedisAway` and `RedisRefused`."""

    def __init__(self, redis: Redis, prefix: str, bytes_max: int) -> None:
        self.redis = redis
        self.bytes_max = bytes_max
        self.items = f"{prefix}item:"
        self._ends = f"{prefix}ends"
        self._keys = (self._ends, f"{prefix}sizes", f"{prefix}bytes")

    async def get(self, key: str, field: str) -> bytes | None:
        """What an item has in a field."""
        return cast("bytes | None", await self.redis.run("HGET", f"{self.items}{key}", field))

    async def put(self, item: Item, now_ms: int) -> None:
        """Keep an item, in the place of another of its key."""
        made: list[str | bytes] = ["tags", f",{','.join(item.tags)}," if item.tags else ""]
        for name, value in item.fields.items():
            made += [name, value]
        ttl_ms = item.expires_ms - now_ms
        await self.redis.run_script(
            _PUT,
            self._keys,
            self.items,
            item.key,
            now_ms,
            item.expires_ms,
            ttl_ms,
            item.size_bytes,
            self.bytes_max,
            *made,
        )

    async def remove(self, *keys: str | bytes, tag: str = "") -> int:
        """Forget items, where `tag` is set only those with it; how many."""
        tagged = f",{tag}," if tag else ""
        return cast("int", await self.redis.run_script(_REMOVE, self._keys, self.items, tagged, *keys))

    async def clear(self, clearing: Clearing) -> None:
        """Forget what is cleared."""
        if clearing.key:
            if clearing.key.startswith(clearing.prefix):
                await self.remove(clearing.key, tag=clearing.tag)
            return
        prefix, cursor = clearing.prefix.encode(), 0
        while True:
            found: Any = await self.redis.run("ZSCAN", self._ends, cursor, "COUNT", SCANNED_AT_ONCE)
            cursor = int(found[0])
            members = cast("list[bytes]", found[1][::2])  # each before its score
            keys = [member for member in members if member.startswith(prefix)]
            if keys:
                await self.remove(*keys, tag=clearing.tag)
            if not cursor:
                return
