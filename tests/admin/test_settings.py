"""Settings over the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.management import Managed, managed


def setting(
    path: str, value: object, default: object, *, source: str = "default", live: bool = True
) -> dict[str, Any]:
    """A setting as it was compiled."""
    about = {"unit": "", "words": "Words.", "live": live, "form": {"type": "integer"}}
    return {"path": path, "value": value, "default": default, "source": source, **about}


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Managed]:
    """An API with four settings, one of which the file sets."""
    with managed(tmp_path) as one:
        settings = [
            setting("limits.a", 5, 1, source="file"),
            setting("limits.b", 2, 2),
            setting("limits.c", 9, 3, source="api"),
            setting("listen.port", 8080, 8080, live=False),
        ]
        sections = {"settings": [{"name": "limits.a", "value": 5}]}
        one.declared.write_text(json.dumps({"file": "/etc/a.yaml", "sections": sections, "settings": settings}))
        yield one


def values(api: Managed) -> dict[str, tuple[object, str]]:
    """Value and source by path."""
    return {one["path"]: (one["value"], one["source"]) for one in api.ask("GET", "settings")["items"]}


def test_a_setting_is_changed_and_restored(api: Managed) -> None:
    """It shows at once, the snapshot is compiled anew, null brings the default back; who did it is noted."""
    assert values(api)["limits.c"] == (3, "default")  # compiled when it was stored, and removed since
    shown = api.ask("PATCH", "settings", {"limits.b": 7, "limits.c": 8})
    assert {one["path"]: one["value"] for one in shown["items"]}["limits.b"] == 7
    assert values(api) == {
        "limits.a": (5, "file"),
        "limits.b": (7, "api"),
        "limits.c": (8, "api"),
        "listen.port": (8080, "default"),
    }
    assert api.told == [(False, True)] and len(api.checked) == 1
    assert sorted(one["name"] for one in api.checked[0]["settings"]) == ["limits.b", "limits.c"]
    api.ask("PATCH", "settings", {"limits.b": None, "limits.c": None})
    assert values(api)["limits.b"] == (2, "default") and api.checked[-1]["settings"] == []
    changes = api.ask("GET", "changes", query="kind=setting")["items"]
    assert [one["action"] for one in changes] == ["delete", "delete", "create", "create"]


def test_a_setting_that_was_changed_meanwhile_is_not_overwritten(api: Managed) -> None:
    """`If-Match` with the list's ETag refuses a patch after any other; without it, the last one counts."""
    shown = api.call("GET", "settings")
    etag = shown.headers["etag"]
    assert etag == f'"{shown.json()["version"]}"'
    changed = api.call("PATCH", "settings", {"limits.b": 7}, if_match=etag)
    assert changed.status == 200 and changed.headers["etag"] != etag
    refused = api.call("PATCH", "settings", {"limits.c": 8}, if_match=etag)
    assert (refused.status, refused.error["code"]) == (412, "version_mismatch")
    assert values(api)["limits.c"] == (3, "default")
    assert api.call("PATCH", "settings", {"limits.c": 8}, if_match=changed.headers["etag"]).status == 200


@pytest.mark.parametrize(
    ("patch", "status", "words"),
    [
        ({"limits.a": 6}, 409, "/etc/a.yaml"),
        ({"listen.port": 1}, 409, "at a start"),
        ({"limits.bb": 1}, 422, "did you mean 'limits.b'?"),
        ({"limits.b": {}}, 422, "value"),
        ({"limits.b": "x" * 129}, 422, "value"),
        ({"limits.b": "env.HOME"}, 422, "env."),
    ],
    ids=range(6),
)
def test_changes_that_are_refused(api: Managed, patch: dict[str, object], status: int, words: str) -> None:
    """With a word on why; nothing else of the patch is stored."""
    answer = api.call("PATCH", "settings", {"limits.c": 1, **patch})
    assert answer.status == status and words in answer.error["message"], answer
    assert values(api)["limits.c"] == (3, "default")


def test_what_does_not_compile_is_not_stored(api: Managed) -> None:
    """The compiler has the last word on a value."""
    api.problems = ["limits.b: expected at most 5"]
    refused = api.call("PATCH", "settings", {"limits.b": 7})
    assert refused.status == 422 and "at most 5" in refused.error["message"]
    assert values(api)["limits.b"] == (2, "default")


def test_settings_are_the_admin_s(api: Managed) -> None:
    """Everybody reads them."""
    assert api.call("GET", "settings", role="viewer").status == 200
    assert api.call("PATCH", "settings", {"limits.b": 7}, role="editor").status == 403
