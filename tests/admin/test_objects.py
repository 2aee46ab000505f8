"""Objects over the API: alike for every kind; nothing is lost, half done, or done to what the file declares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fakes.management import Managed, managed

from asbru.admin import objects
from asbru.admin.kinds import Kind
from asbru.admin.objects import merge
from asbru.core.secret_text import SecretText
from asbru.governance.entries import OwnerEntry


class Thing(msgspec.Struct, forbid_unknown_fields=True):
    """A made-up kind with a secret, which the snapshot is compiled from."""

    name: str
    size: int = 1
    proxy: SecretText = SecretText("")
    address: str | None = None


THINGS = Kind(
    "prices", "price", Thing, "Things.", "things", secret_fields=("proxy",), sent_to=("address",), compiled=True
)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Managed]:
    """An API with the made-up kind."""
    with managed(tmp_path, THINGS) as one:
        yield one


def test_an_object_from_making_to_deleting(api: Managed) -> None:
    """201, 200 with an ETag, a patch that changes what it names, 204, 404; each change is noted and told to workers."""
    made = api.ask("POST", "teams", {"name": "blue", "budgets": [{"amount_usd": 5}]}, status=201)
    assert (made["id"], made["version"], made["source"]) == ("blue", 1, "api")
    assert made["budgets"][0] == {
        "amount_usd": 5.0,
        "window": "1M",
        "aligned": False,
        "timezone": "UTC",
        "policy": "strict",
    }
    limits = [{"metric": "requests", "amount": 10}]
    changed = api.ask("PATCH", "teams/blue", {"rate_limits": limits})
    assert changed["version"] == 2 and changed["budgets"] == made["budgets"]
    assert changed["rate_limits"] == [{"metric": "requests", "amount": 10, "window": "1m"}]
    entry = msgspec.msgpack.decode(api.feed()["owner"]["team/blue"], type=OwnerEntry)
    assert [limit.id for limit in entry.limits] == ["team/blue/cost/1M", "team/blue/requests/1m"]
    assert api.call("GET", "teams/blue").headers["etag"] == '"2"'
    api.ask("DELETE", "teams/blue", status=204)
    api.ask("GET", "teams/blue", status=404)
    assert "owner" not in api.feed()
    notes = [(one.action, one.actor, one.id) for one in api.act.objects.load_changes(limit=9)]
    assert notes == [(done, "token/admin", "blue") for done in ("delete", "update", "create")]
    assert api.told == [(True, False)] * 3


def test_two_admins_lose_no_update(api: Managed) -> None:
    """Who changed another version than the one that is stored is told so; what is not named stays whoever was first."""
    api.ask("POST", "teams", {"name": "blue"}, status=201)
    api.ask("PATCH", "teams/blue", {"budgets": [{"amount_usd": 1}]}, if_match='"1"')
    late = api.call("PATCH", "teams/blue", {"budgets": []}, if_match='"1"')
    assert (late.status, late.error["code"]) == (412, "version_mismatch")
    assert api.call("DELETE", "teams/blue", if_match='W/"1"').status == 412
    api.ask("PATCH", "teams/blue", {"rate_limits": [{"metric": "tokens", "amount": 5}]}, if_match="*")
    shown = api.ask("GET", "teams/blue")
    assert len(shown["budgets"]) == len(shown["rate_limits"]) == 1
    assert api.call("PATCH", "teams/blue", {}, if_match="two").status == 400


def test_no_version_comes_twice(api: Managed) -> None:
    """Whoever read an object that was deleted since does not change or delete the one that has its id now."""
    api.ask("POST", "teams", {"name": "blue"}, status=201)
    api.ask("PATCH", "teams/blue", {"budgets": [{"amount_usd": 1}]})
    api.ask("DELETE", "teams/blue", status=204)
    made = api.call("POST", "teams", {"name": "blue"})
    assert (made.status, made.headers["etag"]) == (201, '"3"')
    for version in ('"1"', '"2"'):
        assert api.call("PATCH", "teams/blue", {"budgets": []}, if_match=version).status == 412
        assert api.call("DELETE", "teams/blue", if_match=version).status == 412
    api.ask("DELETE", "teams/blue", status=204, if_match='"3"')


@pytest.mark.parametrize(
    "amount", ["-1", "0", "1e300", "NaN", "Infinity", '"5"', "true", "null", "1e-12", "9" * 400, "[]"]
)
def test_amounts_that_make_no_sense(api: Managed, amount: str) -> None:
    """Refused with the place, and nothing is stored."""
    body = b'{"name": "blue", "budgets": [{"amount_usd": %b}]}' % amount.encode()
    answer = api.call("POST", "teams", body)
    assert answer.status in (400, 422), answer
    assert api.ask("GET", "teams")["items"] == [] and api.told == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b'{"name": ""}',
        b'{"name": "a/b"}',
        b'{"name": "a", "nmae": 1}',
        b"[" * 100_000,
        b"\xff",
        b'{"name": "\xed\xa0\x80"}',
        b"{}",
    ],
    ids=range(10),
)
def test_bodies_that_make_no_sense(api: Managed, body: bytes) -> None:
    """400 or 422 with what was expected, never more."""
    answer = api.call("POST", "teams", body)
    assert answer.status in (400, 422) and answer.error["code"] == "invalid_request"


def test_names(api: Managed) -> None:
    """A name is given once and does not change; owners that are named must be there."""
    api.ask("POST", "teams", {"name": "blue"}, status=201)
    assert api.call("POST", "teams", {"name": "blue"}).error["code"] == "conflict"
    assert api.call("PATCH", "teams/blue", {"name": "red"}).status == 422
    assert api.call("PATCH", "teams/blue", {"customer": "acme"}).status == 422
    assert api.call("POST", "keys", {"name": "k", "team": "red"}).status == 422
    assert api.call("POST", "keys", {"name": "k", "team": "blue", "customer": "acme"}).status == 422
    assert api.ask("GET", "teams/blue")["version"] == 1


def test_what_is_in_use_is_not_deleted(api: Managed) -> None:
    """409 that names who uses it, whether they stand in the database or in the file."""
    api.declare(teams=[{"name": "red", "customer": "acme"}])
    api.ask("POST", "customers", {"name": "acme"}, status=201)
    for number in range(12):
        api.ask("POST", "teams", {"name": f"t{number}", "customer": "acme"}, status=201)
    refused = api.call("DELETE", "customers/acme")
    assert (refused.status, refused.error["code"]) == (409, "in_use") and "team 't0'" in refused.error["message"]
    for number in range(12):
        api.ask("PATCH", f"teams/t{number}", {"customer": None})
    assert "team 'red'" in api.call("DELETE", "customers/acme").error["message"]
    api.declare()
    api.ask("DELETE", "customers/acme", status=204)


def test_what_the_file_declares(api: Managed) -> None:
    """It is listed and named by others, and changed only in the file, which the message names. A new file counts."""
    api.declare(customers=[{"name": "acme", "budgets": []}], virtual_keys=[{"name": "v0", "value": "****"}])
    shown = api.ask("GET", "customers/acme")
    assert (shown["source"], shown["version"]) == ("file", 0)
    for method, path, body in (
        ("POST", "customers", {"name": "acme"}),
        ("PATCH", "customers/acme", {"budgets": []}),
        ("DELETE", "customers/acme", None),
        ("POST", "keys/v0/rotate", {}),
    ):
        refused = api.call(method, path, body)
        assert (refused.status, refused.error["code"]) == (409, "declared_in_file")
        assert "/etc/asbru/config.yaml" in refused.error["message"]
    api.ask("POST", "teams", {"name": "blue", "customer": "acme"}, status=201)
    api.declare()
    api.ask("GET", "customers/acme", status=404)


def test_pages_and_filters(api: Managed) -> None:
    """Lists go by id, through what is stored and what is declared; filters hold for both; every object comes once."""
    api.declare(
        teams=[{"name": "b", "customer": "acme"}, {"name": "d", "customer": None}], customers=[{"name": "acme"}]
    )
    for name in ("a", "c", "e"):
        api.ask("POST", "teams", {"name": name, "customer": None if name == "e" else "acme"}, status=201)
    seen, after = [], ""
    while True:
        page = _page(api, f"limit=2&after={after}")
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == ["a", "b", "c", "d", "e"]
    assert [one["id"] for one in _page(api, "customer=acme")["items"]] == ["a", "b", "c"]
    assert [one["id"] for one in _page(api, "search=e")["items"]] == ["e"]
    for wrong in ("limit=0", "limit=501", "limit=x"):
        assert api.call("GET", "teams", query=wrong).status == 422


def _page(api: Managed, query: str) -> Any:
    return api.ask("GET", "teams", query=query)


def test_a_secret_is_written_only(api: Managed) -> None:
    """It is sealed in the database and masked in every answer and note; a mask that comes back keeps it."""
    api.ask("POST", "prices", {"name": "a", "proxy": "http://me:hunter2@proxy:1"}, status=201)
    shown = api.ask("GET", "prices/a")
    assert shown["proxy"] == "****xy:1"
    api.ask("PATCH", "prices/a", {**shown, "size": 2})
    assert api.checked[-1]["things"] == [{"name": "a", "size": 2, "proxy": "http://me:hunter2@proxy:1"}]
    assert b"hunter2" not in repr([api.database.run(f"SELECT * FROM {table}") for table in TABLES]).encode()
    api.ask("PATCH", "prices/a", {"proxy": None})
    assert api.database.run("SELECT count(*) FROM secrets") == [(0,)]


def test_a_secret_does_not_follow_to_another_address(api: Managed) -> None:
    """Whoever may change where it is sent to would read it there: it has to be given again. A default that is given
    in words is no change."""
    api.ask("POST", "prices", {"name": "a", "proxy": "a-secret-of-some-length", "address": "https://a"}, status=201)
    for stolen in ({"address": "https://evil"}, {"address": None}, {"proxy": "****ngth", "address": "https://evil"}):
        refused = api.call("PATCH", "prices/a", stolen)
        assert refused.status == 422 and refused.error["message"].startswith("proxy: "), refused
    assert api.ask("GET", "prices/a")["version"] == 1
    api.ask("PATCH", "prices/a", {"address": "https://b", "proxy": "another-secret-of-some-length"})
    assert api.checked[-1]["things"][0]["proxy"] == "another-secret-of-some-length"
    api.ask("PATCH", "prices/a", {"address": "https://c", "proxy": None})
    api.ask("PATCH", "prices/a", {"address": None, "proxy": "a-third-secret-of-some-length"})
    api.ask("PATCH", "prices/a", {"address": None, "size": 3})


TABLES = ("objects", "changes", "secrets", "feed_entries", "feed_changes")


def test_what_would_not_compile_is_not_stored(api: Managed) -> None:
    """The snapshot that would come of it is compiled first; what is wrong with it is told, and all stays as it was."""
    api.ask("POST", "prices", {"name": "a"}, status=201)
    assert api.told == [(False, True)]
    api.problems = ["things.b: nonsense"]
    assert "nonsense" in api.call("POST", "prices", {"name": "b"}).error["message"]
    assert api.call("PATCH", "prices/a", {"size": 3}).status == 422
    assert api.call("DELETE", "prices/a").status == 422
    assert [one["id"] for one in api.ask("GET", "prices")["items"]] == ["a"]
    assert api.ask("GET", "prices/a")["version"] == 1 and api.told == [(False, True)]
    assert api.checked[-1]["things"] == []


def test_limits_have_ids_with_slashes(api: Managed) -> None:
    """What a limit is about is its id."""
    body = {"scope": "model", "name": "openai/gpt-4o", "rate_limits": [{"metric": "tokens", "amount": 9}]}
    api.ask("POST", "limits", body, status=201)
    assert api.ask("GET", "limits/model/openai/gpt-4o")["scope"] == "model"
    assert list(api.feed()["owner"]) == ["model/openai/gpt-4o"]
    api.ask("DELETE", "limits/model/openai/gpt-4o", status=204)


def test_objects_are_bounded(api: Managed, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than the most there may be of a kind is refused."""
    monkeypatch.setattr(objects, "OBJECTS_MAX", 2)
    for name in ("a", "b"):
        api.ask("POST", "teams", {"name": name}, status=201)
    assert api.call("POST", "teams", {"name": "c"}).status == 409
    api.ask("POST", "customers", {"name": "c"}, status=201)


def test_merge_patches() -> None:
    """RFC 7396: null removes, objects merge, all else is replaced."""
    assert merge({"a": 1, "b": {"c": 1, "d": 2}, "e": [1]}, {"a": None, "b": {"c": None, "x": 3}, "e": [2]}) == {
        "b": {"d": 2, "x": 3},
        "e": [2],
    }
    assert merge({"a": 1}, {"a": {"b": None, "c": 1}}) == {"a": {"c": 1}}
