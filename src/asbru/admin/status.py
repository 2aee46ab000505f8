"""Who answers: name, version and since when. Open to everyone, so nothing more."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from asbru.admin.access import OPEN


class Status(BaseModel):
    """The control process."""

    name: str = "asbru"
    version: str
    started_at: datetime


def build_router(version: str, started_at: datetime) -> APIRouter:
    """GET /status."""
    router = APIRouter(tags=["status"])
    found = Status(version=version, started_at=started_at)

    @router.get("/status", openapi_extra=OPEN)
    async def read_status() -> Status:  # pyright: ignore[reportUnusedFunction] -- the router calls it
        """Name, version and when the control process started."""
        return found

    return router
