"""Stored responses as operations: read, deleted, cancelled, and their input listed. Asbru answers them itself.

Source: https://platform.openai.com/docs/api-reference/responses/get
"""

from __future__ import annotations

from typing import Literal

from asbru.dialects.contract import Operation, PathParameters, RequestHead, Stored
from asbru.dialects.openai_responses.conversation import CONVERSING

_PATH = "/responses/{response_id}"


def _read_no_head(body: bytes, parameters: PathParameters, query: bytes) -> RequestHead:
    """Only its id is asked for."""
    del body, parameters, query
    return RequestHead(model="", stream=False, wants_usage=True, max_tokens=None)


def _stored(name: str, asked: str, act: Literal["list", "read", "delete"]) -> Operation:
    method, _, below = asked.partition(" ")
    return Operation(
        name=name,
        surface=name,
        routes=(f"{_PATH}{below}",),
        path=f"{_PATH}{below}",
        methods=(method.encode(),),
        takes="nothing",
        read_head=_read_no_head,
        speaks=False,
        stored=Stored(kind="response", act=act),
        converses=CONVERSING,
    )


STORED_OPERATIONS = (
    _stored("responses.read", "GET", "read"),
    _stored("responses.delete", "DELETE", "delete"),
    _stored("responses.input_items", "GET /input_items", "list"),
    _stored("responses.cancel", "POST /cancel", "read"),
)
