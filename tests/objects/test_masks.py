"""Secrets inside of bodies."""

from __future__ import annotations

from typing import Any

import pytest

from asbru.core.errors import BadRequest
from asbru.objects import kept, mask, put_back, sent_to, take_out

FIELDS = ("keys.*.value", "headers.*", "proxy")


def body() -> dict[str, Any]:
    """A provider with a secret of each sort, and texts that are none."""
    return {
        "base_url": "https://a",
        "keys": [{"name": "a.b", "value": "sk-0123456789abcdef"}, {"name": "c", "value": "short"}, {"name": "d"}],
        "headers": {"x-key": "h"},
    }


def test_secrets_leave_their_masks() -> None:
    """They are found by pattern, and put back where they were."""
    one = body()
    secrets = take_out(one, FIELDS, {})
    assert secrets == {"keys.a.b.value": "sk-0123456789abcdef", "keys.c.value": "short", "headers.x-key": "h"}
    assert [key.get("value") for key in one["keys"]] == ["****cdef", "****", None]
    assert one["headers"] == {"x-key": "****"} and one["base_url"] == "https://a"
    put_back(one, FIELDS, secrets)
    assert one == body()


def test_a_mask_keeps_its_secret() -> None:
    """Whatever order the elements come in; the mask of another secret, or of none, is refused."""
    one = body()
    secrets = take_out(one, FIELDS, {})
    one["keys"].reverse()
    one["headers"]["x-key"] = "new"
    assert take_out(one, FIELDS, secrets) == {**secrets, "headers.x-key": "new"}
    for wrong in ({"proxy": "****"}, {"keys": [{"name": "c", "value": "****cdef"}]}):
        with pytest.raises(BadRequest, match="not stored here"):
            take_out(wrong, FIELDS, secrets)


def test_a_short_secret_shows_nothing() -> None:
    """Four characters are shown of what is long enough."""
    assert (mask("0123456789abcde"), mask("0123456789abcdef")) == ("****", "****cdef")


@pytest.mark.parametrize("odd", [{"keys": "x"}, {"keys": [1]}, {"headers": None}, {"proxy": 3}, {"keys": {"a": 1}}])
def test_bodies_of_another_shape_hold_no_secrets(odd: dict[str, Any]) -> None:
    """What is wrong with them is told by who reads them."""
    assert take_out(odd, FIELDS, {}) == {}


def test_what_a_mask_keeps_and_where_it_goes() -> None:
    """Fields with masks, and the members of any shape that say where secrets go; those that are empty say nothing."""
    one = body()
    take_out(one, FIELDS, {})
    one["headers"]["x-key"] = "new"
    assert kept(one, FIELDS) == ["keys.a.b.value", "keys.c.value"]
    places = ("base_url", "tls", "proxy", "checks.*.*.url")
    assert sent_to({**one, "tls": None, "proxy": ""}, places) == [("base_url", "https://a")]
    checks = ["length", {"webhook": {"url": "https://b"}}]
    told = sent_to({"tls": {"verify": False}, "checks": checks}, places)
    assert told == [("tls", {"verify": False}), ("checks.1.webhook.url", "https://b")]


def test_values_in_the_query_of_an_address() -> None:
    """Each is a secret by its name, whatever else the address is; one without any stays as it came."""
    address = "https://a/mcp?key=sk-0123456789abcdef&flag&key=other&empty="
    one: dict[str, Any] = {"url": address}
    secrets = take_out(one, ("url?",), {})
    assert secrets == {"url?key": "sk-0123456789abcdef", "url?1": "flag", "url?key.2": "other"}
    assert one["url"] == "https://a/mcp?key=****cdef&****&key=****&empty="
    put_back(one, ("url?",), secrets)
    assert one["url"] == address
    for odd in ({"url": "https://a/mcp"}, {"url": None}, {}, {"url": "https://a?"}):
        assert take_out(odd, ("url?",), {}) == {}


def test_elements_without_names_go_by_their_place() -> None:
    """Two of a kind have a secret each; what was stored before it was a secret is left where it is."""
    fields = ("checks.*.*.headers.*",)
    one: dict[str, Any] = {"checks": ["length", {"hook": {"headers": {"a": "1"}}}, {"hook": {"headers": {"a": "2"}}}]}
    secrets = take_out(one, fields, {})
    assert secrets == {"checks.1.hook.headers.a": "1", "checks.2.hook.headers.a": "2"}
    one["checks"][1]["hook"]["headers"]["a"] = "plain"
    put_back(one, fields, secrets)
    assert [check["hook"]["headers"]["a"] for check in one["checks"][1:]] == ["plain", "2"]
