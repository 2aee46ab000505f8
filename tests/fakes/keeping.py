"""A provider that keeps files and batches as OpenAI does: put one into `FakeUpstream.otherwise`.

    keeping = Keeping()
    upstream.otherwise = keeping
    ...
    keeping.finish("batch_1", b"out")     # the batch is completed, with these bytes as its output

It refuses what OpenAI refuses: a form without purpose or file, an id that it does not have, a batch without a file of
the purpose `batch`. What a request is, it finds out by itself: nothing here knows Asbru.
"""

from __future__ import annotations

import re
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from tests.fakes.upstream import Reply, Seen

USAGE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 40},
    "output_tokens": 30,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 130,
}

MESSAGE_BATCHES = "/v1/messages/batches"
MESSAGE_BATCH = {
    "type": "message_batch",
    "processing_status": "ended",
    "request_counts": {"processing": 0, "succeeded": 0, "errored": 1, "canceled": 0, "expired": 0},
    "created_at": "2026-01-01T00:00:00Z",
    "expires_at": "2026-01-02T00:00:00Z",
    "ended_at": "2026-01-01T00:01:00Z",
    "archived_at": None,
    "cancel_initiated_at": None,
}
RESULTS = b'{"custom_id":"1","result":{"type":"expired"}}\n'


class Keeping:
    """See the module. `files` and `batches` by id, `contents` by the id of their file."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, Any]] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.contents: dict[str, bytes] = {}

    def __call__(self, seen: Seen) -> Reply:
        shown = seen.headers.get("x-api-key") or seen.headers.get("authorization", "").removeprefix("Bearer ")
        if not shown.startswith("sk-"):
            return _error(401, "Incorrect API key provided")
        if seen.path.startswith(MESSAGE_BATCHES):
            return self._ask_message_batches(seen, seen.path.removeprefix(MESSAGE_BATCHES).strip("/").split("/"))
        what, *rest = seen.path.removeprefix("/v1/").split("/")
        if what == "files":
            return self._ask_files(seen, rest)
        if what == "batches":
            return self._ask_batches(seen, rest)
        return _error(404, f"Invalid URL ({seen.method} {seen.path})")

    def _ask_files(self, seen: Seen, rest: list[str]) -> Reply:
        match seen.method, *rest:
            case ("POST",):
                return self._upload(seen)
            case ("GET",):
                return Reply.json({"object": "list", "data": [*self.files.values()], "has_more": False})
            case "GET", file if file in self.files:
                return Reply.json(self.files[file])
            case "GET", file, "content" if file in self.files:
                return Reply.body(self.contents[file], "application/octet-stream")
            case "DELETE", file if file in self.files:
                del self.files[file]
                return Reply.json({"id": file, "object": "file", "deleted": True})
            case _:
                return _error(404, f"No such File object: {rest}")

    def _ask_batches(self, seen: Seen, rest: list[str]) -> Reply:
        match seen.method, *rest:
            case ("POST",):
                return self._start(seen.json())
            case "GET", batch if batch in self.batches:
                return Reply.json(self.batches[batch])
            case "POST", batch, "cancel" if batch in self.batches:
                self.batches[batch]["status"] = "cancelling"
                return Reply.json(self.batches[batch])
            case _:
                return _error(404, f"No batch found: {rest}")

    def _ask_message_batches(self, seen: Seen, rest: list[str]) -> Reply:
        """Anthropic's: done as soon as they are started."""
        match seen.method, *rest:
            case "POST", "":
                number = f"msgbatch_{len(self.batches) + 1}"
                results_url = f"https://api.anthropic.com{MESSAGE_BATCHES}/{number}/results"
                self.batches[number] = {**MESSAGE_BATCH, "id": number, "results_url": results_url}
                return Reply.json(self.batches[number])
            case "GET", batch if batch in self.batches:
                return Reply.json(self.batches[batch])
            case "GET", batch, "results" if batch in self.batches:
                return Reply.body(RESULTS, "application/x-jsonl")
            case "DELETE", batch if batch in self.batches:
                del self.batches[batch]
                return Reply.json({"id": batch, "type": "message_batch_deleted"})
            case _:
                error = {"type": "not_found_error", "message": f"No batch found: {rest}"}
                return Reply.json({"type": "error", "error": error}, 404)

    def finish(self, batch: str, output: bytes) -> None:
        """The batch is done."""
        file = self._keep("output.jsonl", "batch_output", output)
        self.batches[batch] |= {"status": "completed", "output_file_id": file["id"], "usage": USAGE}

    def _keep(self, name: str, purpose: str, content: bytes) -> dict[str, Any]:
        number = len(self.contents) + 1
        made = {"id": f"file-{number}", "object": "file", "bytes": len(content), "created_at": 1700000000 + number}
        file = {**made, "filename": name, "purpose": purpose, "status": "processed"}
        self.files[file["id"]] = file
        self.contents[file["id"]] = content
        return file

    def _upload(self, seen: Seen) -> Reply:
        kind = seen.headers.get("content-type", "")
        if not kind.startswith("multipart/form-data"):
            return _error(400, "Expected a multipart form")
        message = BytesParser(policy=HTTP).parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + seen.body)
        parts = {str(part.get_param("name", header="content-disposition")): part for part in message.iter_parts()}
        if parts.keys() != {"purpose", "file"}:
            return _error(400, f"Expected a purpose and a file, got {sorted(parts)}")
        name = re.sub(r"[^\w.-]", "_", parts["file"].get_filename() or "file")
        content = parts["file"].get_payload(decode=True)
        assert isinstance(content, bytes)
        return Reply.json(self._keep(name, str(parts["purpose"].get_content()).strip(), content))

    def _start(self, asked: dict[str, Any]) -> Reply:
        file = self.files.get(str(asked.get("input_file_id")))
        if file is None or file["purpose"] != "batch" or asked.get("completion_window") != "24h":
            return _error(400, "Invalid batch")
        number = len(self.batches) + 1
        batch = {
            "id": f"batch_{number}",
            "object": "batch",
            "endpoint": asked["endpoint"],
            "input_file_id": file["id"],
            "completion_window": "24h",
            "status": "validating",
            "output_file_id": None,
            "error_file_id": None,
            "errors": None,
            "created_at": 1700000000 + number,
            "model": "gpt-4o-mini",
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
        }
        self.batches[batch["id"]] = batch
        return Reply.json(batch)


def _error(status: int, message: str) -> Reply:
    return Reply.json(
        {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}}, status
    )
