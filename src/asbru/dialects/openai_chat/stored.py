"""Files and batches: what providers keep for callers. None is translated; their ids are Asbru's (`Operation.stored`).

Sources: https://platform.openai.com/docs/api-reference/files, https://platform.openai.com/docs/api-reference/batch
"""

from __future__ import annotations

from typing import Literal

import msgspec

from asbru.core.usage import Usage
from asbru.dialects.contract import Operation, PathParameters, RequestHead, Stored

BATCH_TIER = "batch"
"""What a batch is charged by; OpenAI calls it so in its price list."""

_FILE = {"id": "file"}
_BATCH = {"id": "batch", "input_file_id": "file", "output_file_id": "file", "error_file_id": "file"}


class _Details(msgspec.Struct):
    cached_tokens: int = 0
    reasoning_tokens: int = 0


class _Usage(msgspec.Struct):
    input_tokens: int
    output_tokens: int
    input_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None


class _Batch(msgspec.Struct):
    usage: _Usage | None = None


def read_batch_usage(body: bytes) -> Usage | None:
    """What the requests of a batch used, all in all; None where it is not told (yet)."""
    try:
        told = msgspec.json.decode(body, type=_Batch).usage
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if told is None or not (told.input_tokens or told.output_tokens):
        return None
    cached = (told.input_tokens_details or _Details()).cached_tokens
    reasoning = (told.output_tokens_details or _Details()).reasoning_tokens
    if not (0 <= cached <= told.input_tokens and 0 <= reasoning <= told.output_tokens):
        return None
    return Usage(
        input=told.input_tokens - cached,
        cache_read=cached,
        output=told.output_tokens - reasoning,
        reasoning=reasoning,
        standard=False,
        tier=BATCH_TIER,
    )


def _read_no_head(body: bytes, parameters: PathParameters, query: bytes) -> RequestHead:
    """These name no model."""
    del body, parameters, query
    return RequestHead(model="", stream=False, wants_usage=True, max_tokens=None)


def _stored(
    name: str, asked: str, act: Literal["create", "list", "read", "content", "delete"], sealed: dict[str, str]
) -> Operation:
    """An operation without a body. `asked`: method and path."""
    method, path = asked.split(" ")
    return Operation(
        name=name,
        surface=name,
        routes=(path,),
        path=path,
        methods=(method.encode(),),
        takes="nothing",
        gives="bytes" if act == "content" else "json",
        read_head=_read_no_head,
        speaks=False,
        stored=Stored(
            kind=sealed["id"],
            act=act,
            sealed=sealed,
            label="purpose" if sealed is _FILE else "",
            list_members={"object": "list"},
        ),
        usage_of=read_batch_usage if sealed is _BATCH else None,
    )


STORED_OPERATIONS = (
    Operation(
        name="files",
        surface="files",
        routes=("/files",),
        path="/files",
        takes="form",
        read_head=_read_no_head,
        speaks=False,
        stored=Stored(kind="file", act="create", sealed=_FILE, label="purpose"),
    ),
    _stored("files.list", "GET /files", "list", _FILE),
    _stored("files.read", "GET /files/{file_id}", "read", _FILE),
    _stored("files.content", "GET /files/{file_id}/content", "content", _FILE),
    _stored("files.delete", "DELETE /files/{file_id}", "delete", _FILE),
    Operation(
        name="batches",
        surface="batches",
        routes=("/batches",),
        path="/batches",
        read_head=_read_no_head,
        stored=Stored(kind="batch", act="create", opened={"input_file_id": "file"}, sealed=_BATCH, spends=True),
    ),
    _stored("batches.list", "GET /batches", "list", _BATCH),
    _stored("batches.read", "GET /batches/{batch_id}", "read", _BATCH),
    _stored("batches.cancel", "POST /batches/{batch_id}/cancel", "read", _BATCH),
)
