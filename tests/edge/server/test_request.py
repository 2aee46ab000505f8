"""Headers of a request: which are acted upon, carried or left behind, and the table that remembers spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.edge.server import HeaderAction
from asbru.edge.server.request import Head, HeaderPlans

PLANS = HeaderPlans((b"openai-", b"anthropic-"))


def read(*pairs: tuple[bytes, bytes]) -> Head:
    """A head with these headers."""
    head = Head()
    head.read_headers(PLANS[tuple(name for name, _ in pairs)], [value for _, value in pairs])
    return head


@pytest.mark.parametrize(
    ("name", "action"),
    [
        (b"Authorization", HeaderAction.AUTHORIZATION),
        (b"X-API-Key", HeaderAction.KEY),
        (b"api-key", HeaderAction.KEY),
        (b"x-goog-api-key", HeaderAction.KEY),
        (b"x-asbru-key", HeaderAction.GATEWAY_KEY),
        (b"X-Bf-Vk", HeaderAction.GATEWAY_KEY),
        (b"user-agent", HeaderAction.FORWARD),
        (b"OpenAI-Beta", HeaderAction.FORWARD_TO_DIALECT),
        (b"anthropic-version", HeaderAction.FORWARD_TO_DIALECT),
        (b"anthropic-beta", HeaderAction.FORWARD_TO_DIALECT),
        (b"cookie", HeaderAction.IGNORE),
        (b"x-forwarded-for", HeaderAction.IGNORE),
        (b"proxy-authorization", HeaderAction.IGNORE),
        (b"te", HeaderAction.IGNORE),
        (b"content-type", HeaderAction.CONTENT_TYPE),
    ],
)
def test_names_mean_the_same_in_any_spelling(name: bytes, action: int) -> None:
    """Case does not matter; what is not listed is left behind."""
    assert {PLANS.action_of(spelling) for spelling in (name, name.lower(), name.upper(), name.title())} == {action}


def test_the_table_of_plans_is_bounded() -> None:
    """A caller that invents names does not grow it without end, nor one that sends very long ones."""
    table = HeaderPlans()
    for number in range(3_000):
        _ = table[b"host", b"x-%d" % number]
    assert len(table) <= 1024
    _ = table[(b"x" * 5_000,)]
    assert all(sum(map(len, names)) <= 2048 for names in table)
    assert table[b"host", b"aUtHoRiZaTiOn"].kept == ((1, "authorization"), (0, "host"))


@pytest.mark.parametrize(
    "name", [b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key", b"x-asbru-key", b"x-bf-vk"]
)
def test_credentials_are_never_carried(name: bytes) -> None:
    """A caller's key is for us: it never stands among what is passed on."""
    assert list(read((name, b"sk-asb-1")).forwarded.headers) == []


def test_carried_headers_keep_order_and_spelling() -> None:
    """As they came, each with whom it is for."""
    head = read((b"User-Agent", b"a"), (b"cookie", b"no"), (b"anthropic-beta", b"x"), (b"Anthropic-Beta", b"y"))
    assert head.forwarded.headers == [
        (b"", b"User-Agent", b"a"),
        (b"anthropic-", b"anthropic-beta", b"x"),
        (b"anthropic-", b"Anthropic-Beta", b"y"),
    ]


@pytest.mark.parametrize(
    "options",
    [
        [b"close, x-request-id"],
        [b"x-request-id"],
        [b"X-Request-ID ,keep-alive"],
        [b"baggage, x-request-id,, traceparent"],
        [b"keep-alive", b"x-request-id"],
        [b"x-request-id", b"close"],
    ],
    ids=range(6),
)
def test_what_connection_names_goes_no_further(options: list[bytes]) -> None:
    """Headers named by Connection were meant for this hop (RFC 9110, 7.6.1), however many such lines there are."""
    head = read((b"x-request-id", b"1"), *((b"connection", value) for value in options), (b"user-agent", b"a"))
    assert [name for _, name, _ in head.forwarded.headers] == [b"user-agent"]


def test_one_request_does_not_leak_into_the_next() -> None:
    """Defaults live on the class: what one request sets, another does not have."""
    read((b"x-request-id", b"1"), (b"x-api-key", b"k"), (b"host", b"h"), (b"content-length", b"3"))
    fresh = read()
    assert (list(fresh.forwarded.headers), fresh.key, fresh.hosts, fresh.length) == ([], b"", 0, b"")
    assert Head().every_header is None and Head().keep_alive


@given(st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=20)), max_size=10))
def test_any_headers_are_read(pairs: list[tuple[bytes, bytes]]) -> None:
    """llhttp vouches for the syntax; anything else in names and values is only kept or left."""
    head = read(*(pair for pair in pairs if pair[0].lower() != b"content-length"))
    assert len(head.forwarded.headers) <= len(pairs)
