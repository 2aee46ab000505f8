"""Snapshots to rooms: what a reload keeps, what it drops, and that calls under way are never left hanging."""

from __future__ import annotations

import gc
import hmac

import msgspec
import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.build import build_forwards, build_rooms
from asbru.app.snapshot import KeyFacts, Limits, PrefixForward, ProviderFacts, Snapshot
from asbru.core.secret_text import SecretText
from asbru.records.retention import RecordSettings
from asbru.upstream.origin import TlsTrust

OK = answer(
    200,
    b'{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"ok"},"finish_reason":"stop"}]}',
)


def snapshot(*providers: ProviderFacts, **changed: object) -> Snapshot:
    """A snapshot."""
    return Snapshot(
        providers=providers,
        **changed,  # type: ignore[arg-type]  # members of a snapshot
    )


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Inside:
    """One provider."""
    return Inside(snapshot(provider("a")), monkeypatch)


def test_a_reload_keeps_warm_connections(inside: Inside) -> None:
    """Prices, keys or models changed, the origin did not: the next call uses the connection that is open."""
    inside.script("a", OK, OK)
    inside.chat("a/m")
    inside.load(
        snapshot(
            provider("a", known_models=("n",), keys=(KeyFacts(name="2", value=SecretText("s2")),)), provider("b")
        )
    )
    assert inside.chat("a/m").status == 200
    assert len(inside.upstreams) == 1
    assert b"Bearer s2" in inside.requests[1][1]


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "http://a.test:81/v1"},
        {"tls": TlsTrust(verify=False)},
        {"allow_private": True},
        {"connections_max": 5},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_origin_gets_new_connections(inside: Inside, change: dict[str, object]) -> None:
    """What was dialled under one trust or policy is not used under another; idle connections are closed."""
    inside.script("a", OK, OK)
    inside.chat("a/m")
    inside.load(snapshot(provider("a", **change)))
    inside.play()
    assert inside.upstreams[0][1].lost
    assert inside.chat("a/m").status == 200 and len(inside.upstreams) == 2


def test_a_call_under_way_ends_with_the_rooms_it_began_with(inside: Inside) -> None:
    """Its provider is gone from the configuration, its answer still comes; the connection is closed after."""
    caller = inside.chat("a/m")
    inside.load(snapshot(provider("b")))
    inside.script("a", OK)
    inside.play()
    assert caller.status == 200 and inside.upstreams[0][1].lost
    assert inside.chat("a/m").status == 404


def test_a_retry_after_a_reload_still_has_its_provider(inside: Inside) -> None:
    """The provider was removed while the call paused between attempts: the next attempt is made all the same."""
    inside.script("a", answer(500, b"{}"))
    caller = inside.chat("a/m")
    inside.load(snapshot(provider("b")))
    inside.script("a", OK)
    inside.play()
    assert caller.status == 200


def test_deadlines_hold_on_pools_that_no_snapshot_needs(inside: Inside) -> None:
    """A call on a removed provider that never answers still runs out of time."""
    caller = inside.chat("a/m")
    inside.load(snapshot(provider("b")))
    inside.script("a", answer(500, b"{}"))
    inside.play()
    inside.load(snapshot(provider("b")))
    gc.collect()
    inside.lasting.sweep(1e9)
    inside.play()
    assert caller.status == 504


def test_a_removed_origin_may_come_back(inside: Inside) -> None:
    """Closed with one reload and wanted by the next: it gets a pool that keeps connections again."""
    caller = inside.chat("a/m")
    inside.load(snapshot(provider("b")))
    inside.load(snapshot(provider("a")))
    inside.script("a", OK, OK, OK)
    inside.play()
    assert caller.status == 200
    assert [inside.chat("a/m").status for _ in range(2)] == [200, 200]
    assert len(inside.upstreams) == 2


def test_keys_go_on_resting(inside: Inside) -> None:
    """A key that was limited or refused before a reload rests after it; another value is another key."""
    inside.script("a", answer(429, b"{}", b"retry-after: 30"))
    assert inside.chat("a/m").status == 429
    inside.load(snapshot(provider("a")))
    assert inside.chat("a/m").status == 429 and len(inside.requests) == 1
    inside.load(snapshot(provider("a", keys=(KeyFacts(name="a-1", value=SecretText("new")),))))
    inside.script("a", OK)
    assert inside.chat("a/m").status == 200


def test_credentials_that_are_gone_are_forgotten(inside: Inside) -> None:
    """What outlives snapshots does not grow with every rotated key, nor keep secrets that were taken away."""
    for number in range(50):
        inside.load(snapshot(provider("a", keys=(KeyFacts(name="a-1", value=SecretText(f"secret-{number}")),))))
    assert len(inside.lasting.keys) <= 2


def test_a_snapshot_that_makes_no_sense_changes_nothing(inside: Inside) -> None:
    """Refused whole: the rooms, pools and limits are as they were."""
    before = inside.door.rooms
    with pytest.raises(ValueError, match="base_url"):
        inside.load(
            snapshot(provider("b"), provider("c", base_url="ftp://c"), limits=Limits(requests_in_flight_max=1))
        )
    assert inside.door.rooms is before
    assert inside.lasting.load.in_flight_max == Limits().requests_in_flight_max
    inside.script("a", OK)
    assert inside.chat("a/m").status == 200


@pytest.mark.parametrize("value", ["a\r\nx: y", "a\nb", "a\x00b", "schlüssel€"])
def test_a_key_that_would_break_the_head_is_refused(inside: Inside, value: str) -> None:
    """Line breaks, control characters and what is not Latin-1 cannot stand in a header."""
    with pytest.raises(ValueError, match=r"a-1|latin"):
        inside.load(snapshot(provider("a", keys=(KeyFacts(name="a-1", value=SecretText(value)),))))


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        ({}, [b"POST /v1/chat/completions HTTP/1.1", b"host: a.test", b"authorization: Bearer secret-a-1"]),
        ({"auth": "x-api-key"}, [b"x-api-key: secret-a-1"]),
        ({"base_url": "http://a.test:8080"}, [b"POST /chat/completions HTTP/1.1", b"host: a.test:8080"]),
        ({"base_url": "http://u:p@a.test/x/"}, [b"POST /x/chat/completions HTTP/1.1", b"host: a.test"]),
        (
            {"proxy": SecretText("http://me:pw@proxy:3128")},
            [b"POST http://a.test/v1/chat/completions HTTP/1.1", b"proxy-authorization: Basic bWU6cHc="],
        ),
        ({"headers": {"X-Extra": SecretText("1")}}, [b"x-extra: 1"]),
    ],
    ids=["plain", "x-api-key", "port", "userinfo", "proxy", "headers"],
)
def test_heads_are_made_from_facts(inside: Inside, change: dict[str, object], lines: list[bytes]) -> None:
    """Where a request goes, how it is authenticated and what it always carries."""
    inside.load(snapshot(provider("a", **change)))
    inside.script("a", OK)
    inside.chat("a/m")
    head = inside.requests[0][1].partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert set(lines) <= set(head)
    assert not [line for line in head if b"sk-asb" in line]


def test_what_is_signed_through_a_proxy_is_the_path(inside: Inside) -> None:
    """The proxy is told the whole URL; the provider checks the signature of what the proxy hands on."""
    auth = "tests.journeys.test_credentials:make_signed"
    inside.load(snapshot(provider("a", proxy=SecretText("http://proxy:3128"), auth=auth)))
    inside.script("a", OK)
    assert inside.chat("a/m").status == 200
    head, _, body = inside.requests[0][1].partition(b"\r\n\r\n")
    assert head.startswith(b"POST http://a.test/v1/chat/completions HTTP/1.1\r\n")
    lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    words = ("POST", "a.test", "/v1/chat/completions", lines["x-date"], "")
    mac = hmac.new(b"secret-a-1", "\n".join(words).encode() + body, "sha256").hexdigest()
    assert lines["authorization"] == f"HMAC {mac}"


def test_a_provider_without_a_credential_sends_none(inside: Inside) -> None:
    """One key with no value: nothing is sent in its place."""
    inside.load(snapshot(provider("a", keys=(KeyFacts(name="", value=SecretText("")),))))
    inside.script("a", OK)
    assert inside.chat("a/m").status == 200
    assert b"authorization" not in inside.requests[0][1].lower()


def test_forwards_share_pools_with_no_provider(inside: Inside) -> None:
    """Prefixes become pools on Unix sockets, kept over a reload like the others."""
    facts = snapshot(provider("a"), forwards=(PrefixForward(prefix="/api/", unix_socket="/run/c"),))
    inside.load(facts)
    first = build_forwards(facts, inside.lasting)
    inside.load(msgspec.structs.replace(facts, cors_origins=("*",)))
    assert list(first) == [b"/api"] and build_forwards(facts, inside.lasting) == first


@pytest.mark.parametrize(("bodies", "copied"), [("off", False), ("allowed", True), ("all", True)])
def test_bodies_are_copied_unless_switched_off(inside: Inside, bodies: str, copied: bool) -> None:
    """Off means that nothing on the path can copy a body, whatever a key says."""
    inside.lasting.bodies = KeepsNothing()
    settings = msgspec.convert({"bodies": bodies}, RecordSettings)
    assert (build_rooms(snapshot(records=settings), inside.lasting).bodies is not None) is copied


class KeepsNothing:
    """Where bodies go."""

    def add(self, *bodies: object) -> None:
        """Take them."""
