"""Who answers."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.fakes.asgi import ask

from asbru.admin import build_application, status


def test_status_is_open() -> None:
    """Name, version and start, for everyone."""
    started = datetime(2026, 11, 1, 12, tzinfo=UTC)
    answer = ask(build_application([status.build_router("1.2.3", started)], "1.2.3"), "/api/v1/status")
    assert answer.status == 200
    assert answer.json() == {"name": "asbru", "version": "1.2.3", "started_at": "2026-11-01T12:00:00Z"}
