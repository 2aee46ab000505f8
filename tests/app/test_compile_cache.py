"""The section `cache` together with the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fakes.redis_server import find_valkey, serving

from asbru.app.boot import Options
from asbru.app.compile import Compiled, compile_config
from asbru.app.config import ConfigRefusedError


def compiled(tmp_path: Path, cache: dict[str, Any], *, dry: bool = True) -> Compiled:
    """A configuration with the mock and this section."""
    path = tmp_path / "config.json"
    path.write_bytes(msgspec.json.encode({"providers": {"mock": {}}, "cache": cache}))
    return compile_config(Options(data_dir=tmp_path / "data", config=path), {}, dry=dry)


def test_the_section_is_served_by_as_it_is_written(tmp_path: Path) -> None:
    """Every value reaches the snapshot; by default the cache is off."""
    assert not compiled(tmp_path, {}).snapshot.cache.enabled
    semantic = {"mode": "shadow", "embeddings": "mock/embed", "threshold": 0.9}
    cache = compiled(tmp_path, {"enabled": True, "store": "sql", "operations": ["chat"], "semantic": semantic})
    assert (cache.snapshot.cache.store, cache.snapshot.cache.operations) == ("sql", ("chat",))
    assert cache.snapshot.cache.semantic.threshold == 0.9
    assert not cache.warnings


@pytest.mark.parametrize(
    ("semantic", "said"),
    [
        ({"mode": "serve"}, "embeddings"),
        ({"mode": "serve", "embeddings": "mok/embed"}, "mok"),
        ({"mode": "serve", "embeddings": "mock/embed", "verifier": "other/m"}, "other"),
        ({"mode": "sometimes", "embeddings": "mock/embed"}, "mode"),
        ({"mode": "serve", "embeddings": "mock/embed", "threshold": 2}, "threshold"),
    ],
)
def test_what_could_never_work_is_refused(tmp_path: Path, semantic: dict[str, Any], said: str) -> None:
    """No model that makes vectors, providers that are not there, values without sense: named at the start."""
    with pytest.raises(ConfigRefusedError, match=said):
        compiled(tmp_path, {"enabled": True, "semantic": semantic})


def test_numpy_is_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the start says what to install."""
    monkeypatch.setattr("asbru.app.compile_cache.find_spec", lambda name: None)
    with pytest.raises(ConfigRefusedError, match=r"asbru\[semantic\]"):
        compiled(tmp_path, {"enabled": True, "semantic": {"mode": "serve", "embeddings": "mock/embed"}})


def test_a_semantic_cache_without_a_cache_is_said(tmp_path: Path) -> None:
    """It would do nothing, which is a warning."""
    made = compiled(tmp_path, {"semantic": {"mode": "serve", "embeddings": "mock/embed"}})
    assert any("cache.enabled" in str(warning) for warning in made.warnings)


SEMANTIC = {"mode": "serve", "embeddings": "mock/embed"}


@pytest.mark.parametrize(
    ("cache", "said"),
    [
        ({"store": "redis"}, "url"),
        ({"store": "redis", "redis": {"url": "http://x"}}, "rediss"),
        ({"store": "redis", "redis": {"url": "redis://x", "secret": "short"}}, "16 characters"),
        ({"store": "redis", "redis": {"url": "redis://x", "prefix": "a b"}}, "prefix"),
        ({"semantic": {**SEMANTIC, "vectors": "qdrant"}, "store": "sql"}, "url"),
        ({"semantic": {**SEMANTIC, "vectors": "qdrant", "qdrant": {"url": "x:6333"}}, "store": "sql"}, "qdrant"),
        ({"semantic": {**SEMANTIC, "vectors": "qdrant", "qdrant": {"url": "http://x"}}}, "workers share"),
        ({"semantic": {**SEMANTIC, "vectors": "redis"}, "redis": {"url": "redis://x"}}, "gateways share"),
    ],
)
def test_stores_outside_are_named_and_shared_no_further_than_entries(
    tmp_path: Path, cache: dict[str, Any], said: str
) -> None:
    """Where they are, with which secret, and that vectors do not lead to entries that another process has."""
    with pytest.raises(ConfigRefusedError, match=said):
        compiled(tmp_path, {"enabled": True, **cache})


def test_redis_is_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra the start says what to install."""
    monkeypatch.setattr("asbru.app.compile_cache.find_spec", lambda name: None)
    with pytest.raises(ConfigRefusedError, match=r"asbru\[redis\]"):
        compiled(tmp_path, {"enabled": True, "store": "redis", "redis": {"url": "redis://x"}})


def test_a_server_without_search_is_refused_for_vectors_only(tmp_path: Path) -> None:
    """It is asked at the start: entries need no module, vectors do. A dry run asks nobody."""
    with serving(find_valkey(), tmp_path) as url:
        cache: dict[str, Any] = {"enabled": True, "store": "redis", "redis": {"url": url.reveal()}}
        assert not compiled(tmp_path, cache, dry=False).warnings
        cache["semantic"] = {**SEMANTIC, "vectors": "redis"}
        with pytest.raises(ConfigRefusedError, match="no search module"):
            compiled(tmp_path, cache, dry=False)
        assert compiled(tmp_path, cache).snapshot.cache.store == "redis"


def test_a_server_that_is_away_at_the_start_is_a_warning(tmp_path: Path) -> None:
    """Calls go on without it, so the gateway starts."""
    cache = {"enabled": True, "store": "redis", "redis": {"url": f"unix://{tmp_path}/none.sock"}}
    made = compiled(tmp_path, cache, dry=False)
    assert any("calls continue without it" in str(warning) for warning in made.warnings)
