"""The section `cache` of the configuration, as the snapshot carries it. Off by default.

What a call may change of it is `policy`.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from asbru.core.secret_text import SecretText
from asbru.core.traits import fits_glob

Scope: TypeAlias = Literal["key", "team", "customer", "global"]
Operation: TypeAlias = Literal["chat", "embeddings", "moderations", "rerank"]

OPERATIONS: tuple[Operation, ...] = ("chat", "embeddings", "moderations", "rerank")
TTL_S_MAX = 30 * 86_400


class RedisSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Redis or Valkey, which gateways share. Needs the extra `redis`."""

    url: Annotated[
        SecretText,
        Meta(
            description="`redis://[user:password@]host:port/db`, `rediss://` for TLS, or `unix://path`; usually "
            "`env.NAME`. Needed where entries or vectors are kept there."
        ),
    ] = SecretText("")
    prefix: Annotated[
        str,
        Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9:._-]+$", description="What all keys begin with."),
    ] = "asbru:cache:"
    secret: Annotated[
        SecretText,
        Meta(
            description="Entries are sealed with it, so that nobody else can place replies; the same for all gateways "
            "that share the server, at least 16 characters. Default: one of the data directory."
        ),
    ] = SecretText("")
    bytes_max: Annotated[int, Meta(ge=1024, le=1 << 44, description="Size of all entries, bytes.")] = (
        1024 * 1024 * 1024
    )
    timeout_s: Annotated[
        float, Meta(gt=0, le=10, description="How long an answer is waited for, seconds; then it is a miss.")
    ] = 0.25


class QdrantSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Qdrant, for vectors."""

    url: Annotated[
        str, Meta(max_length=1024, pattern=r"^(https?://[^\s/?#]+)?$", description="`http://host:6333`.")
    ] = ""
    api_key: Annotated[SecretText, Meta(description="Sent as `api-key`; usually `env.NAME`.")] = SecretText("")
    collection: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=128,
            pattern=r"^[A-Za-z0-9_-]+$",
            description="Made by the first call if it is not there.",
        ),
    ] = "asbru_cache"
    timeout_s: Annotated[
        float, Meta(gt=0, le=10, description="How long an answer is waited for, seconds; then it is a miss.")
    ] = 0.5


class SemanticSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Chats that ask the same in other words. Needs the extra `semantic` (numpy)."""

    mode: Annotated[
        Literal["off", "shadow", "serve"],
        Meta(
            description="`shadow`: nothing is served; records say what would have been, and whether it would have "
            "agreed; `serve`: it is served."
        ),
    ] = "off"
    keys: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=256)], ...],
        Meta(
            min_length=1,
            max_length=256,
            description="Virtual keys whose calls are compared: names, globs. Those of others are only served what is "
            "identical.",
        ),
    ] = ("*",)
    embeddings: Annotated[
        str, Meta(max_length=256, description="The model that makes vectors, `provider/model`; needed unless `off`.")
    ] = ""
    threshold: Annotated[
        float, Meta(ge=0, le=1, description="Cosine similarity from which on a question is looked at.")
    ] = 0.8
    gate: Annotated[
        Literal["strict", "loose", "off"],
        Meta(
            description="Which questions are taken for the same by their words. `strict`: only those with the same "
            "words that count, in the same order; `loose`: also others, unless numbers, negations, names or order "
            "differ; `off`: the threshold alone decides."
        ),
    ] = "strict"
    verifier: Annotated[
        str,
        Meta(
            max_length=256,
            description="A model, `provider/model`, that is asked about questions of which the gate is unsure.",
        ),
    ] = ""
    messages_max: Annotated[
        int, Meta(ge=1, le=100, description="Conversations of more messages are not compared.")
    ] = 3
    vectors: Annotated[
        Literal["memory", "redis", "qdrant"],
        Meta(
            description="`memory`: each worker has its own vectors; `redis`: in `cache.redis`, which needs a search "
            "module; `qdrant`: in `cache.semantic.qdrant`."
        ),
    ] = "memory"
    qdrant: Annotated[QdrantSettings, Meta(description="Where vectors are kept with `vectors: qdrant`.")] = (
        QdrantSettings()
    )
    bytes_max: Annotated[
        int,
        Meta(
            ge=1024,
            le=1 << 36,
            description="Size of all vectors, bytes: in the memory of each worker, or in the store that is shared.",
        ),
    ] = 32 * 1024 * 1024
    timeout_s: Annotated[
        float,
        Meta(
            gt=0, le=60, description="How long a vector, or the verifier, is waited for, seconds; then it is a miss."
        ),
    ] = 2.0

    def compares(self, key: str) -> bool:
        """Whether calls of the virtual key called so are compared."""
        return any(fits_glob(one, key) for one in self.keys)


class CacheSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which replies are kept, where, for how long and for whom."""

    enabled: Annotated[bool, Meta(description="true: complete replies are kept and served again.")] = False
    ttl_s: Annotated[int, Meta(ge=1, le=TTL_S_MAX, description="How long an entry is served, seconds.")] = 3600
    scope: Annotated[
        Scope,
        Meta(
            description="Who shares entries: the callers of one virtual key (`key`), of its `team`, of its "
            "`customer`, or all (`global`). A header may narrow this, never widen it."
        ),
    ] = "key"
    operations: Annotated[
        tuple[Operation, ...], Meta(min_length=1, description="Operations whose replies are kept.")
    ] = OPERATIONS
    exclude_models: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=256)], ...],
        Meta(
            max_length=256,
            description="Models whose replies are not kept: `provider/model`, `provider/*`, names, globs.",
        ),
    ] = ()
    bytes_max: Annotated[
        int, Meta(ge=1024, le=1 << 40, description="Size of all entries in the memory of each worker, bytes.")
    ] = 64 * 1024 * 1024
    entry_bytes_max: Annotated[
        int, Meta(ge=1024, le=16 * 1024 * 1024, description="Size of one entry; a larger reply is not kept, bytes.")
    ] = 1024 * 1024
    store: Annotated[
        Literal["memory", "sql", "redis"],
        Meta(
            description="`memory`: each worker has its own entries; `sql`: also in the database, which workers share "
            "and which survives a restart; `redis`: in Redis or Valkey, which gateways share."
        ),
    ] = "memory"
    sql_bytes_max: Annotated[
        int, Meta(ge=1024, le=1 << 44, description="Size of all entries in the database, bytes.")
    ] = 1024 * 1024 * 1024
    redis: Annotated[RedisSettings, Meta(description="Redis or Valkey.")] = RedisSettings()
    wait_s: Annotated[
        float,
        Meta(
            ge=0,
            le=3600,
            description="How long a call waits for an identical call that is already under way, seconds; then it is "
            "sent on its own. 0: calls do not wait for each other.",
        ),
    ] = 60.0

    semantic: Annotated[SemanticSettings, Meta(description="Questions in other words.")] = SemanticSettings()

    def excludes(self, provider: str, model: str) -> bool:
        """Whether the model's replies are not kept."""
        return any(fits_glob(one, f"{provider}/{model}" if "/" in one else model) for one in self.exclude_models)
