"""Qdrant's own local engine as a `qdrant.Fetch`, behind the request models that its client generates from the server's
OpenAPI description: what they do not know is refused, as the server refuses it.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

import msgspec
from pydantic import ValidationError
from qdrant_client import QdrantClient
from qdrant_client.http import models


class QdrantLocal:
    """See the module. `asked`: method and path of each request."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.client = QdrantClient(":memory:")
        self._indexed: set[str] = set()

    async def __call__(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        self.asked.append(f"{method} {path}")
        found = re.fullmatch(r"/collections/([^/?]+)(/[a-z/]+)?(?:\?wait=true)?", path)
        assert found is not None, path
        name, rest = found[1], found[2] or ""
        try:
            result = getattr(self, f"_{method.lower()}{rest.replace('/', '_')}")(name, body)
        except ValidationError as error:
            return 400, _error(f"Format error in JSON body: {error}")
        except LookupError as error:
            return 404, _error(str(error))
        except ValueError as error:
            return 400, _error(str(error))
        return 200, msgspec.json.encode({"result": result, "status": "ok", "time": 0.001})

    def _known(self, name: str) -> str:
        if not self.client.collection_exists(name):
            raise LookupError(f"Not found: Collection `{name}` doesn't exist!")
        return name

    def _get(self, name: str, body: bytes) -> Any:
        assert not body
        return self.client.get_collection(self._known(name)).model_dump(mode="json")

    def _put(self, name: str, body: bytes) -> bool:
        asked = models.CreateCollection.model_validate_json(body)
        assert asked.vectors is not None
        return self.client.create_collection(name, vectors_config=asked.vectors)

    def _put_index(self, name: str, body: bytes) -> None:
        asked = models.CreateFieldIndex.model_validate_json(body)
        with warnings.catch_warnings(action="ignore"):  # the local engine has no indexes
            self.client.create_payload_index(self._known(name), asked.field_name, field_schema=asked.field_schema)
        self._indexed.add(asked.field_name)

    def _put_points(self, name: str, body: bytes) -> None:
        self.client.upsert(self._known(name), models.PointsList.model_validate_json(body).points)

    def _post_points_query(self, name: str, body: bytes) -> Any:
        asked = models.QueryRequest.model_validate_json(body)
        assert isinstance(asked.query, list)
        found = self.client.query_points(
            self._known(name),
            query=asked.query,
            query_filter=asked.filter,
            limit=asked.limit or 10,
            score_threshold=asked.score_threshold,
            with_payload=asked.with_payload or False,
        )
        return found.model_dump(mode="json")

    def _post_points_delete(self, name: str, body: bytes) -> None:
        members = msgspec.json.decode(body)
        kind = models.FilterSelector if "filter" in members else models.PointIdsList
        self.client.delete(self._known(name), kind.model_validate_json(body))

    def _post_points_scroll(self, name: str, body: bytes) -> Any:
        asked = models.ScrollRequest.model_validate_json(body)
        if asked.order_by is not None:
            key = asked.order_by if isinstance(asked.order_by, str) else asked.order_by.key
            if key not in self._indexed:
                raise ValueError(f"No range index for `order_by` key: `{key}`")
        points, following = self.client.scroll(
            self._known(name),
            scroll_filter=asked.filter,
            limit=asked.limit or 10,
            offset=asked.offset,
            order_by=asked.order_by,
            with_payload=True if asked.with_payload is None else asked.with_payload,
        )
        return {"points": [one.model_dump(mode="json") for one in points], "next_page_offset": following}

    def _post_points_count(self, name: str, body: bytes) -> Any:
        asked = models.CountRequest.model_validate_json(body)
        return self.client.count(self._known(name), count_filter=asked.filter, exact=bool(asked.exact)).model_dump()


def _error(why: str) -> bytes:
    return msgspec.json.encode({"status": {"error": why}, "time": 0.001})
