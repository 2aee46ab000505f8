"""Providers that keep files and batches in their own words: put one into `FakeUpstream.otherwise`, as `Keeping`.

    MistralKeeping     jobs at /batch/jobs; a member that it does not know is refused with 422
    TogetherKeeping    uploads at /files/upload with the file's name in a field; a new batch comes inside `job`

Sources: https://docs.mistral.ai/api/endpoint/batch, https://github.com/mistralai/client-python (BatchJob,
CreateBatchJobRequest), https://docs.together.ai/reference/batch-create, https://docs.together.ai/reference/upload-file
"""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from tests.fakes.keeping import Keeping
from tests.fakes.upstream import Reply, Seen

_MISTRAL_ASKED = {"input_files", "requests", "endpoint", "model", "agent_id", "metadata", "timeout_hours"}
_MISTRAL_PURPOSES = {"fine-tune", "batch", "ocr", "audio"}
_TOGETHER_ENDPOINTS = {"/v1/chat/completions", "/v1/audio/transcriptions", "/v1/audio/translations"}
_TOGETHER_PURPOSES = {
    "fine-tune",
    "eval",
    "eval-sample",
    "eval-output",
    "eval-summary",
    "batch-generated",
    "batch-api",
}
_TOGETHER_ASKED = {"endpoint", "input_file_id", "completion_window", "model_id", "priority"}


def fields_of(seen: Seen) -> dict[str, Any]:
    """The parts of a form, by their names."""
    kind = seen.headers["content-type"].encode()
    message = BytesParser(policy=HTTP).parsebytes(b"content-type: " + kind + b"\r\n\r\n" + seen.body)
    return {str(part.get_param("name", header="content-disposition")): part for part in message.iter_parts()}


def _text(part: Any) -> str:
    return str(part.get_content()).strip()


class MistralKeeping(Keeping):
    """See the module."""

    def __call__(self, seen: Seen) -> Reply:
        if seen.path.startswith("/v1/batch/jobs"):
            return self._ask_jobs(seen, seen.path.removeprefix("/v1/batch/jobs").strip("/").split("/"))
        if seen.path.startswith("/v1/batches"):
            return Reply.json({"message": "no Route matched with those values"}, 404)
        if seen.method == "POST" and _text(fields_of(seen).get("purpose")) not in _MISTRAL_PURPOSES:
            return _invalid(["body", "purpose"], "Input should be 'fine-tune', 'batch', 'ocr' or 'audio'")
        return super().__call__(seen)

    def _ask_jobs(self, seen: Seen, rest: list[str]) -> Reply:
        match seen.method, *rest:
            case "POST", "":
                return self._begin(seen.json())
            case "GET", job if job in self.batches:
                return Reply.json(self.batches[job])
            case "POST", job, "cancel" if job in self.batches:
                self.batches[job]["status"] = "CANCELLATION_REQUESTED"
                return Reply.json(self.batches[job])
            case _:
                return Reply.json({"object": "error", "message": "Batch job not found", "type": "not_found"}, 404)

    def _begin(self, asked: dict[str, Any]) -> Reply:
        for name in sorted(asked.keys() - _MISTRAL_ASKED):
            return _invalid(["body", name], "Extra inputs are not permitted")
        files, hours = asked.get("input_files"), asked.get("timeout_hours", 24)
        if not isinstance(files, list) or not all(file in self.files for file in files):
            return _invalid(["body", "input_files"], "Input should be a valid list of files")
        if not isinstance(hours, int):
            return _invalid(["body", "timeout_hours"], "Input should be a valid integer")
        job = {
            "id": f"job-{len(self.batches) + 1}",
            "object": "batch",
            "input_files": files,
            "metadata": asked.get("metadata"),
            "endpoint": asked["endpoint"],
            "model": asked.get("model"),
            "output_file": None,
            "error_file": None,
            "errors": [],
            "status": "QUEUED",
            "created_at": 1_700_000_000,
            "total_requests": 2,
            "completed_requests": 0,
            "succeeded_requests": 0,
            "failed_requests": 0,
            "started_at": None,
            "completed_at": None,
        }
        self.batches[str(job["id"])] = job
        return Reply.json(job)

    def finish(self, batch: str, output: bytes) -> None:
        """The job is done; one of its requests failed."""
        file = self._keep("output.jsonl", "batch", output)
        self.batches[batch] |= {
            "status": "SUCCESS",
            "output_file": file["id"],
            "errors": [{"message": "Invalid model", "count": 1}],
            "completed_requests": 2,
            "succeeded_requests": 1,
            "failed_requests": 1,
            "started_at": 1_700_000_010,
            "completed_at": 1_700_000_020,
        }


class TogetherKeeping(Keeping):
    """See the module."""

    def __call__(self, seen: Seen) -> Reply:
        if (seen.method, seen.path) == ("POST", "/v1/files"):
            return Reply.json({"error": {"message": "Unable to find route", "type": "invalid_request_error"}}, 404)
        if (seen.method, seen.path) == ("POST", "/v1/files/upload"):
            return self._take(fields_of(seen))
        answer = super().__call__(seen)
        if seen.method == "DELETE" and answer.status == 200:
            return Reply.json({"id": seen.path.rpartition("/")[2], "deleted": True})
        return answer

    def _take(self, parts: dict[str, Any]) -> Reply:
        lacking = [name for name in ("purpose", "file_name", "file") if name not in parts]
        if lacking:
            return _unfit(f"missing required field: {lacking[0]}")
        purpose = _text(parts["purpose"])
        if purpose not in _TOGETHER_PURPOSES:
            return _unfit(f"invalid purpose: {purpose}")
        content = parts["file"].get_payload(decode=True)
        file = self._keep(_text(parts["file_name"]), purpose, content)
        del file["status"]
        file |= {"Processed": True, "FileType": "jsonl", "LineCount": content.count(b"\n")}
        return Reply.json(file)

    def _start(self, asked: dict[str, Any]) -> Reply:
        file = self.files.get(str(asked.get("input_file_id")))
        if file is None or file["purpose"] != "batch-api" or asked.get("endpoint") not in _TOGETHER_ENDPOINTS:
            return _unfit("invalid input file or endpoint")
        if asked.keys() - _TOGETHER_ASKED:
            return _unfit(f"unknown field: {min(asked.keys() - _TOGETHER_ASKED)}")
        job = {
            "id": f"batch-{len(self.batches) + 1}",
            "user_id": "user",
            "input_file_id": file["id"],
            "file_size_bytes": file["bytes"],
            "status": "VALIDATING",
            "job_deadline": "2026-11-29T12:00:00Z",
            "created_at": "2026-11-28T12:00:00.250Z",
            "endpoint": asked["endpoint"],
            "progress": 0,
            "model_id": asked.get("model_id", ""),
        }
        self.batches[str(job["id"])] = job
        return Reply.json({"job": job, "warning": "the file is short"}, 201)

    def finish(self, batch: str, output: bytes) -> None:
        """The job is done."""
        file = self._keep("output.jsonl", "batch-generated", output)
        done = {"status": "COMPLETED", "output_file_id": file["id"], "completed_at": "2026-11-28T13:00:00Z"}
        self.batches[batch] |= {**done, "error_file_id": "", "error": "one line was not read"}


def _invalid(where: list[str], message: str) -> Reply:
    return Reply.json({"object": "error", "message": {"detail": [{"loc": where, "msg": message}]}}, 422)


def _unfit(message: str) -> Reply:
    return Reply.json({"error": {"message": message, "type": "invalid_request_error"}}, 400)
