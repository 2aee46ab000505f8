"""Changes over the API."""

from __future__ import annotations

from tests.fakes.management import Managed


def test_changes_tell_who_did_what(api: Managed) -> None:
    """The newest first, with the bodies before and after; of a kind or an object."""
    api.ask("POST", "teams", {"name": "blue"}, status=201, role="editor")
    api.ask("PATCH", "teams/blue", {"budgets": [{"amount_usd": 1}]})
    api.ask("POST", "customers", {"name": "acme"}, status=201)
    listed = api.ask("GET", "changes", query="kind=team")["items"]
    assert [(one["action"], one["actor"]) for one in listed] == [
        ("update", "token/admin"),
        ("create", "token/editor"),
    ]
    assert listed[0]["before"] == {"name": "blue"} and listed[0]["after"]["budgets"] == [{"amount_usd": 1}]
    assert listed[1]["before"] is None
    page = api.ask("GET", "changes", query="limit=1")
    assert page["items"][0]["id"] == "acme"
    assert api.ask("GET", "changes", query=f"limit=1&before={page['next']}")["items"][0]["id"] == "blue"
