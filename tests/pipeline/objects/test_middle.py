"""Files and batches, in process: ids sealed and opened, each key's own objects, what is asked, recorded and counted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
from tests.fakes.inside import PEPPER, Caller, Inside, answer, provider
from tests.fakes.stored import OBJECT_KEY, Asking

from asbru.app.build import declare, watched_headers
from asbru.app.snapshot import KeyFacts, Snapshot
from asbru.catalog import MatchClause, PricedModel
from asbru.core.money import MTOK, PriceRow
from asbru.core.secret_text import SecretText
from asbru.governance import VIRTUAL_KEY, digest_of, write_virtual_key
from asbru.pipeline import Stage
from asbru.storage import sqlite_url
from asbru.stored import ObjectIds, ObjectRef

FILE = {
    "id": "file-1",
    "object": "file",
    "bytes": 5,
    "created_at": 1700000000,
    "filename": "a.jsonl",
    "purpose": "batch",
}
BATCH = {
    "id": "batch_1",
    "object": "batch",
    "endpoint": "/v1/chat/completions",
    "input_file_id": "file-1",
    "completion_window": "24h",
    "status": "validating",
    "output_file_id": None,
    "error_file_id": None,
    "created_at": 1700000001,
}
FORM = b'--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b--\r\n'
FORM_LINE = b"content-type: multipart/form-data; boundary=b"
OPERATIONS = ("chat", "models", "files", "batches")
TWO_KEYS = tuple(KeyFacts(name=name, value=SecretText(f"secret-{name}")) for name in ("one", "two"))
PRICED = (PricedModel("m", MatchClause("starts_with", "m"), (PriceRow(0, 1000 * MTOK, 0, 0, 0, 0, 0),)),)


class _Inside(Inside):
    keys = MappingProxyType({"test": ("*",), "few": ("y/*",), "one": ("y/m",), "other": ("*",)})


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[Asking]:
    """The index, over its table."""
    asking = Asking(sqlite_url(tmp_path / "asbru.sqlite"))
    yield asking
    asking.close()


@pytest.fixture
def inside(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> Inside:
    """Two providers that keep objects, one that does not, and two virtual keys."""
    return _inside(asking, monkeypatch)


def _inside(asking: Asking, monkeypatch: pytest.MonkeyPatch, **changed: Any) -> Inside:
    facts = (
        provider("chats"),
        provider("x", operations=OPERATIONS, keys=TWO_KEYS, prices=PRICED),
        provider("y", operations=OPERATIONS),
    )
    keys = (SecretText(OBJECT_KEY.hex()),)
    snapshot = Snapshot(**{"providers": facts, "object_keys": keys, **changed})
    inside = _Inside(snapshot, monkeypatch, object_index=asking.index)
    assert inside.door.rooms is not None
    inside.server.watch(watched_headers(inside.door.rooms))
    return inside


def _json(caller: Caller, status: int = 200) -> dict[str, Any]:
    assert caller.status == status, caller.answer
    found: dict[str, Any] = msgspec.json.decode(caller.body)
    return found


def _said(reply: dict[str, Any], **changed: Any) -> bytes:
    return answer(200, msgspec.json.encode({**reply, **changed}))


def _upload(inside: Inside, *, key: str = "sk-asb-test", where: str = "", name: str = "x", number: int = 1) -> str:
    """The id of a new file."""
    inside.script(name, _said(FILE, id=f"file-{number}"))
    return str(_json(inside.call(f"/v1/files{where}", FORM, FORM_LINE, key=key))["id"])


def _refused(caller: Caller) -> tuple[int, str]:
    return caller.status, msgspec.json.decode(caller.body)["error"]["code"]


def _last(inside: Inside) -> tuple[str, bytes, bytes]:
    """The provider, the first line and the body of the last request."""
    host, data = inside.requests[-1]
    head, _, body = data.partition(b"\r\n\r\n")
    return host, head.partition(b"\r\n")[0], body


def test_a_file_is_kept_under_an_id_of_ours(inside: Inside) -> None:
    """The form goes to the first provider that keeps files, as it came; the id that comes back is sealed, and all else
    is the provider's."""
    inside.script("x", _said(FILE))
    told = _json(inside.call("/v1/files", FORM, FORM_LINE))
    assert re.fullmatch(r"asbru_[A-Za-z0-9_-]+", told["id"]) and "file-1" not in told["id"]
    assert {**told, "id": "file-1"} == FILE
    assert _last(inside) == ("x.test", b"POST /v1/files HTTP/1.1", FORM)
    assert inside.requests[-1][1].count(FORM_LINE) == 1


def test_the_id_leads_to_the_provider_the_key_and_the_object(inside: Inside) -> None:
    """For reading, its content, and deletion; ids in replies are the same id."""
    own = _upload(inside)
    (key,) = {row["key_name"] for row in inside.recorder.rows}
    inside.script("x", _said(FILE))
    assert _json(inside.call(f"/v1/files/{own}", method="GET"))["id"] == own
    assert _last(inside)[1] == b"GET /v1/files/file-1 HTTP/1.1"
    inside.script("x", answer(200, b"\x00\xffbytes", content_type=b"application/octet-stream"))
    content = inside.call(f"/openai/v1/files/{own}/content", method="GET")
    assert (content.status, content.body) == (200, b"\x00\xffbytes")
    inside.script("x", answer(200, b'{"id":"file-1","object":"file","deleted":true}'))
    assert _json(inside.call(f"/v1/files/{own}", method="DELETE")) == {"id": own, "object": "file", "deleted": True}
    assert _last(inside)[1] == b"DELETE /v1/files/file-1 HTTP/1.1"
    assert {row["key_name"] for row in inside.recorder.rows} == {key}
    assert [row["surface"] for row in inside.recorder.rows] == [
        "openai.files",
        "openai.files.read",
        "openai.files.content",
        "openai.files.delete",
    ]


@pytest.mark.parametrize("path", ["/v1/files/{}", "/v1/files/{}/content"])
def test_what_is_not_ones_own_is_404(inside: Inside, path: str) -> None:
    """Another key's, forged, cut, the provider's own id, another kind's: all alike, and nothing is sent."""
    own = _upload(inside)
    ids = ObjectIds([b"x" * 32])
    batch = ObjectIds([OBJECT_KEY]).seal(ObjectRef("batch", "x", "batch_1", "one", "test"))
    forged = ids.seal(ObjectRef("file", "x", "file-1", "one", "test"))
    sent = len(inside.requests)
    assert _refused(inside.call(path.format(own), method="GET", key="sk-asb-other")) == (404, "object_not_found")
    for text in (forged, own[:-1], own + "A", "file-1", batch, "asbru_", "x" * 5000):
        assert _refused(inside.call(path.format(text), method="GET")) == (404, "object_not_found")
    assert len(inside.requests) == sent


def test_a_new_key_of_an_old_name_inherits_nothing(inside: Inside) -> None:
    """After a key was deleted and created again by its name, the first one's objects are 404 and not listed; with its
    identity they are there."""

    def be(identity: str) -> None:
        digest = digest_of(b"sk-asb-test", PEPPER)
        entries = {VIRTUAL_KEY: {digest: write_virtual_key("test", ("*",), identity)}}
        for _ in declare(inside.snapshot, entries, inside.lasting):
            pass

    be("api:1")
    own = _upload(inside)
    be("api:2")
    assert _refused(inside.call(f"/v1/files/{own}", method="GET")) == (404, "object_not_found")
    assert _json(inside.call("/v1/files", method="GET"))["data"] == []
    be("api:1")
    assert [one["id"] for one in _json(inside.call("/v1/files", method="GET"))["data"]] == [own]
    inside.script("x", _said(FILE))
    assert _json(inside.call(f"/v1/files/{own}", method="GET"))["id"] == own


def test_only_ones_own_can_be_deleted_or_used(inside: Inside) -> None:
    """Deletion, and a batch with another's file, too."""
    own = _upload(inside)
    assert _refused(inside.call(f"/v1/files/{own}", method="DELETE", key="sk-asb-other")) == (404, "object_not_found")
    for file in (own, "file-1", "", 5, None):
        caller = inside.call("/v1/batches", {"input_file_id": file}, key="sk-asb-other")
        assert _refused(caller) == (404, "object_not_found")
    assert len(inside.requests) == 1


@pytest.mark.parametrize("asked", ["query", "header"])
def test_the_caller_may_name_the_provider(inside: Inside, asked: str) -> None:
    """By a parameter or a header, neither of which goes along."""
    inside.script("y", _said(FILE))
    query, lines = ("?provider=y&a=1", ()) if asked == "query" else ("?a=1", (b"x-asbru-provider: y",))
    assert _json(inside.call(f"/v1/files{query}", FORM, FORM_LINE, *lines))["id"].startswith("asbru_")
    assert _last(inside)[:2] == ("y.test", b"POST /v1/files?a=1 HTTP/1.1")
    assert b"x-asbru" not in inside.requests[-1][1]


def test_a_provider_that_keeps_none_is_told(inside: Inside) -> None:
    """So is one that is not there, and one that the key may not use."""
    for name, refusal in (
        ("chats", (400, "unsupported_by_provider")),
        ("nobody", (404, "provider_not_found")),
    ):
        assert _refused(inside.call(f"/v1/files?provider={name}", FORM, FORM_LINE)) == refusal
    assert not inside.requests


def test_a_list_shows_ones_own(inside: Inside) -> None:
    """The newest first, in pages, of one provider or purpose; never another key's."""
    first = _upload(inside, number=1)
    second = _upload(inside, number=2, where="?provider=y", name="y")
    theirs = _upload(inside, number=3, key="sk-asb-other")
    sent = len(inside.requests)

    def ids(query: str = "", key: str = "sk-asb-test") -> list[str]:
        told = _json(inside.call(f"/v1/files{query}", method="GET", key=key))
        assert told["object"] == "list"
        return [one["id"] for one in told["data"]]

    assert sorted(ids()) == sorted([first, second])
    assert ids("?provider=y") == [second] and ids("?purpose=batch&provider=x") == [first]
    assert ids("?purpose=assistants") == [] and ids(key="sk-asb-other") == [theirs]
    (newest,) = ids("?limit=1")
    assert [newest, *ids(f"?limit=1&after={newest}")] == ids() == ids("?order=asc")[::-1]
    assert _json(inside.call("/v1/files?limit=1", method="GET"))["has_more"] is True
    assert _refused(inside.call("/v1/files?limit=0", method="GET"))[0] == 400
    assert len(inside.requests) == sent


@pytest.mark.parametrize("limit", ["0", "10001", "-1", "1e3", "%d9%a3", "00001" + "0" * 5000])
def test_a_limit_that_is_none_is_refused(inside: Inside, limit: str) -> None:
    """A number out of bounds, and one with more digits than Python reads."""
    assert _refused(inside.call(f"/v1/files?limit={limit}", method="GET"))[0] == 400


@pytest.mark.parametrize("number", [9_000_000_000_000, 10**17, 10**30, -5])
def test_what_a_provider_says_of_time_and_size_harms_no_other_object(
    inside: Inside, asking: Asking, number: int
) -> None:
    """A file of the distant future makes no other one old, and numbers that no database holds are not kept."""
    inside.script("x", _said(FILE, created_at=None))
    other = _json(inside.call("/v1/files", FORM, FORM_LINE, key="sk-asb-other"))["id"]
    asking.restart()  # the first object after a start has the old ones deleted
    inside.script("x", _said(FILE, id="file-2", created_at=number, bytes=number))
    own = _json(inside.call("/v1/files", FORM, FORM_LINE))
    assert own["created_at"] == own["bytes"] == number
    for key, expected in (("sk-asb-other", other), ("sk-asb-test", own["id"])):
        listed = _json(inside.call("/v1/files", key=key, method="GET"))["data"]
        assert [one["id"] for one in listed] == [expected]


def test_a_very_large_object_is_listed_without_its_long_members(inside: Inside) -> None:
    """So that a list of many can be held; whoever made it, or reads it, is told all."""
    many = {f"member{n}": "x" * 1000 for n in range(100)}
    inside.script("x", _said({**many, **FILE}, metadata="x" * 1_000_000))
    own = _json(inside.call("/v1/files", FORM, FORM_LINE))
    assert len(own["metadata"]) == 1_000_000
    (listed,) = _json(inside.call("/v1/files", method="GET"))["data"]
    assert listed["id"] == own["id"] and len(str(listed)) < 32 * 1024


def test_a_deleted_file_is_listed_no_more(inside: Inside) -> None:
    """Once the provider has said so; a refusal leaves it listed."""
    own = _upload(inside)
    for status, left in ((500, 1), (200, 0)):
        inside.script("x", answer(status, b'{"id":"file-1","deleted":true}'))
        assert inside.call(f"/v1/files/{own}", method="DELETE").status == status
        assert len(_json(inside.call("/v1/files", method="GET"))["data"]) == left


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/content"), ("DELETE", "")])
def test_what_the_provider_does_not_have_is_listed_no_more(inside: Inside, method: str, path: str) -> None:
    """It has expired, or was deleted elsewhere."""
    own = _upload(inside)
    inside.script("x", answer(404, b'{"error":{"message":"No such File object"}}'))
    assert inside.call(f"/v1/files/{own}{path}", method=method).status == 404
    assert _json(inside.call("/v1/files", method="GET"))["data"] == []


def test_an_upload_is_sent_once(inside: Inside) -> None:
    """What may have been done is not done again; reading is."""
    inside.script("x", answer(500, b"{}"), _said(FILE))
    assert inside.call("/v1/files", FORM, FORM_LINE).status == 500
    assert len(inside.requests) == 1
    own = _upload(inside)
    inside.script("x", answer(500, b"{}"), _said(FILE))
    assert inside.call(f"/v1/files/{own}", method="GET").status == 200


def test_a_batch_opens_and_seals_ids(inside: Inside) -> None:
    """The provider and the key of its file are asked; ids in the reply are sealed, what is absent stays so."""
    file = _upload(inside)
    inside.script("x", _said(BATCH))
    body = {
        "input_file_id": file,
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
        "metadata": {"a": "b"},
    }
    told = _json(inside.call("/v1/batches", body))
    assert told["id"].startswith("asbru_") and told["input_file_id"] == file
    assert told["output_file_id"] is None and told["status"] == "validating"
    assert msgspec.json.decode(_last(inside)[2]) == {**body, "input_file_id": "file-1"}
    first, second = inside.recorder.rows
    assert first["key_name"] == second["key_name"]
    inside.script("x", _said(BATCH, status="completed", output_file_id="file-2", error_file_id="file-3"))
    done = _json(inside.call(f"/v1/batches/{told['id']}", method="GET"))
    assert done["id"] == told["id"] and done["status"] == "completed"
    for name, content in (("output_file_id", b"out"), ("error_file_id", b"errors")):
        inside.script("x", answer(200, content))
        assert inside.call(f"/v1/files/{done[name]}/content", method="GET").body == content
    assert [one["status"] for one in _json(inside.call("/v1/batches", method="GET"))["data"]] == ["completed"]


def test_a_batch_that_fails_half_way_is_passed_as_it_is(inside: Inside) -> None:
    """With its errors, counts and files."""
    file = _upload(inside)
    inside.script("x", _said(BATCH))
    own = _json(inside.call("/v1/batches", {"input_file_id": file}))["id"]
    counts = {"total": 10, "completed": 4, "failed": 6}
    errors = {"object": "list", "data": [{"code": "token_limit_exceeded", "line": 5}]}
    inside.script("x", _said(BATCH, status="failed", request_counts=counts, errors=errors, output_file_id="file-2"))
    told = _json(inside.call(f"/v1/batches/{own}", method="GET"))
    assert (told["status"], told["request_counts"], told["errors"]) == ("failed", counts, errors)
    assert told["output_file_id"].startswith("asbru_")
    inside.script("x", _said(BATCH, status="cancelling"))
    assert _json(inside.call(f"/v1/batches/{own}/cancel"))["status"] == "cancelling"
    assert _last(inside) == ("x.test", b"POST /v1/batches/batch_1/cancel HTTP/1.1", b"")


def test_what_a_batch_used_is_counted_once(inside: Inside) -> None:
    """By whoever sees it first; its price is that of the batch tier, which is unknown here."""
    file = _upload(inside)
    inside.script("x", _said(BATCH))
    own = _json(inside.call("/v1/batches", {"input_file_id": file}))["id"]
    usage = {"input_tokens": 100, "output_tokens": 30, "input_tokens_details": {"cached_tokens": 40}}
    inside.recorder.rows.clear()
    for _ in range(3):
        inside.script("x", _said(BATCH, status="completed", model="m", usage=usage))
        inside.call(f"/v1/batches/{own}", method="GET")
    rows = inside.recorder.rows
    assert [row["input_tokens"] for row in rows] == [60, None, None]
    assert (rows[0]["cache_read_tokens"], rows[0]["output_tokens"], rows[0]["model_served"]) == (40, 30, "m")
    assert [row["cost_nanousd"] for row in rows] == [None, 0, 0]  # a look at it costs nothing


def test_a_key_that_may_use_some_models_makes_no_batch(inside: Inside) -> None:
    """Its lines may name any model; files are no models."""
    own = _upload(inside, key="sk-asb-one", where="?provider=y", name="y")
    assert _refused(inside.call("/v1/batches", {"input_file_id": own}, key="sk-asb-one")) == (
        403,
        "model_not_allowed",
    )
    own = _upload(inside, key="sk-asb-few", where="?provider=y", name="y")
    inside.script("y", _said(BATCH))
    assert inside.call("/v1/batches", {"input_file_id": own}, key="sk-asb-few").status == 200


def test_a_batch_is_not_made_where_a_stage_must_see_content(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines cannot be checked; a file that is never used may be stored."""
    inside = _inside(asking, monkeypatch)
    file = _upload(inside)
    assert inside.door.rooms is not None
    inside.door.rooms.stages = (lambda _: Stage(),)
    assert _refused(inside.call("/v1/batches", {"input_file_id": file})) == (400, "unchecked_operation")
    assert len(inside.requests) == 1


def test_without_the_index_files_still_work(inside: Inside, asking: Asking) -> None:
    """The caller is told that a file is not in its list; the list is refused until it can be read."""
    asking.away = True
    inside.script("x", _said(FILE))
    caller = inside.call("/v1/files", FORM, FORM_LINE)
    assert b"index" in (caller.header(b"x-asbru-notes") or b"")
    own = _json(caller)["id"]
    assert inside.call("/v1/files", method="GET").status == 503
    inside.script("x", _said(FILE))
    assert inside.call(f"/v1/files/{own}", method="GET").status == 200


def test_ids_outlive_a_reload_and_a_key_that_is_gone_is_told(inside: Inside) -> None:
    """Another snapshot opens them; without the provider's key they lead nowhere."""
    own = _upload(inside)
    keys = (SecretText(OBJECT_KEY.hex()),)
    inside.load(Snapshot(providers=(provider("x", operations=OPERATIONS, keys=TWO_KEYS[::-1]),), object_keys=keys))
    inside.script("x", _said(FILE))
    assert inside.call(f"/v1/files/{own}", method="GET").status == 200
    for facts in ((), (provider("x", operations=OPERATIONS),)):
        inside.load(Snapshot(providers=facts, object_keys=keys))
        assert _refused(inside.call(f"/v1/files/{own}", method="GET")) == (404, "object_not_found")


CLAUDE = {
    "id": "msgbatch_1",
    "type": "message_batch",
    "processing_status": "ended",
    "created_at": "2026-01-01T00:00:00Z",
    "results_url": "https://api.anthropic.com/v1/messages/batches/msgbatch_1/results",
}


def test_message_batches(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started, read, listed, cancelled and deleted on Anthropic's surface. The address of the results is Asbru's, so
    that an SDK that follows it shows its key to nobody else; refusals are in the dialect."""
    facts = provider("claude", "anthropic_messages", operations=("chat", "message_batches"))
    inside = _inside(asking, monkeypatch, providers=(provider("x", operations=OPERATIONS), facts))
    base = "/anthropic/v1/messages/batches"
    body = {"requests": [{"custom_id": "1", "params": {"model": "m", "max_tokens": 5, "messages": []}}]}
    inside.script("claude", _said(CLAUDE, processing_status="in_progress", results_url=None))
    started = _json(inside.call(base, body))
    own = started["id"]
    assert own.startswith("asbru_") and started["results_url"] is None
    assert _last(inside)[1] == b"POST /v1/messages/batches HTTP/1.1"
    assert msgspec.json.decode(_last(inside)[2]) == body
    inside.script("claude", _said(CLAUDE))
    read = _json(inside.call(f"{base}/{own}", method="GET"))
    assert (read["id"], read["results_url"]) == (own, f"/v1/messages/batches/{own}/results")
    assert "anthropic.com" not in str(read)
    inside.script("claude", answer(200, b'{"custom_id":"1"}\n', content_type=b"application/x-jsonl"))
    assert inside.call(f"/anthropic{read['results_url']}", method="GET").body == b'{"custom_id":"1"}\n'
    assert _last(inside)[1] == b"GET /v1/messages/batches/msgbatch_1/results HTTP/1.1"
    listed = _json(inside.call(f"{base}?limit=5", method="GET"))
    assert ([one["id"] for one in listed["data"]], listed["first_id"], listed["has_more"]) == ([own], own, False)
    assert "object" not in listed
    assert _json(inside.call(f"{base}?after_id={own}", method="GET"))["data"] == []
    assert inside.call(f"{base}?before_id={own}", method="GET").status == 400
    inside.script("claude", _said(CLAUDE, processing_status="canceling"))
    assert _json(inside.call(f"{base}/{own}/cancel"))["processing_status"] == "canceling"
    theirs = inside.call(f"{base}/{own}", method="GET", key="sk-asb-other")
    assert theirs.status == 404 and theirs.body.startswith(b'{"type":"error","error":{"type":"not_found_error"')
    assert inside.call("/passthrough/claude/messages/batches/msgbatch_1", method="GET").status == 403
    inside.script("claude", answer(200, b'{"id":"msgbatch_1","type":"message_batch_deleted"}'))
    assert _json(inside.call(f"{base}/{own}", method="DELETE")) == {"id": own, "type": "message_batch_deleted"}
    assert _json(inside.call(base, method="GET"))["data"] == []


@pytest.mark.parametrize(
    "path",
    [
        "files",
        "files/file-1/content",
        "Files",
        "%66iles",
        "batches/batch_1",
        "batches/",
        "files;a=1/file-1/content",
        "files;/file-1",
        "files%3b/file-1",
        "files%3Fa",
        "files%253Fa",
        "files%23a",
        "files%20/file-1",
    ],
)
def test_passthrough_does_not_reach_them(inside: Inside, path: str) -> None:
    """Whatever the spelling: they belong to keys."""
    assert inside.call(f"/passthrough/x/{path}", method="GET").status == 403
    assert not inside.requests


@pytest.mark.parametrize("body", [b"[]", b"<html>", b'{"id":"' + b"x" * 300 + b'"}'])
def test_a_reply_that_is_none_is_502(inside: Inside, body: bytes) -> None:
    """What cannot be sealed is not passed on."""
    inside.script("x", answer(200, body))
    assert inside.call("/v1/files", FORM, FORM_LINE).status == 502
