"""Scopes: what is out of reach is as if it did not exist, and nothing is moved there or taken from there."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fakes.books import row, row_id
from tests.fakes.management import Managed, managed

from asbru.app.api_kinds import COMPILED_KINDS
from asbru.identity import roles
from asbru.records import ROW_WIDTH
from asbru.records.store import RecordStore
from asbru.records.upkeep import Upkeep


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Managed]:
    """An API with two teams of two customers, and a key of each team; one more of each is the file's."""
    with managed(tmp_path) as one:
        for name, customer in (("blue", "acme"), ("red", "bolt")):
            one.ask("POST", "customers", {"name": customer}, status=201)
            one.ask("POST", "teams", {"name": name, "customer": customer}, status=201)
            one.ask("POST", "keys", {"name": f"{name}-1", "team": name}, status=201)
        one.declare(
            virtual_keys=[{"name": f"{name}-file", "team": name, "value": "****"} for name in ("blue", "red")]
        )
        one.role("blue", roles.SCOPED, "team", "blue")
        one.role("own", roles.SCOPED, "own")
        yield one


def ids(api: Managed, noun: str, role: str, query: str = "") -> list[str]:
    """The objects that a role sees."""
    return [one["id"] for one in api.ask("GET", noun, role=role, query=query)["items"]]


def test_a_team_sees_its_own(api: Managed) -> None:
    """Keys and the team itself, of the file too; other objects are not there, whatever is done to them."""
    assert ids(api, "keys", "blue") == ["blue-1", "blue-file"] and ids(api, "teams", "blue") == ["blue"]
    assert ids(api, "keys", "blue", "team=red") == [] and ids(api, "customers", "blue") == []
    for noun, one in (("keys", "red-1"), ("keys", "red-file"), ("teams", "red"), ("customers", "acme")):
        assert api.call("GET", f"{noun}/{one}", role="blue").status == 404
    for method, path, body in (
        ("PATCH", "keys/red-1", {"active": False}),
        ("DELETE", "keys/red-1", None),
        ("POST", "keys/red-1/rotate", {}),
        ("PATCH", "keys/red-file", {"active": False}),
        ("PATCH", "teams/red", {"budgets": []}),
        ("DELETE", "teams/red", None),
    ):
        assert api.call(method, path, body, role="blue").status == 404, (method, path)
    assert api.ask("GET", "keys/red-1")["version"] == 1
    api.ask("PATCH", "keys/blue-1", {"active": False}, role="blue")
    api.ask("POST", "keys/blue-1/rotate", role="blue")


def test_pages_of_a_team(api: Managed) -> None:
    """Are as long as asked for, whatever lies between."""
    for number in range(6):
        api.ask("POST", "keys", {"name": f"k{number}", "team": "red" if number % 2 else "blue"}, status=201)
    seen: list[str] = []
    after = ""
    while True:
        page = api.ask("GET", "keys", role="blue", query=f"limit=2&after={after}")
        assert len(page["items"]) <= 2
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == ["blue-1", "blue-file", "k0", "k2", "k4"]


def test_nothing_is_made_for_or_moved_to_another_owner(api: Managed) -> None:
    """A key belongs to a team in reach before and after; a team keeps its customer; no team is made."""
    refused = [
        api.call("POST", "keys", {"name": "x", "team": "red"}, role="blue"),
        api.call("POST", "keys", {"name": "x", "customer": "bolt"}, role="blue"),
        api.call("POST", "keys", {"name": "x"}, role="blue"),
        api.call("PATCH", "keys/blue-1", {"team": "red"}, role="blue"),
        api.call("PATCH", "keys/blue-1", {"team": None}, role="blue"),
        api.call("PATCH", "teams/blue", {"customer": "bolt"}, role="blue"),
        api.call("POST", "teams", {"name": "green"}, role="blue"),
        api.call("POST", "keys", {"name": "x", "team": "blue"}, role="own"),
        api.call("POST", "keys", {"name": "x", "customer": "acme"}, role="own"),
    ]
    assert [(one.status, one.error["code"]) for one in refused] == [(403, "out_of_scope")] * len(refused)
    api.ask("POST", "keys", {"name": "x", "team": "blue"}, role="blue", status=201)


def test_no_team_leaves_its_customer_by_being_made_anew(api: Managed) -> None:
    """Its customer's budget would not hold for it any more."""
    api.declare()
    api.ask("DELETE", "keys/blue-1", role="blue", status=204)
    api.ask("DELETE", "teams/blue", role="blue", status=204)
    refused = api.call("POST", "teams", {"name": "blue"}, role="blue")
    assert (refused.status, refused.error["code"]) == (403, "out_of_scope")


@pytest.mark.parametrize("role", ["blue", "own"])
def test_nobody_grants_tools_beyond_the_scope(api: Managed, role: str) -> None:
    """No role with a scope may contain a permission for MCP servers, so none of its keys and teams gains their tools:
    they stay as they are, or lose some."""
    api.ask("POST", "keys", {"name": "mine", "team": "blue" if role == "blue" else None}, role=role, status=201)
    api.ask("PATCH", "keys/mine", {"mcp": ["files", "web"]})
    refused = [
        api.call("POST", "keys", {"name": "x", "team": "blue" if role == "blue" else None, "mcp": ["*"]}, role=role),
        api.call("PATCH", "keys/mine", {"mcp": ["files", "*"]}, role=role),
        *([api.call("PATCH", "teams/blue", {"mcp": ["*"]}, role=role)] if role == "blue" else []),
    ]
    assert [(one.status, one.error["code"]) for one in refused] == [(403, "out_of_scope")] * len(refused)
    assert api.call("PATCH", "keys/mine", {"mcp": [["files"]]}, role=role).status == 422
    assert api.ask("PATCH", "keys/mine", {"mcp": ["files"], "active": False}, role=role)["mcp"] == ["files"]


def test_one_s_own_keys(api: Managed) -> None:
    """Those that the actor has created, and no others; whoever creates a name again has it."""
    assert ids(api, "keys", "own") == ids(api, "teams", "own") == []
    api.ask("POST", "keys", {"name": "mine"}, role="own", status=201)
    assert ids(api, "keys", "own") == ["mine"] and api.ask("GET", "keys/mine", role="own")["id"] == "mine"
    assert api.ask("GET", "me", role="own")["scope"] == {"kind": "own", "keys": ["mine"]}
    assert api.call("GET", "keys/blue-1", role="own").status == 404
    assert api.call("PATCH", "keys/mine", {"team": "blue"}, role="own").error["code"] == "out_of_scope"
    api.ask("PATCH", "keys/mine", {"team": "blue"})
    api.ask("PATCH", "keys/mine", {"active": False}, role="own")
    api.ask("DELETE", "keys/mine", role="own", status=204)
    api.ask("POST", "keys", {"name": "mine"}, status=201)
    assert ids(api, "keys", "own") == []


def test_a_key_of_the_file_is_nobody_s_own(api: Managed) -> None:
    """Even where the actor has stored one of its name, which the file's stands before."""
    api.ask("POST", "keys", {"name": "mine"}, role="own", status=201)
    record = row(1, caller="mine")
    api.database.run_many(f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)})", [record])
    assert len(api.ask("GET", "records", role="own")["items"]) == 1
    api.declare(virtual_keys=[{"name": "mine", "value": "****"}])
    assert ids(api, "keys", "own") == [] and api.call("GET", "keys/mine", role="own").status == 404
    assert api.ask("GET", "me", role="own")["scope"] == {"kind": "own", "keys": []}
    assert api.ask("GET", "records", role="own")["items"] == []
    assert api.call("GET", f"records/{row_id(1)}", role="own").status == 404


def test_whoever_takes_the_name_of_another_has_not_its_keys(api: Managed) -> None:
    """A token, or a user, that is deleted and created anew under the same name has created nothing yet."""
    api.ask("POST", "keys", {"name": "mine"}, role="own", status=201)
    api.ask("DELETE", "tokens/own", status=204)
    del api.tokens["own"]
    assert ids(api, "keys", "own") == []
    user = {"name": "bob", "password": "a long enough one", "role": "own"}
    for expected in (["theirs"], []):
        api.ask("POST", "users", user, status=201)
        answer = api.call("POST", "session", {"name": "bob", "password": user["password"]}, role=None)
        session = {"cookie": answer.headers["set-cookie"].partition(";")[0], "x_asbru_csrf": answer.json()["csrf"]}
        if expected:
            api.ask("POST", "keys", {"name": "theirs"}, role=None, status=201, **session)
        listed = api.ask("GET", "keys", role=None, **session)["items"]
        assert [one["id"] for one in listed] == expected
        api.ask("DELETE", "users/bob", status=204)


def test_sums_and_limits_in_reach(api: Managed) -> None:
    """Spend, the overview and standings add up what the scope reaches, whatever else is asked for."""
    for team, cost in (("blue", 700), ("red", 300)):
        key = (20_000, f"{team}-1", team, "", "openai", "gpt", "")
        api.database.run(f"INSERT INTO spend VALUES ({','.join('?' * 13)})", (*key, 1, 0, 0, 10, 5, cost))
        api.ask("PATCH", f"teams/{team}", {"budgets": [{"amount_usd": 1}]})

    def spent(role: str, query: str = "") -> int:
        lines: list[dict[str, Any]] = api.ask("GET", "spend", role=role, query=query)["items"]
        return sum(one["cost_nanousd"] for one in lines)

    assert (spent("admin"), spent("blue"), spent("own")) == (1000, 700, 0)
    assert spent("blue", "team=red") == spent("blue", "caller=red-1") == 0
    assert [one["team"] for one in api.ask("GET", "spend", role="blue", query="by=team")["items"]] == ["blue"]
    standing = api.ask("GET", "standing", role="blue", query="kind=team&id=red&id=blue")["items"]
    assert [one["owner"] for one in standing] == ["team/blue"]
    assert api.ask("GET", "overview", role="blue")["totals"]["calls"] == 0


def test_records_in_reach(api: Managed) -> None:
    """In lists, files and one by one; a filter does not widen it, and the rest is as if it did not exist."""
    rows = [row(number, team=team, caller=f"{team}-1") for number, team in enumerate(("blue", "red", "blue"))]
    api.database.run_many(f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)})", rows)

    def found(role: str, query: str = "") -> list[str]:
        return [one["id"] for one in api.ask("GET", "records", role=role, query=query)["items"]]

    assert found("admin") == [row_id(2), row_id(1), row_id(0)] and found("own") == []
    assert found("blue") == [row_id(2), row_id(0)] and found("blue", "team=red") == []
    file = api.call("GET", "records/export", role="blue", query="format=jsonl&columns=team").body.decode()
    assert [json.loads(line)["team"] for line in file.splitlines()] == ["blue", "blue"]
    assert api.ask("GET", f"records/{row_id(0)}", role="blue")["team"] == "blue"
    assert api.call("GET", f"records/{row_id(1)}", role="blue").status == 404
    api.ask("POST", "keys", {"name": "mine"}, role="own", status=201)
    mine = row(3, team="", caller="mine")
    api.database.run(f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)})", mine)
    assert found("own") == [row_id(3)]


def test_a_team_s_playground_key_belongs_to_the_team(api: Managed) -> None:
    """So the team's limits hold for it; one's own belongs to nobody."""
    name = api.ask("POST", "playground/key", role="blue", status=201)["name"]
    assert api.ask("GET", f"keys/{name}", role="blue")["team"] == "blue"
    name = api.ask("POST", "playground/key", role="own", status=201)["name"]
    assert api.ask("GET", f"keys/{name}", role="own")["team"] is None


def test_a_name_that_another_key_had(api: Managed) -> None:
    """Whoever sees the calls of its own keys does not come to those of an earlier key by taking its name."""
    api.ask("POST", "keys", {"name": "payroll"}, status=201)
    store = RecordStore(api.url)
    store.keep(msgspec.msgpack.encode([row(1, caller="payroll")]))
    assert store.commit(0)
    store.close()
    api.ask("DELETE", "keys/payroll", status=204)
    assert api.call("POST", "keys", {"name": "payroll"}, role="own").status == 409
    assert api.ask("GET", "records", role="own")["items"] == []
    api.ask("POST", "keys", {"name": "fresh"}, role="own", status=201)
    api.ask("POST", "keys", {"name": "payroll"}, status=201)


CHECKED = json.dumps([{"rule": "r", "place": "input", "action": "redact", "findings": 1}])
BUDGET = {"budgets": [{"amount_usd": 5, "window": "1M"}]}
SPAN = f"since_ms={1_795_000_000_000 - 3_600_000}&until_ms={1_795_000_000_000 + 60_000}"
QUERIES = {
    "/overview": [f"{SPAN}&by={by}" for by in ("caller", "team", "customer", "model", "provider")],
    "/spend": [f"by={by}" for by in ("caller", "team", "customer", "day,model", "tag&tag_name=env")],
    "/standing": [f"kind={kind}&id=blue&id=red&id=blue-1&id=red-1&id=openai" for kind in ("key", "team", "provider")],
    "/sessions": [SPAN],
    "/guardrails/hits": [SPAN],
    "/records/export": ["format=csv", "format=jsonl&caller=red-1"],
}
IDS = (
    *("blue", "blue-1", "red", "red-1", "of-red", "mine", row_id(0), row_id(2), row_id(5), "provider/openai"),
    *("team/red/r", "virtual_key/red-1/r", "customer/of-red/r", "team/blue/r", "virtual_key/mine/r"),
)


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[tuple[Managed, Managed]]:
    """Two APIs with a team, somebody's own key, and their calls; the second has another team and its calls, too."""
    for folder in ("0", "1"):
        (tmp_path / folder).mkdir()
    made = [Managed(tmp_path / folder, COMPILED_KINDS) for folder in ("0", "1")]
    for api, teams in zip(made, (["blue"], ["blue", "red"]), strict=True):
        api.role("blue", roles.SCOPED, "team", "blue")
        api.role("own", roles.SCOPED, "own")
        api.ask("POST", "limits", {"scope": "provider", "name": "openai", **BUDGET}, status=201)
        rows: list[tuple[object, ...]] = []
        for number, name in enumerate((*teams, "mine")):
            key, team = (name, "") if name == "mine" else (f"{name}-1", name)
            if team:
                api.ask("POST", "customers", {"name": f"of-{team}"}, status=201)
                api.ask("POST", "teams", {"name": team, "customer": f"of-{team}", **BUDGET}, status=201)
            made_by = "admin" if team else "own"
            api.ask("POST", "keys", {"name": key, **({"team": team} if team else {})}, role=made_by, status=201)
            for scope, owner in (
                ("virtual_key", key),
                *((("team", team), ("customer", f"of-{team}")) if team else ()),
            ):
                rule = {"name": "r", "scope": scope, "owner": owner, "to": [TO]}
                api.ask("POST", "routing-rules", rule, status=201)
            of_call = {"caller": key, "team": team, "customer": f"of-{team}", "cache": "hit", "session": "s"}
            at = 4 if name == "mine" else 2 * number
            for call, outcome in enumerate(("ok", "error")):
                tags = json.dumps({"env": name})
                rows.append(row(at + call, outcome=outcome, guardrails=CHECKED, tags=tags, **of_call))
            counted = (f"provider/openai/cost/1M{number}", 1, 10**15, 5, 5)
            api.database.run("INSERT INTO ledger_counts VALUES (?, ?, ?, ?, ?)", counted)
        store, upkeep = RecordStore(api.url), Upkeep(api.url)
        store.keep(msgspec.msgpack.encode(rows))
        assert store.commit(0)
        upkeep.commit(1)
        store.close()
        upkeep.close()
    yield made[0], made[1]
    for api in made:
        api.database.close()


@pytest.mark.parametrize("role", ["blue", "own"])
def test_what_others_do_changes_nothing_that_a_scope_sees(worlds: tuple[Managed, Managed], role: str) -> None:
    """Every route that only reads, with whatever is in reach and out of it: the same answers as if there were no other
    team. An admin's answers differ, so that there is something to see."""
    differing: set[str] = set()
    for path, methods in worlds[0].application.openapi()["paths"].items():
        route = path.removeprefix("/api/v1")
        if "get" not in methods or route == "/status":  # which says for how long it runs
            continue
        paths = [re.sub(r"\{\w+\}", one, route) for one in (IDS if "{" in route else ("",))]
        for asked, query in itertools.product(paths, QUERIES.get(route, [""])):
            alone, among = (api.call("GET", asked[1:], role=role, query=query) for api in worlds)
            assert (alone.status, alone.body) == (among.status, among.body), (asked, query)
            seen = [api.call("GET", asked[1:], query=query).body for api in worlds]
            if alone.status == 200 and seen[0] != seen[1]:
                differing.add(route)
    assert differing >= {
        "/keys",
        "/routing-rules",
        "/records",
        "/records/export",
        "/spend",
        "/overview",
        "/sessions",
        "/guardrails/hits",
    }


def test_rules_of_an_owner_in_reach(tmp_path: Path) -> None:
    """Those of the team and of its keys, stored and of the file, beside the global ones; a trial knows no others."""
    folder = tmp_path / "rules"
    folder.mkdir()
    with managed(folder, *COMPILED_KINDS) as one:
        one.role("blue", roles.SCOPED, "team", "blue")
        one.role("own", roles.SCOPED, "own")
        one.ask("POST", "keys", {"name": "mine"}, role="own", status=201)
        one.ask("POST", "customers", {"name": "acme"}, status=201)
        for team in ("blue", "red"):
            one.ask("POST", "teams", {"name": team, "customer": "acme"}, status=201)
            one.ask("POST", "keys", {"name": f"{team}-1", "team": team}, status=201)
        of_file = [{"name": f"{team}-file", "team": team, "value": "****"} for team in ("blue", "red")]
        one.declare(virtual_keys=of_file, routing_rules=[{"name": "f", "scope": "team", "owner": "red", "to": [TO]}])
        owners: list[tuple[str, str | None]] = [("global", None), ("customer", "acme"), ("virtual_key", "mine")]
        owners += [(scope, owner) for team in ("blue", "red") for scope, owner in owned_by(team)]
        for scope, owner in owners:
            rule = {"name": "r", "scope": scope, "to": [TO], **({"owner": owner} if owner else {})}
            one.ask("POST", "routing-rules", rule, status=201)
        blue = ["global/r", "team/blue/r", "virtual_key/blue-1/r", "virtual_key/blue-file/r"]
        assert ids(one, "routing-rules", "blue") == blue
        assert ids(one, "routing-rules", "own") == ["global/r", "virtual_key/mine/r"]
        for rule in ids(one, "routing-rules", "admin"):
            status = one.call("GET", f"routing-rules/{rule}", role="blue").status
            assert (status == 200) == (rule in blue), rule
        one.ask("DELETE", "routing-rules/global/r", status=204)
        trial = {"rule": {"name": "n", "to": [TO]}, "request": {"model": "x", "key": "red-1"}}
        told = [one.ask("POST", "routing-rules/try", trial, role=role)["matched"] for role in ("admin", "blue")]
        assert told == [["r"], ["n"]]


TO = {"model": "gpt-x"}


def owned_by(team: str) -> list[tuple[str, str]]:
    """Owners of rules: a team, its stored key and that of the file."""
    return [("team", team), ("virtual_key", f"{team}-1"), ("virtual_key", f"{team}-file")]
