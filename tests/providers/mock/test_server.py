"""The mock's server as a process: real sockets, both dialects, faults on request, a clean end."""

from __future__ import annotations

import http.client
import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asbru.providers.mock.script import STORY

WAIT_S = 30.0
TOOL = {"type": "object", "properties": {"path": {"type": "string"}, "lines": {"type": "integer"}}}


class Mock:
    """The running process, and a client for it."""

    def __init__(self, *arguments: str, env: dict[str, str] | None = None) -> None:
        argv = [sys.executable, "-m", "asbru.providers.mock.server", *arguments]
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=env)
        assert self.process.stdout is not None
        words = self.process.stdout.readline().split()
        assert words[:1] == ["ready"], words
        self.port = int(words[1]) if len(words) > 1 else 0

    def end(self) -> int:
        """SIGTERM, and the exit status."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return self.process.wait(WAIT_S)

    def ask(self, path: str, body: Any = None, method: str = "POST", **headers: str) -> tuple[int, Any]:
        """Status and JSON body of one request on a connection of its own."""
        response, raw = self.fetch(path, body, method, **headers)
        return response.status, json.loads(raw)

    def fetch(
        self, path: str, body: Any = None, method: str = "POST", **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """The response and its bytes, as far as they came."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {name.replace("_", "-"): v for name, v in headers.items()})
            response = connection.getresponse()
            try:
                return response, response.read()
            except http.client.IncompleteRead as cut:
                return response, cut.partial
        finally:
            connection.close()

    def chat(self, model: str, text: str = "say it", **more: Any) -> tuple[int, Any]:
        """An OpenAI chat call."""
        messages = [{"role": "user", "content": text}]
        return self.ask("/v1/chat/completions", {"model": model, "messages": messages, **more})

    def events(self, model: str, path: str = "/v1/chat/completions", **more: Any) -> list[bytes]:
        """The events of a stream, as far as they came."""
        messages = [{"role": "user", "content": "say it"}]
        _, raw = self.fetch(path, {"model": model, "messages": messages, "stream": True, "max_tokens": 500, **more})
        return raw.removesuffix(b"\n\n").split(b"\n\n")


@pytest.fixture(scope="module")
def mock() -> Iterator[Mock]:
    """One server for all tests of this file; it ends with status 0."""
    running = Mock("--port", "0")
    yield running
    assert running.end() == 0


def _data(events: list[bytes]) -> list[Any]:
    payloads = [event.split(b"data: ", 1)[1] for event in events]
    return [json.loads(payload) for payload in payloads if payload != b"[DONE]"]


def test_echo_in_both_dialects(mock: Mock) -> None:
    """`echo` repeats the last user text, with the usage its documented rule gives."""
    status, answer = mock.chat("echo", "one two three")
    assert status == 200
    assert answer["choices"][0]["message"]["content"] == "one two three"
    assert (answer["usage"]["prompt_tokens"], answer["usage"]["completion_tokens"]) == (3, 3)
    asked = {"model": "echo", "max_tokens": 9, "system": "be brief", "messages": [{"role": "user", "content": "hi"}]}
    status, answer = mock.ask("/v1/messages?beta=true", asked)
    assert (status, answer["content"], answer["stop_reason"]) == (200, [{"type": "text", "text": "hi"}], "end_turn")
    assert answer["usage"]["input_tokens"] == 3
    assert mock.ask("/v1/messages/count_tokens", asked) == (200, {"input_tokens": 3})


def test_same_question_same_bytes(mock: Mock) -> None:
    """Answers follow from the request alone."""
    assert mock.chat("thinking", "again") == mock.chat("thinking", "again")
    assert mock.events("parallel") == mock.events("parallel")


def test_story_streamed_is_the_story(mock: Mock) -> None:
    """The stream of `story` adds up to the whole answer, ends with usage when asked, and with [DONE]."""
    events = mock.events("story+pause-0", stream_options={"include_usage": True})
    assert events[-1] == b"data: [DONE]"
    chunks = _data(events)
    text = "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"])
    assert text == STORY
    assert chunks[-1]["usage"]["completion_tokens"] == len(STORY.split())
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks[:-1]][-1] == "stop"


def test_story_in_the_anthropic_dialect(mock: Mock) -> None:
    """The same story as Anthropic events, in their order."""
    chunks = _data(mock.events("story+pause-0", "/v1/messages"))
    assert "".join(chunk["delta"]["text"] for chunk in chunks if chunk["type"] == "content_block_delta") == STORY
    assert [chunks[0]["type"], chunks[-1]["type"]] == ["message_start", "message_stop"]


@pytest.mark.parametrize(("model", "count"), [("tools", 1), ("parallel", 2)])
def test_tool_round_trip(mock: Mock, model: str, count: int) -> None:
    """The first tools offered are called with arguments of their schema; results are answered with text."""
    function = {"name": "read", "parameters": TOOL}
    other = {"name": "list", "parameters": {"type": "object", "properties": {}}}
    tools = [{"type": "function", "function": function}, {"type": "function", "function": other}]
    _, answer = mock.chat(model, tools=tools)
    message = answer["choices"][0]["message"]
    calls = message["tool_calls"]
    assert [call["function"]["name"] for call in calls] == ["read", "list"][:count]
    assert json.loads(calls[0]["function"]["arguments"]) == {"path": "path", "lines": 1}
    assert answer["choices"][0]["finish_reason"] == "tool_calls"
    results = [{"role": "tool", "tool_call_id": call["id"], "content": f"r{n}"} for n, call in enumerate(calls)]
    messages = [{"role": "user", "content": "say it"}, message, *results]
    _, answer = mock.ask("/v1/chat/completions", {"model": model, "messages": messages, "tools": tools})
    assert answer["choices"][0]["message"]["content"].endswith("; ".join(f"r{n}" for n in range(count)))


def test_streamed_tool_calls_add_up(mock: Mock) -> None:
    """Arguments streamed in pieces are those of the whole answer, with the same ids, in both dialects."""
    tools = [{"type": "function", "function": {"name": "read", "parameters": TOOL}}]
    _, whole = mock.chat("parallel", tools=tools)
    joined = {0: "", 1: ""}
    ids: list[str] = []
    for chunk in _data(mock.events("parallel", tools=tools)):
        for call in chunk["choices"][0]["delta"].get("tool_calls", ()):
            joined[call["index"]] += call["function"]["arguments"]
            ids += [call["id"]] if "id" in call else []
    calls = whole["choices"][0]["message"]["tool_calls"]
    assert list(joined.values()) == [call["function"]["arguments"] for call in calls]
    assert ids == [call["id"] for call in calls]
    blocks = _data(mock.events("tools", "/v1/messages", tools=[{"name": "read", "input_schema": TOOL}]))
    pieces = [b["delta"]["partial_json"] for b in blocks if b["type"] == "content_block_delta"]
    assert json.loads("".join(pieces)) == {"path": "path", "lines": 1}


def test_structured_output(mock: Mock) -> None:
    """`json` answers with an object that fits the schema, references and alternatives included."""
    schema = {
        "type": "object",
        "properties": {
            "colour": {"enum": ["red", "blue"]},
            "when": {"anyOf": [{"type": "null"}, {"type": "string", "format": "date"}]},
            "tags": {"type": "array", "items": {"$ref": "#/$defs/tag"}, "minItems": 2},
            "skipped": {"type": "string"},
        },
        "required": ["colour", "when", "tags"],
        "$defs": {"tag": {"type": "string", "minLength": 6}},
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    _, answer = mock.chat("json", response_format=wanted)
    expected = {"colour": "red", "when": "2026-01-31", "tags": ["tagsxx", "tagsxx"]}
    assert json.loads(answer["choices"][0]["message"]["content"]) == expected
    body = {"model": "json", "max_tokens": 99, "messages": [{"role": "user", "content": "go"}]}
    _, answer = mock.ask(
        "/v1/messages", {**body, "output_config": {"format": {"type": "json_schema", "schema": schema}}}
    )
    assert json.loads(answer["content"][0]["text"]) == expected


def test_thinking_is_signed_and_checked(mock: Mock) -> None:
    """A thought goes back with its signature; with another it is refused, as the real service does."""
    asked = {"model": "thinking", "max_tokens": 99, "messages": [{"role": "user", "content": "why"}]}
    _, answer = mock.ask("/v1/messages", asked)
    thought, text = answer["content"]
    assert (thought["type"], text["text"]) == ("thinking", "why")
    turns = [
        *asked["messages"],
        {"role": "assistant", "content": answer["content"]},
        {"role": "user", "content": "so"},
    ]
    assert mock.ask("/v1/messages", {**asked, "messages": turns})[0] == 200
    turns[1] = {"role": "assistant", "content": [{**thought, "signature": "forged"}, text]}
    status, answer = mock.ask("/v1/messages", {**asked, "messages": turns})
    assert (status, answer["error"]["type"]) == (400, "invalid_request_error")
    _, answer = mock.chat("thinking")
    assert answer["choices"][0]["message"]["reasoning_content"] == thought["thinking"]
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] == len(thought["thinking"].split())


def test_vision_counts_images(mock: Mock) -> None:
    """`vision` tells how many images came and of which kind, in both dialects."""
    parts = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]
    _, answer = mock.chat("vision", parts)  # type: ignore[arg-type]  # parts are content too
    assert answer["choices"][0]["message"]["content"] == "I see 1 image: image/png."
    block = {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": "AAAA"}}
    asked = {"model": "vision", "max_tokens": 9, "messages": [{"role": "user", "content": [block, block]}]}
    _, answer = mock.ask("/v1/messages", asked)
    assert answer["content"][0]["text"] == "I see 2 images: image/gif, image/gif."


def test_moderations(mock: Mock) -> None:
    """A text is flagged by a word in it; the model may be left out."""
    _, answer = mock.ask("/v1/moderations", {"input": ["some violence", "peace"]})
    assert [result["flagged"] for result in answer["results"]] == [True, False]
    assert mock.ask("/v1/moderations", {"model": "echo", "input": "a"})[0] == 404
    assert mock.ask("/v1/moderations", {"input": []})[0] == 400


def test_rerank(mock: Mock) -> None:
    """Documents come in the order of the query's words that they hold, as many as are asked for."""
    documents = ["a stone", {"text": "a red llama"}, "a llama"]
    asked = {"model": "rank", "query": "red llama", "documents": documents, "top_n": 2, "return_documents": True}
    _, answer = mock.ask("/v1/rerank", asked)
    assert [(one["index"], one["relevance_score"]) for one in answer["results"]] == [(1, 1.0), (2, 0.5)]
    assert answer["results"][0]["document"] == {"text": "a red llama"}
    assert answer["usage"] == {"prompt_tokens": 9, "total_tokens": 9}
    assert mock.ask("/v1/rerank", {**asked, "model": "echo"})[0] == 404
    assert mock.ask("/v1/rerank", {**asked, "documents": []})[0] == 400


def test_embeddings(mock: Mock) -> None:
    """`embed` gives unit vectors that depend on the text alone, of the size asked for."""
    _, answer = mock.ask("/v1/embeddings", {"model": "embed", "input": ["a", "b", "a"], "dimensions": 40})
    first, second, third = (item["embedding"] for item in answer["data"])
    assert first == third != second
    assert len(first) == 40 and math.isclose(sum(value * value for value in first), 1)
    assert mock.ask("/v1/embeddings", {"model": "embed", "input": []})[0] == 400
    assert mock.ask("/v1/embeddings", {"model": "echo", "input": "a"})[0] == 404


def test_limits_of_the_caller(mock: Mock) -> None:
    """`max_tokens` and stop sequences end an answer, and the stop reason says so."""
    _, answer = mock.chat("echo", "one two three", max_tokens=2)
    assert answer["choices"][0]["message"]["content"] == "one two"
    assert answer["choices"][0]["finish_reason"] == "length"
    asked = {"model": "echo", "max_tokens": 9, "stop_sequences": ["thr"], "messages": []}
    asked["messages"] = [{"role": "user", "content": "one two three"}]
    _, answer = mock.ask("/v1/messages", asked)
    assert (answer["content"][0]["text"], answer["stop_reason"]) == ("one two ", "stop_sequence")
    assert answer["stop_sequence"] == "thr"


def test_models_and_unknown_things(mock: Mock) -> None:
    """Models are listed in the asker's dialect; what is not there is a 404 in it, and bad bodies are a 400."""
    _, answer = mock.ask("/v1/models", method="GET")
    assert {"echo", "embed"} <= {model["id"] for model in answer["data"]}
    _, answer = mock.ask("/v1/models", method="GET", anthropic_version="2023-06-01")
    assert answer["has_more"] is False
    assert mock.chat("gpt-9")[0] == 404
    assert mock.ask("/v1/nothing", {})[0] == 404
    assert mock.ask("/v1/chat/completions", method="GET")[0] == 405
    status, answer = mock.ask("/v1/messages", {"model": 5})
    assert (status, answer["type"]) == (400, "error")
    assert mock.ask("/v1/messages", {"model": "echo", "messages": [{"role": "user", "content": "x"}]})[0] == 400


@pytest.mark.parametrize(("status", "kind"), [(401, "authentication_error"), (529, "overloaded_error")])
def test_error_on_request(mock: Mock, status: int, kind: str) -> None:
    """`error-N` answers with that status, in the dialect that was used."""
    got, answer = mock.chat(f"error-{status}")
    assert got == status and answer["error"]["message"]
    asked = {"model": f"error-{status}", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    got, answer = mock.ask("/v1/messages", asked)
    assert (got, answer["error"]["type"]) == (status, kind)


def test_retry_after(mock: Mock) -> None:
    """`error-429-after-2` names the seconds to wait, `error-429` does not."""
    body = {"messages": [{"role": "user", "content": "x"}]}
    response, _ = mock.fetch("/v1/chat/completions", {"model": "error-429-after-2", **body})
    assert (response.status, response.headers["retry-after"]) == (429, "2")
    response, _ = mock.fetch("/v1/chat/completions", {"model": "error-429", **body})
    assert response.headers["retry-after"] is None


def test_flaky_fails_then_works(mock: Mock) -> None:
    """`flaky-2` fails twice for a prompt, works once, and counts each prompt for itself."""
    assert [mock.chat("flaky-2", "first")[0] for _ in range(4)] == [500, 500, 200, 500]
    assert mock.chat("flaky-2", "second")[0] == 500


def test_spoilt_streams(mock: Mock) -> None:
    """Cut, missing end, garbage and errors inside a stream come exactly where they were asked for."""
    assert len(mock.events("cut-5")) == 5
    assert mock.events("echo+no-done")[-1] != b"data: [DONE]"
    assert b"\xff" in mock.events("garbage")[-1]
    assert "error" in _data(mock.events("error-mid-stream"))[4]
    assert "error" in _data(mock.events("error-in-200"))[0]
    last = mock.events("error-mid-stream", "/v1/messages")[-1]
    assert last.startswith(b"event: error\n") and b"overloaded_error" in last


def test_spoilt_whole_answers(mock: Mock) -> None:
    """Without streaming, a cut answer is shorter than it claims, and other faults come with status 200."""
    body = {"messages": [{"role": "user", "content": "x"}]}
    response, raw = mock.fetch("/v1/chat/completions", {"model": "echo+cut-7", **body})
    assert len(raw) == 7 < int(response.headers["content-length"])
    assert "error" in mock.chat("error-in-200")[1]
    response, raw = mock.fetch("/v1/chat/completions", {"model": "wrong-type", **body})
    assert response.headers["content-type"] == "text/html" and raw.startswith(b"<html>")
    with pytest.raises(ValueError, match="utf-8"):
        mock.chat("garbage")


def test_slow_and_stalled(mock: Mock) -> None:
    """`slow-N` keeps the first byte back; `stall-N` sends N events and then nothing, until the caller leaves."""
    began = time.monotonic()
    assert mock.chat("slow-150")[0] == 200
    assert time.monotonic() - began >= 0.15
    asked = {"model": "echo+stall-2", "stream": True, "messages": [{"role": "user", "content": "a b c d"}]}
    body = json.dumps(asked).encode()
    with socket.create_connection(("127.0.0.1", mock.port), timeout=WAIT_S) as connection:
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n")
        connection.sendall(b"content-length: %d\r\n\r\n%b" % (len(body), body))
        seen = b""
        while seen.count(b"data: ") < 2:
            seen += connection.recv(65536)
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(65536)


def test_one_connection_many_requests(mock: Mock) -> None:
    """Requests sent ahead on one connection are answered in order; what is not HTTP gets a 400."""
    bodies = [
        json.dumps({"model": "echo", "messages": [{"role": "user", "content": word}]}).encode()
        for word in ("alpha", "beta", "gamma")
    ]
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
    with socket.create_connection(("127.0.0.1", mock.port), timeout=WAIT_S) as connection:
        connection.sendall(b"".join(head % len(body) + body for body in bodies) + b"nonsense\r\n\r\n")
        seen = b""
        while received := connection.recv(65536):
            seen += received
    places = [seen.index(word) for word in (b"alpha", b"beta", b"gamma", b"400 Bad Request")]
    assert places == sorted(places)


def test_unix_socket_and_clean_end(tmp_path: Path) -> None:
    """On a Unix socket it says `ready`, serves, takes the place of a stale socket, and removes it at the end."""
    path = tmp_path / "mock.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    running = Mock("--socket", str(path))
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(WAIT_S)
            connection.connect(str(path))
            connection.sendall(b"HEAD / HTTP/1.1\r\nhost: x\r\n\r\n")
            assert connection.recv(1024).startswith(b"HTTP/1.1 200 OK\r\n")
        assert path.stat().st_mode & 0o777 == 0o600
    finally:
        assert running.end() == 0
    assert not path.exists()


def test_ends_with_its_parent() -> None:
    """When the process that started it is killed, it ends too; when that process is gone already, at once."""
    code = "import subprocess, sys, time\n"
    code += "p = subprocess.Popen([sys.executable, '-m', 'asbru.providers.mock.server', '--port', '0'])\n"
    code += "print(p.pid, flush=True)\ntime.sleep(60)\n"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    lines = [parent.stdout.readline(), parent.stdout.readline()]
    assert sorted(line.split()[0].isdigit() for line in lines) == [False, True]
    parent.kill()
    reader = threading.Thread(target=parent.stdout.read)  # ends when the last holder of the pipe is gone
    reader.start()
    reader.join(WAIT_S)
    assert not reader.is_alive()
    parent.wait(WAIT_S)
    parent.stdout.close()
    argv = [sys.executable, "-m", "asbru.providers.mock.server", "--port", "0"]
    orphan = subprocess.run(argv, env={**os.environ, "ASBRU_SUPERVISOR_PID": "1"}, timeout=WAIT_S, check=False)
    assert orphan.returncode == 0
