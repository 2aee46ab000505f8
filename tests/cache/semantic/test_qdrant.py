"""Vectors in Qdrant, as far as no Qdrant is needed; `clients/test_vector_search.py` has its own engine."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest
from tests.fakes.paths import run_path

from asbru.cache.remote import Remote, Seal
from asbru.cache.semantic.qdrant import SCROLLED_AT_ONCE, SWEPT_EVERY, QdrantVectors
from asbru.core.errors import GatewayError
from asbru.upstream.credentials.token_sender import TOKEN_RESPONSE_BYTES_MAX

pytest.importorskip("numpy")
DIMENSIONS = 8
POINT_BYTES = 4 * DIMENSIONS + 1024


class Full:
    """A collection with so many points. A response that the gateway's client would not take is refused as it does."""

    def __init__(self, points: int) -> None:
        self.points = points

    async def __call__(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        asked: dict[str, Any] = msgspec.json.decode(body) if body else {}
        result: Any = {}
        if method == "GET":
            result = {"config": {"params": {"vectors": {"size": DIMENSIONS, "distance": "Cosine"}}}}
        elif path.endswith("/count"):
            result = {"count": self.points}
        elif path.endswith("/scroll"):
            count = min(asked["limit"], self.points)
            ids = [{"id": str(uuid.UUID(int=one)), "payload": None, "vector": None} for one in range(count)]
            result = {"points": ids, "next_page_offset": None}
        elif "/points/delete" in path:
            self.points -= len(asked.get("points", ()))
        said = msgspec.json.encode({"result": result, "status": "ok", "time": 0.001})
        if len(said) > TOKEN_RESPONSE_BYTES_MAX:
            raise GatewayError("the response is too large")
        return 200, said


def test_a_collection_that_is_far_too_large_shrinks_step_by_step() -> None:
    """As after `bytes_max` was made smaller: each sweep deletes some, more than were added."""
    server = Full(10_000)
    vectors = QdrantVectors(
        server, "c", Remote("qdrant", object(), 5.0), Seal(b"s" * 16), bytes_max=100 * POINT_BYTES
    )  # type: ignore[arg-type]  # nothing is asked of its loop
    for number in range(2 * SWEPT_EVERY):
        run_path(vectors._put({"id": str(number), "vector": [1.0] * DIMENSIONS, "payload": {}}, 0))
    assert server.points == 10_000 - 2 * SCROLLED_AT_ONCE
    server.points = 150
    for number in range(SWEPT_EVERY):
        run_path(vectors._put({"id": str(number), "vector": [1.0] * DIMENSIONS, "payload": {}}, 0))
    assert server.points == 100
