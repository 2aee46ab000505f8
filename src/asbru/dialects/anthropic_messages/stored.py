"""Message batches: what Anthropic keeps for callers. None is translated; their ids are Asbru's (`Operation.stored`).

A batch names the address of its results, which SDKs ask as it stands: it is replaced by Asbru's path, so that no key of
a caller leaves. Usage is told in the results alone, for each request.
Source: https://platform.claude.com/docs/en/api/creating-message-batches
"""

from __future__ import annotations

from typing import Literal

from asbru.dialects.contract import Operation, PathParameters, RequestHead, Stored

_PATH = "/messages/batches"
_LINKS = {"results_url": "/v1/messages/batches/{id}/results"}


def _read_no_head(body: bytes, parameters: PathParameters, query: bytes) -> RequestHead:
    """Which models a batch names, its requests say."""
    del body, parameters, query
    return RequestHead(model="", stream=False, wants_usage=True, max_tokens=None)


def _stored(name: str, asked: str, act: Literal["create", "list", "read", "content", "delete"]) -> Operation:
    """An operation on batches. `asked`: method and what follows their path."""
    method, _, below = asked.partition(" ")
    creates = act == "create"
    return Operation(
        name=name,
        surface=name,
        routes=(f"{_PATH}{below}",),
        path=f"{_PATH}{below}",
        methods=(method.encode(),),
        takes="json" if creates else "nothing",
        gives="bytes" if act == "content" else "json",
        read_head=_read_no_head,
        speaks=creates,
        stored=Stored(
            kind="message_batch",
            act=act,
            sealed={"id": "message_batch"},
            links=_LINKS,
            after="after_id",
            spends=creates,
        ),
    )


STORED_OPERATIONS = (
    _stored("message_batches", "POST", "create"),
    _stored("message_batches.list", "GET", "list"),
    _stored("message_batches.read", "GET /{message_batch_id}", "read"),
    _stored("message_batches.results", "GET /{message_batch_id}/results", "content"),
    _stored("message_batches.cancel", "POST /{message_batch_id}/cancel", "read"),
    _stored("message_batches.delete", "DELETE /{message_batch_id}", "delete"),
)
