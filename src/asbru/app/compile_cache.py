"""The section `cache`, checked for what it means together with the others: models that it names, the extra it needs.

Types and bounds are checked where the section is declared (`asbru.cache`).
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from asbru.app.config import ConfigFile, nearest

SECRET_CHARS_MIN = 16
PROBE_S = 2.0

if TYPE_CHECKING:
    from asbru.app.compile_providers import Findings
    from asbru.cache import CacheSettings


def check_cache(config: ConfigFile, findings: Findings) -> None:
    """Problems go to `findings`."""
    _check_stores(config.cache, findings)
    semantic = config.cache.semantic
    if semantic.mode == "off":
        return
    if find_spec("numpy") is None:
        findings.error(
            ("cache", "semantic", "mode"),
            "needs the extra `semantic`: `make setup` in a checkout, else `pip install 'asbru[semantic]'`",
        )
    if not config.cache.enabled:
        findings.warn(("cache", "semantic", "mode"), "has no effect, since cache.enabled is false")
    if not semantic.embeddings:
        findings.error(
            ("cache", "semantic"), "expected `embeddings`, the model that makes vectors", absent="embeddings"
        )
    for name in ("embeddings", "verifier"):
        model = getattr(semantic, name)
        provider = model.partition("/")[0]
        if model and model not in config.models and provider not in config.providers:
            findings.error(
                ("cache", "semantic", name),
                f"there is no provider {provider!r}; {nearest(provider, config.providers)}",
            )


def _check_stores(cache: CacheSettings, findings: Findings) -> None:
    """Stores outside of the gateway: that they are named, and that vectors are shared no further than entries."""
    semantic, redis = cache.semantic, cache.redis
    vectors = semantic.vectors if semantic.mode != "off" else "memory"
    if cache.store == "redis" or vectors == "redis":
        if find_spec("redis") is None or find_spec("hiredis") is None:
            findings.error(("cache", "store"), "needs redis-py and hiredis: `pip install 'asbru[redis]'`")
        if not redis.url.reveal():
            findings.error(("cache", "redis"), "expected `url`, where Redis or Valkey is", absent="url")
        elif not redis.url.reveal().startswith(("redis://", "rediss://", "unix://")):
            findings.error(("cache", "redis", "url"), "expected redis://, rediss:// or unix://")
    if redis.secret.reveal() and len(redis.secret.reveal()) < SECRET_CHARS_MIN:
        findings.error(("cache", "redis", "secret"), f"expected at least {SECRET_CHARS_MIN} characters")
    if vectors == "qdrant" and not semantic.qdrant.url:
        findings.error(("cache", "semantic", "qdrant"), "expected `url`, where Qdrant is", absent="url")
    if vectors == "redis" and cache.store != "redis":
        findings.error(("cache", "semantic", "vectors"), "gateways share these: set `cache.store: redis` too")
    if vectors == "qdrant" and cache.store == "memory":
        findings.error(
            ("cache", "semantic", "vectors"), "workers share these: set `cache.store` to `sql` or `redis` too"
        )


def probe_redis(cache: CacheSettings, findings: Findings) -> None:
    """Ask Redis, before anything serves, whether it can search vectors: without, no question would ever be found.
    One that cannot be reached now is only a warning: calls go on without it."""
    semantic, redis = cache.semantic, cache.redis
    if not cache.enabled or (cache.store != "redis" and (semantic.mode == "off" or semantic.vectors != "redis")):
        return
    from redis import Redis, exceptions

    client: Any = None
    try:
        url, deadlines = redis.url.reveal(), {"socket_timeout": PROBE_S, "socket_connect_timeout": PROBE_S}
        client = cast("Any", Redis).from_url(url, protocol=2, **deadlines)
        client.execute_command("PING")
        if semantic.mode == "off" or semantic.vectors != "redis":
            return
        try:
            client.execute_command("FT._LIST")
        except exceptions.ResponseError as error:
            findings.error(
                ("cache", "semantic", "vectors"),
                f"the server has no search module ({error}); use Redis 8, Redis Stack or Valkey with valkey-search, or "
                "keep vectors in `memory` or `qdrant`",
            )
            return
        about = client.get(f"{redis.prefix}vectors:about")
        model = b"" if about is None else about.partition(b" ")[2]
        if model and model != semantic.embeddings.encode():
            findings.error(
                ("cache", "semantic", "embeddings"),
                f"the server has vectors of {model.decode(errors='replace')!r} under this prefix, which cannot be "
                "compared; set another `cache.redis.prefix`, or clear the cache with `cache.enabled: false`",
            )
    except (exceptions.AuthenticationError, ValueError) as error:
        findings.error(("cache", "redis", "url"), f"the server refuses it: {error}")
    except (exceptions.RedisError, OSError) as error:
        findings.warn(("cache", "redis", "url"), f"cannot be used now; calls continue without it: {error}")
    finally:
        if client is not None:
            client.close()
