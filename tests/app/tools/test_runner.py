"""Stdio servers, run for real: kept connected, synchronised, started anew, and replaced without a gap."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.tool_servers import Caller, post, running, stdio, text_of
from tests.fakes.waiting import until

from asbru.core.secret_text import SecretText
from asbru.mcp.servers import ServerSettings


@pytest.mark.parametrize("era", ["sessions", "stateless"])
async def test_a_server_is_greeted_in_its_era_and_what_it_offers_is_published(tmp_path: Path, era: str) -> None:
    """The era is found out; definitions and what the server says of itself are published to the byte. A hundred calls
    of several callers at once reach one process, which counts a hundred; they end with the results of their own."""
    async with running(tmp_path) as those:
        await those.apply(files=stdio("--era", era))
        entry = await those.ready("files")
        assert entry.era == era
        assert entry.version == {"sessions": "2025-11-25", "stateless": "2026-07-28"}[era]
        assert json.loads(entry.info) == {"name": "fake", "version": "1", "unknown": [1.50, "ä"]}
        assert b"1.5" in entry.info
        assert entry.instructions == "Count."
        assert (entry.ttl_ms, entry.scope) == ((60000, "public") if era == "stateless" else (0, "private"))
        assert those.tools("files") == ["add"]
        counts = await asyncio.gather(*(those.call("files", "add") for _ in range(100)))
        assert sorted(int(text_of(count)) for count in counts) == list(range(1, 101))
        assert those.announced > 0


async def test_results_pass_to_the_byte_and_arguments_as_they_came(tmp_path: Path) -> None:
    """A result with members that nobody knows comes out as the server wrote it."""
    async with running(tmp_path) as those:
        await those.apply(files=stdio())
        entry = await those.ready("files")
        caller = await Caller.connect(entry.endpoint)
        params = {"name": "echo", "arguments": {"x": "line\nbreak"}}
        caller.send({"id": "mine", "method": "tools/call", "params": params})
        body = await caller.end()
        assert body == [
            {
                "jsonrpc": "2.0",
                "id": "mine",
                "result": {
                    "content": [],
                    "x-new": {"a": 1.50, "b": "ä"},
                    "structuredContent": {"x": "line\nbreak"},
                },
            }
        ]
        caller.leave()


async def test_a_server_is_given_what_is_declared_and_none_of_our_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credentials of providers, and the key that secrets are sealed under, do not reach servers."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-ours")
    monkeypatch.setenv("ASBRU_SEAL_KEY", "ours")
    async with running(tmp_path) as those:
        await those.apply(files=stdio(env={"TOKEN": SecretText("theirs")}, cwd=str(tmp_path)))
        await those.ready("files")
        given = json.loads(text_of(await those.call("files", "environment")))
        assert given["TOKEN"] == "theirs"
        assert not {"OPENAI_API_KEY", "ASBRU_SEAL_KEY"} & set(given)
        assert set(given) <= {"TOKEN", "PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LC_CTYPE", "PWD"}


async def test_progress_and_what_a_server_asks_back_reach_the_caller(tmp_path: Path) -> None:
    """Events come before the result, with the caller's token; its answer to a question goes back by another POST."""
    async with running(tmp_path) as those:
        await those.apply(files=stdio())
        entry = await those.ready("files")
        _, told = await post(
            entry.endpoint,
            {"id": 1, "method": "tools/call", "params": {"name": "progress", "_meta": {"progressToken": "mine"}}},
        )
        assert [message["params"]["progress"] for message in told[:-1]] == [1, 2]
        assert {message["params"]["progressToken"] for message in told[:-1]} == {"mine"}
        caller = await Caller.connect(entry.endpoint)
        caller.send({"id": 2, "method": "tools/call", "params": {"name": "ask"}})
        asked = (await caller.messages(1))[0]
        status, _ = await post(entry.endpoint, {"id": asked["id"], "result": {"action": "accept"}})
        assert status == 202
        assert json.loads(text_of((await caller.end())[-1]["result"])) == {"action": "accept"}
        caller.leave()


async def test_a_caller_that_leaves_cancels_its_call(tmp_path: Path) -> None:
    """The server is told which request is not waited for any more, by the id that it knows."""
    async with running(tmp_path) as those:
        await those.apply(files=stdio())
        entry = await those.ready("files")
        caller = await Caller.connect(entry.endpoint)
        caller.send({"id": 1, "method": "tools/call", "params": {"name": "hang"}})
        hung: list[Any] = []

        async def cancelled() -> bool:
            hung[:] = json.loads(text_of(await those.call("files", "cancelled")))
            return bool(hung)

        assert not await cancelled()
        caller.leave()
        for _ in range(200):
            if await cancelled():
                break
        assert len(hung) == 1


async def test_a_server_that_dies_is_started_anew_and_calls_are_told_why(tmp_path: Path) -> None:
    """The call under way ends with its last words; the next run is called in another session, the old one is gone."""
    async with running(tmp_path) as those:
        await those.apply(files=stdio())
        entry = await those.ready("files")
        runner = those.servers.runner("files")
        assert runner is not None
        before = await runner.session("", "")
        error = await those.call("files", "die")
        assert error["code"] == -32000
        assert error["message"] == "the program exited with code 3: out of memory, more or less"
        assert text_of(await until_called(those, "add")) == "1"
        after = await runner.session("", "")
        assert after.id != before.id
        status, _ = await post(entry.endpoint, {"id": 1, "method": "ping"}, mcp_session_id=before.id)
        assert status == 404
        status, _ = await post(entry.endpoint, {"id": 1, "method": "tools/list"}, mcp_session_id=after.id)
        assert status == 200


async def until_called(those: Any, tool: str) -> Any:
    """The result of a tool once its server runs again; 503 until then."""
    async with asyncio.timeout(60):
        while True:
            entry = those.entry("files")
            status, messages = await post(
                entry.endpoint, {"id": 1, "method": "tools/call", "params": {"name": tool, "arguments": {}}}
            )
            if status == 200 and "result" in messages[-1]:
                return messages[-1]["result"]
            assert status in (200, 503)
            await asyncio.sleep(0)


async def test_a_program_that_cannot_be_started_fails_with_the_reason_and_delays_nobody(tmp_path: Path) -> None:
    """Another server is ready meanwhile, and its calls are answered while that one hangs in its greeting."""
    async with running(tmp_path) as those:
        await those.apply(
            none=ServerSettings(command=("/no/such/program",)),
            hung=ServerSettings(command=("/bin/sh", "-c", "exec cat > /dev/null")),
            gone=ServerSettings(command=("/bin/sh", "-c", "echo no luck >&2; exit 4")),
            files=stdio(),
        )
        await those.ready("files")
        assert text_of(await those.call("files", "add")) == "1"
        assert (await those.state("gone", "unreachable")).reason == "the program exited with code 4: no luck"
        assert "there is no program '/no/such/program'" in (await those.state("none", "unreachable")).reason
        assert those.entry("hung").state == "connecting"
        status, told = await post(those.entry("hung").endpoint, {"id": 1, "method": "tools/list"})
        assert (status, told[0]["error"]["message"]) == (503, "the server has not started yet")


async def test_garbage_floods_and_large_results_end_nothing(tmp_path: Path) -> None:
    """Lines that are no messages are passed over, ten thousand notifications come before their result, and a result of
    10 MB is whole."""
    async with running(tmp_path) as those:
        await those.apply(files=stdio())
        await those.ready("files")
        assert text_of(await those.call("files", "garbage")) == ""
        assert text_of(await those.call("files", "flood", {"n": 10_000})) == ""
        assert len(text_of(await those.call("files", "big", {"bytes": 10_000_000}))) == 10_000_000
        assert text_of(await those.call("files", "add")) == "1"


async def test_a_changed_tool_is_held_until_it_is_approved(tmp_path: Path) -> None:
    """`list_changed` leads to a new list; what has changed is not offered, what is trusted is."""
    async with running(tmp_path) as those:
        await those.apply(files=stdio(), trusted=stdio(trusted=True))
        for name in ("files", "trusted"):
            await those.ready(name)
            await those.call(name, "change")
        await until(lambda: those.entry("files").tools[0].held, "the tool is held")
        await until(lambda: b"evil" in those.entry("trusted").tools[0].definition, "the list is new")
        assert those.tools("files") == []
        assert those.tools("trusted") == ["add"]
        await those.call("files", "change", {"to": "Counts."})
        await until(lambda: those.tools("files") == ["add"], "what it was before is not held")


async def test_a_changed_declaration_takes_over_when_it_is_ready(tmp_path: Path) -> None:
    """The old process serves until the new one is ready, and the call that it has begun is not cut; one that never
    becomes ready takes nothing over."""
    async with running(tmp_path) as those:
        await those.apply(files=stdio())
        entry = await those.ready("files")
        assert text_of(await those.call("files", "add")) == "1"
        await those.apply(files=ServerSettings(command=("/no/such/program",)))
        assert text_of(await those.call("files", "add")) == "2"
        caller = await Caller.connect(entry.endpoint)
        caller.send({"id": 1, "method": "tools/call", "params": {"name": "ask"}})
        asked = (await caller.messages(1))[0]
        await those.apply(files=stdio("--era", "stateless"))
        await until(lambda: those.entry("files").era == "stateless", "the new one is ready")
        assert those.entry("files").endpoint == entry.endpoint
        assert text_of(await those.call("files", "add")) == "1"
        assert asked["method"] == "elicitation/create"
        assert not caller.headers.get("connection")
        caller.leave()


async def test_removed_and_disabled_servers_end(tmp_path: Path) -> None:
    """The process is gone; a disabled server says so, a removed one is not published any more."""
    async with running(tmp_path) as those:
        await those.apply(files=stdio(env={"MARK": SecretText("here")}), other=stdio())
        await those.ready("files")
        await those.ready("other")
        await those.apply(other=stdio(enabled=False))
        assert those.catalogue.entry("files") is None
        assert those.entry("other").state == "disabled"
        await until(lambda: not list(tmp_path.glob("*.sock")), "the sockets are gone")


async def test_what_a_server_started_ends_with_it(tmp_path: Path) -> None:
    """A server is killed; something that it left in the background has its output open. That is ended, and the server
    is started anew."""
    mark = tmp_path / "pid"
    script = f"sleep 1000 & echo $! > {mark}; echo $$ > {tmp_path / 'own'}; exec {' '.join(stdio().command)}"
    async with running(tmp_path) as those:
        await those.apply(files=ServerSettings(command=("/bin/sh", "-c", script)))
        await those.ready("files")
        left = int(mark.read_text())
        os.kill(left, 0)
        os.kill(int((tmp_path / "own").read_text()), 9)
        await until(lambda: not alive(left), "the background process ends")
        await those.ready("files")


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


async def test_the_last_catalogue_is_there_after_a_restart(tmp_path: Path) -> None:
    """Before anything is connected to, tools of the last run are published, with the socket of this run."""
    async with running(tmp_path) as those:
        await those.apply(files=stdio())
        await those.ready("files")
        await until(lambda: those.announced, "it is saved")
    async with running(tmp_path) as those:
        await those.apply(files=ServerSettings(command=("/bin/sh", "-c", "exec cat > /dev/null")))
        assert those.entry("files").state == "connecting"
        assert those.tools("files") == ["add"]
        assert those.entry("files").endpoint == str(tmp_path / "mcp-files.sock")
