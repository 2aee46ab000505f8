"""The cache over the management API: what it holds, what it saved, and clearing it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from fastapi import FastAPI
from tests.cache.stores import entry
from tests.fakes.asgi import ask
from tests.fakes.management import Managed, managed

from asbru.admin import Management
from asbru.admin.observed import Unobserved
from asbru.cache import Clearing
from asbru.cache.entry import write_entry
from asbru.core.secret_text import SecretText
from asbru.telemetry.status import WorkerStatus


class Two(Unobserved):
    """Two workers with entries."""

    async def workers(self) -> Sequence[WorkerStatus] | None:
        return [WorkerStatus(index, 1, 1, cache_entries=2, cache_bytes=300) for index in range(2)]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Managed]:
    with managed(tmp_path, observed=Two()) as one:
        yield one


def record(api: Managed, number: int, cache: str, *, saved: int | None = None) -> None:
    """One record that the cache had a part in, or none."""
    given = {"id": f"req_{number}", "started_ms": 1000 + number, "cache": cache, "cache_saved_nanousd": saved}
    api.keep_record(**given, cache_saved_us=40 if cache in ("hit", "semantic") else None)


def test_the_report_sums_what_the_cache_did(api: Managed) -> None:
    """Hits, misses and savings of a span; entries of all workers, and of the database."""
    for number, (cache, saved) in enumerate(
        [("hit", 500), ("semantic", None), ("shadow_agreed", None), ("off", None), ("", None)]
    ):
        record(api, number, cache, saved=saved)
    kept = entry()
    api.database.run(
        "INSERT INTO cache_entries VALUES (?, ?, ?, ?, ?, ?)", (kept.key, "", 77, 1, 2, write_entry(kept))
    )
    report = api.ask("GET", "cache", query="since_ms=1&until_ms=2000")
    assert report["memory"] == {"entries": 4, "bytes": 600}
    assert report["database"] == {"entries": 1, "bytes": 77}
    use = report["use"]
    assert (use["hits"], use["misses"], use["off"], use["refreshes"]) == (2, 1, 1, 0)
    assert (use["semantic"], use["shadow_agreed"], use["shadow_differed"]) == (1, 1, 0)
    assert (use["hit_rate"], use["saved_nanousd"], use["saved_us"]) == (0.6667, 500, 80)
    assert api.ask("GET", "cache", query="since_ms=1&until_ms=1001")["use"]["hits"] == 1
    assert api.ask("GET", "cache")["use"] == {
        **dict.fromkeys(("hits", "misses", "refreshes", "off", "semantic", "saved_nanousd", "saved_us"), 0),
        "shadow_agreed": 0,
        "shadow_differed": 0,
        "hit_rate": None,
    }
    assert api.call("GET", "cache", query="since_ms=5&until_ms=5").status == 422


def test_the_report_has_a_line_over_time(api: Managed) -> None:
    """At most sixty parts of the span, also those in which nothing happened; their sums are those of the whole."""
    for number, (cache, saved) in enumerate([("hit", 500), ("miss", None), ("hit", 700), ("shadow_differed", None)]):
        record(api, 100 * number, cache, saved=saved)
    report = api.ask("GET", "cache", query="since_ms=1000&until_ms=1600")
    steps = report["steps"]
    assert [one["started_ms"] for one in steps] == list(range(1000, 1600, 10))
    busy = [tuple(one.values()) for one in steps if one["hits"] or one["misses"]]
    assert busy == [(1000, 1, 0, 500), (1100, 0, 1, 0), (1200, 1, 0, 700), (1300, 0, 1, 0)]
    assert sum(one["hits"] for one in steps) == report["use"]["hits"] == 2
    assert len(api.ask("GET", "cache", query="since_ms=1&until_ms=8")["steps"]) == 7


def clearing(api: Managed, cleared: list[Clearing], *, done: bool = True) -> FastAPI:
    """An application whose cache can be cleared."""

    async def clear(one: Clearing) -> bool:
        cleared.append(one)
        return done

    management = Management(api.act, SecretText("t"), database_url=api.url, clear_cache=clear)
    application = management.application((), "1")
    application.state.unix_time = lambda: api.now_s
    return application


@pytest.mark.parametrize(
    ("query", "expected", "noted"),
    [
        ("key=key:a/chat/p/m/1", Clearing(key="key:a/chat/p/m/1"), "key key:a/chat/p/m/1"),
        ("tag=v2", Clearing(tag="v2"), "tag v2"),
        ("prefix=key:a/&tag=v2", Clearing(tag="v2", prefix="key:a/"), "tag v2, prefix key:a/"),
        ("all=true", Clearing(), "all"),
    ],
)
def test_what_is_meant_is_cleared_and_noted(api: Managed, query: str, expected: Clearing, noted: str) -> None:
    """By key, tag, prefix or all; the change names what and who."""
    cleared: list[Clearing] = []
    application = clearing(api, cleared)
    bearer = f"Bearer {api.token('editor')}"
    assert ask(application, "/api/v1/cache", None, method="DELETE", query=query, authorization=bearer).status == 204
    assert cleared == [expected]
    (change,) = api.ask("GET", "changes", query="kind=cache")["items"]
    assert (change["action"], change["id"], change["actor"]) == ("cleared", noted, "token/editor")


@pytest.mark.parametrize("query", ["", "all=false", "all=true&tag=x", "tag="])
def test_nothing_is_cleared_by_mistake(api: Managed, query: str) -> None:
    """A clearing that names nothing, or both something and all, is refused."""
    cleared: list[Clearing] = []
    application = clearing(api, cleared)
    bearer = f"Bearer {api.token('admin')}"
    assert ask(application, "/api/v1/cache", None, method="DELETE", query=query, authorization=bearer).status == 422
    assert cleared == []


def test_a_viewer_may_look_and_not_clear(api: Managed) -> None:
    """Reading needs `cache:read`, clearing `cache:write`; what was not done is 503 and is not noted."""
    assert api.call("GET", "cache", role="viewer").status == 200
    assert api.call("DELETE", "cache", role="viewer", query="all=true").status == 403
    assert api.call("GET", "cache", role=None).status == 401
    application = clearing(api, [], done=False)
    bearer = f"Bearer {api.token('admin')}"
    answer = ask(application, "/api/v1/cache", None, method="DELETE", query="all=true", authorization=bearer)
    assert answer.status == 503
    assert api.ask("GET", "changes", query="kind=cache")["items"] == []
