"""What runs, and how providers are, over the API."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.books import row
from tests.fakes.management import managed
from tests.fakes.observed import MadeUp
from tests.records.rollups.test_overview import write

from asbru.telemetry.status import CircuitStatus, KeyStatus, ProviderStatus, WorkerStatus


def worker(index: int, **changed: object) -> WorkerStatus:
    """A worker that has just started."""
    return WorkerStatus(**{"index": index, "pid": 100 + index, "started_ms": 1000, **changed})


def test_what_runs(tmp_path: Path) -> None:
    """Processes, workers, the snapshot with what is wrong with a later one, and the store."""
    with managed(tmp_path, observed=MadeUp(worker(0, in_flight=2, behind_rows=3), worker(1, behind_rows=4))) as api:
        api.declare()
        shown = api.ask("GET", "system")
    assert shown["version"] == "1.2.3" and shown["settings_source"] == "/etc/asbru/config.yaml"
    assert shown["snapshot"] == {"id": 3, "made_ms": 1000, "problems": ["bad"]}
    assert (shown["processes"][0]["role"], shown["processes"][0]["rss_bytes"]) == ("worker-0", 1 << 20)
    assert [(one["index"], one["in_flight"], one["feed_version"]) for one in shown["workers"]] == [
        (0, 2, None),
        (1, 0, None),
    ]
    (store,) = shown["stores"]
    assert (store["records"], store["oldest_ms"], store["behind_rows"]) == (0, None, 7) and store["bytes"] > 0


def test_what_runs_while_the_bookkeeper_is_away(tmp_path: Path) -> None:
    """The rest is shown all the same; how providers are is not known, which is not the same as well."""
    observed = MadeUp()
    observed.seen = None
    with managed(tmp_path, observed=observed) as api:
        assert api.ask("GET", "system")["workers"] == []
        refused = api.call("GET", "health")
    assert (refused.status, refused.error["code"]) == (503, "unavailable")


def test_workers_see_a_provider_together(tmp_path: Path) -> None:
    """What they carry is added up; of a key and of a circuit the longest wait counts; calls are those of records."""
    first = ProviderStatus(
        "openai",
        "openai_chat",
        in_flight=1,
        queued=2,
        keys=(KeyStatus("a"), KeyStatus("b", "limited", 5000)),
        circuits=(CircuitStatus("gpt (a)", "open", 7000),),
    )
    second = ProviderStatus(
        "openai",
        "openai_chat",
        in_flight=3,
        keys=(KeyStatus("a", "refused", 9000, 1), KeyStatus("b")),
        circuits=(CircuitStatus("gpt (a)", "half_open", 6000), CircuitStatus("o1", "open", 1)),
    )
    with managed(tmp_path, observed=MadeUp(worker(0, providers=(first,)), worker(1, providers=(second,)))) as api:
        sent = [
            row(number, provider="openai", key_name="a", outcome="error", error_code="upstream_error", latency_us=9)
            for number in range(2)
        ]
        write(api.url, *sent)
        (provider,) = api.ask("GET", "health")["providers"]
        api.now_s += 400
        assert api.ask("GET", "health")["providers"][0]["calls_5m"] == 0
    assert (provider["in_flight"], provider["queued"], provider["calls_5m"], provider["failed_5m"]) == (4, 2, 2, 2)
    assert provider["latency_p95_us"] == 9
    a, b = provider["keys"]
    assert (a["state"], a["cooling_until_ms"], a["models_cooling"], a["calls"]) == ("refused", 9000, 1, 2)
    assert a["last_error"]["code"] == "upstream_error"
    assert (b["state"], b["cooling_until_ms"], b["calls"], b["last_error"]) == ("limited", 5000, 0, None)
    assert {one["target"]: one["state"] for one in provider["circuits"]} == {"gpt (a)": "open", "o1": "open"}
