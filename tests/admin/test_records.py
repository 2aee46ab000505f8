"""Records over the API: pages, filters, one in detail, files."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from tests.fakes.asgi import WAIT_S, answer_of, ask
from tests.fakes.books import row, row_id
from tests.fakes.management import Managed, managed

from asbru.admin import exports, streams
from asbru.admin.management import Management
from asbru.admin.records import EXPORTS_EACH_MAX, TAILS_EACH_MAX
from asbru.core.errors import Overloaded
from asbru.core.secret_text import SecretText
from asbru.records import ROW_WIDTH, query
from asbru.records.bodies.store import Bodies, add


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Managed]:
    """An API over a few records."""
    with managed(tmp_path) as one:
        write(one, *(row(number, status=200 + number) for number in range(5)))
        yield one


def write(api: Managed, *rows: tuple[object, ...]) -> None:
    """Records, in the database."""
    api.database.run_many(f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)})", rows)


def test_records_are_listed(api: Managed) -> None:
    """The newest first, by pages and filters; of some columns."""
    first = api.ask("GET", "records", query="limit=3")
    assert [one["status"] for one in first["items"]] == [204, 203, 202]
    rest = api.ask("GET", "records", query=f"limit=3&before={first['next']}")
    assert [one["status"] for one in rest["items"]] == [201, 200] and rest["next"] is None
    assert [one["id"] for one in api.ask("GET", "records", query="status=202")["items"]] == [row_id(2)]
    few = api.ask("GET", "records", query="limit=1&columns=status")
    assert few["items"] == [{"id": row_id(4), "status": 204}]
    write(api, row(7, tags='{"env":"prod"}', cost_nanousd=50, stream=0))
    for filters in ("tag.env=prod", "cost_min_nanousd=50", "stream=false"):
        assert [one["id"] for one in api.ask("GET", "records", query=filters)["items"]] == [row_id(7)], filters
    for wrong in (
        "status=x",
        "limit=0",
        "since_ms=-1",
        "until_ms=1e3",
        f"text={'x' * 200}",
        "columns=x",
        "stream=no",
    ):
        assert api.call("GET", "records", query=wrong).status == 422, wrong


def test_a_record_is_shown_in_detail(api: Managed) -> None:
    """Attempts, steps and tags as objects; the only attempt of a call that went well is told, too."""
    log = [{"provider": "p", "outcome": "status", "reason": "too many"}]
    write(api, row(8, attempt_log=json.dumps(log), tags='{"env":"prod"}', route="rule a; targets: p/m"))
    found = api.ask("GET", f"records/{row_id(8)}")
    assert found["attempts_detail"] == log and found["tags"] == {"env": "prod"}
    assert found["route_steps"] == ["rule a", "targets: p/m"] and found["bodies"] is None
    (only,) = api.ask("GET", f"records/{row_id(3)}")["attempts_detail"]
    assert (only["status"], only["input_tokens"], only["output_tokens"], only["sent"]) == (203, 5, 3, True)
    api.ask("GET", "records/none", status=404)


def test_records_are_exported(api: Managed) -> None:
    """All that fit, over several pages, as CSV with a head and as lines of JSON."""
    write(api, *(row(number, status=500, caller="many") for number in range(10, 1210)))
    answer = api.call("GET", "records/export", query="format=csv&caller=many&columns=status,caller")
    lines = list(csv.reader(io.StringIO(answer.body.decode())))
    assert lines[:2] == [["id", "status", "caller"], [row_id(1209), "500", "many"]] and len(lines) == 1201
    assert answer.headers["content-disposition"] == 'attachment; filename="records.csv"'
    answer = api.call("GET", "records/export", query="format=jsonl&status=202")
    (line,) = answer.body.splitlines()
    assert list(json.loads(line)) == list(query.NAMES)
    assert api.call("GET", "records/export", query="format=xml").status == 422


@asynccontextmanager
async def unread(api: Managed, path: str, count: int) -> AsyncGenerator[list[asyncio.Task[None]]]:
    """So many responses whose clients read nothing after the head."""
    token = f"Bearer {api.token('admin')}".encode()
    scope = {"type": "http", "http_version": "1.1", "method": "GET", "path": path, "raw_path": path.encode()}
    scope |= {"scheme": "http", "query_string": b"", "root_path": "", "headers": [(b"authorization", token)]}
    begun = asyncio.Semaphore(0)

    async def send(message: MutableMapping[str, Any]) -> None:
        if message.get("body"):
            begun.release()
            await asyncio.Event().wait()

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    stuck = [asyncio.create_task(api.application(dict(scope), receive, send)) for _ in range(count)]
    async with asyncio.timeout(WAIT_S):
        for _ in stuck:
            await begun.acquire()
        yield stuck
    for task in stuck:
        task.cancel()
    await asyncio.wait(stuck, timeout=WAIT_S)


def test_clients_that_do_not_read_their_exports(api: Managed) -> None:
    """Keep nobody else from an export, and one user has a few of them at a time."""
    write(api, *(row(number) for number in range(10, 1210)))
    path = "/api/v1/records/export"

    async def scene() -> None:
        async with unread(api, path, EXPORTS_EACH_MAX):
            same = f"Bearer {api.token('admin')}"
            assert (await answer_of(api.application, path, authorization=same)).status == 503
            other = f"Bearer {api.token('viewer')}"
            answer = await answer_of(api.application, path, authorization=other)
        assert answer.status == 200 and len(answer.body.splitlines()) > 1200

    asyncio.run(scene())


def test_an_export_ends_with_the_right_to_it(api: Managed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that is deleted meanwhile gets no further page: the file breaks off, and is not taken for a whole one."""
    write(api, *(row(number) for number in range(10, 20)))
    monkeypatch.setattr(exports, "PAGE_RECORDS", 3)
    token, messages = f"Bearer {api.token('viewer')}".encode(), list[MutableMapping[str, Any]]()
    scope: dict[str, Any] = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET"}
    scope |= {"path": "/api/v1/records/export", "raw_path": b"/api/v1/records/export", "scheme": "http"}
    scope |= {"query_string": b"format=jsonl", "root_path": "", "headers": [(b"authorization", token)]}

    async def send(message: MutableMapping[str, Any]) -> None:
        messages.append(message)
        if message.get("body") and "viewer" in api.tokens:
            del api.tokens["viewer"]
            api.database.run("DELETE FROM api_tokens WHERE name = 'viewer'")

    async def receive() -> MutableMapping[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def scene() -> None:
        async with asyncio.timeout(WAIT_S):
            await api.application(scope, receive, send)

    asyncio.run(scene())
    assert sum(len(one.get("body", b"").splitlines()) for one in messages) == 3
    assert messages[-1].get("more_body") is True


def test_an_export_that_stalls_ends(api: Managed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its place is free again."""
    monkeypatch.setattr(streams, "STALLED_S", 0.01)
    write(api, *(row(number) for number in range(10, 20)))
    path = "/api/v1/records/export"

    async def scene() -> None:
        async with unread(api, path, EXPORTS_EACH_MAX) as stalled:
            await asyncio.wait(stalled, timeout=WAIT_S)
            assert all(one.done() and one.exception() is None for one in stalled)
            token = f"Bearer {api.token('admin')}"
            assert (await answer_of(api.application, path, authorization=token)).status == 200

    asyncio.run(scene())


@pytest.mark.parametrize(
    "start",
    ["=", "+", "-", "@", "\t", "\r", "\n", " =", "\u00a0 =", "\ufeff=", "\u200b=", "\u3000@", "\uff1d", "\uff0b"],
)
def test_no_cell_is_a_formula(api: Managed, start: str) -> None:
    """A text that a spreadsheet would calculate has an apostrophe in front, in whichever column; in JSON it is as it
    was. Numbers are left alone."""
    text = f'{start}HYPERLINK("http://evil.example";"x")'
    write(api, row(9, model_asked=text, error_message=text, cost_nanousd=5, status=299))
    answer = api.call("GET", "records/export", query="status=299&columns=model_asked,error_message,cost_nanousd")
    rows = list(csv.reader(io.StringIO(answer.body.decode(), newline="")))
    assert rows[1] == [row_id(9), f"'{text}", f"'{text}", "5"]
    answer = api.call("GET", "records/export", query="format=jsonl&status=299")
    assert json.loads(answer.body)["model_asked"] == text


def test_shapes_are_described(api: Managed) -> None:
    """The description names every member of a record and of its details."""
    schema = api.application.openapi()
    found = {
        "RecordSummary": api.ask("GET", "records", query="limit=1")["items"][0],
        "RecordDetail": api.ask("GET", f"records/{row_id(3)}"),
    }
    for name, record in found.items():
        assert set(schema["components"]["schemas"][name]["properties"]) == set(record)


def test_more_tags_than_a_record_has(api: Managed) -> None:
    """Are refused by a list, not by a database that cannot read so many conditions."""
    answer = api.call("GET", "records", query="&".join(f"tag.t{number}=1" for number in range(2000)))
    assert answer.status == 422 and "at most 16 tags, got 2000" in answer.error["message"]


def test_nothing_is_followed_without_a_bookkeeper(api: Managed) -> None:
    """A control process that stands alone says so."""
    assert api.call("GET", "records/live").status == 404


class Tail:
    """Keeps who follows, and sends a comment."""

    def __init__(self) -> None:
        self.refusal: Callable[[], str] = lambda: "nobody follows"

    async def admit(self, _: object, refusal: Callable[[], str]) -> AsyncIterator[bytes]:
        """See `live.LiveTail.admit`."""
        self.refusal = refusal
        yield b":\n\n"


def test_who_follows_is_judged_again(api: Managed) -> None:
    """A tail that is open ends when its role reaches less or may no longer read records, and when its token is gone."""
    tail = Tail()
    management = Management(api.act, SecretText("s"), database_url=api.url, tail=cast("Any", tail))
    application = management.application((), "1")
    application.state.unix_time = lambda: api.now_s
    api.role("reader", ["records:read"])
    token = api.token("reader")

    def follow() -> str:
        assert ask(application, "/api/v1/records/live", authorization=f"Bearer {token}").status == 200
        return tail.refusal()

    assert follow() == ""
    api.role("reader", ["records:read"], "team", "blue")
    assert "has changed" in tail.refusal()
    assert follow() == ""
    api.role("reader", ["keys:read"])
    assert "records:read" in tail.refusal()
    api.role("reader", ["records:read"])
    assert follow() == ""
    with api.database.transaction():
        api.act.accounts.delete_token("reader")
    assert "unknown or has expired" in tail.refusal()


def test_one_user_has_a_few_live_tails(api: Managed) -> None:
    """One more is refused, while another user is let in; a tail that ends makes room."""
    held = asyncio.Event()

    class Endless:
        """Sends a comment and nothing more."""

        async def admit(self, *_: object) -> AsyncIterator[bytes]:
            """See `live.LiveTail.admit`."""
            yield b":\n\n"
            await held.wait()

    places = streams.Places("live tails", places_max=TAILS_EACH_MAX + 2, each_max=TAILS_EACH_MAX)

    async def scene() -> None:
        def follow(who: str) -> AsyncIterator[bytes]:
            places.check(who)
            return places.hold(who, Endless().admit())

        mine = [follow("user/ann") for _ in range(TAILS_EACH_MAX)]
        for one in mine:
            await anext(one)
        with pytest.raises(Overloaded, match="you have 5 live tails open"):
            follow("user/ann")
        await anext(follow("user/bob"))
        held.set()
        with pytest.raises(StopAsyncIteration):
            await anext(mine[0])
        await anext(follow("user/ann"))

    asyncio.run(scene())


def test_bodies_are_shown(api: Managed) -> None:
    """Text as text, all else in base64; a beginning that ends within a character is text; none has a reason."""
    with api.database.transaction():
        whole = Bodies(row_id(1), "grüße".encode()[:-3], 100, b"\xff\x00", 2)
        add(api.database, [whole, Bodies(row_id(2), b"{}", 2, "ü".encode()[:1], 2)])
    found = api.ask("GET", f"records/{row_id(1)}/bodies")
    assert found["request"] == {"bytes": 100, "truncated": True, "text": "gr\u00fc", "base64": None}
    assert found["response"] == {"bytes": 2, "truncated": False, "text": None, "base64": "/wA="}
    assert found["upstream_request"] is found["upstream_response"] is None
    assert api.ask("GET", f"records/{row_id(2)}/bodies")["response"]["text"] == ""
    assert api.ask("GET", f"records/{row_id(1)}")["bodies"] == {"request": 100, "response": 2}
    assert api.call("GET", f"records/{row_id(3)}/bodies").error["code"] == "no_bodies"
    assert api.call("GET", f"records/{row_id(1)}/bodies", role="viewer").status == 403
