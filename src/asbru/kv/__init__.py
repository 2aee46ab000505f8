"""Redis and Valkey: a client with connections that are opened when needed, and two errors for what can go wrong.

It refuses to know what is kept there, how long an answer may take, and when to try again after a failure.
"""

from asbru.kv.line import RedisAway, RedisRefused
from asbru.kv.redis import Redis, Script

__all__ = ["Redis", "RedisAway", "RedisRefused", "Script"]
