"""Who may use a route: everyone where it declares itself open, and else nobody yet.

Credentials and roles will be judged in `refuse_strangers`, which stands before every route. A route is open by its
description: `@router.get("/status", openapi_extra=OPEN)`, which is also how OpenAPI says it.
"""

from __future__ import annotations

from typing import Any, Final

from fastapi import Request

from asbru.core.errors import Unauthenticated

OPEN: Final[dict[str, Any]] = {"security": []}
"""For `openapi_extra`: this route needs no credential."""

SCHEME: Final = "bearer"


def refuse_strangers(request: Request) -> None:
    """The dependency of every route; raises `Unauthenticated`."""
    extra: dict[str, Any] | None = getattr(request.scope.get("route"), "openapi_extra", None)
    if extra is None or extra.get("security") != []:
        raise Unauthenticated(
            "this needs a credential of the management API (Authorization: Bearer)", code="missing_credential"
        )


def describe_access(schema: dict[str, Any]) -> None:
    """Say in an OpenAPI document what the routes that are not open need."""
    schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes[SCHEME] = {"type": "http", "scheme": "bearer"}
    schema["security"] = [{SCHEME: []}]
