"""The routes of a kind of objects, alike for every kind.

    GET    /api/v1/NOUN              a page: {"items": [...], "next": id or null}; ?limit= ?after= ?search=, and
                                     ?customer= and the like for what objects name
    POST   /api/v1/NOUN              201 with the object and its ETag
    GET    /api/v1/NOUN/ID           200 with the object and its ETag
    PATCH  /api/v1/NOUN/ID           changes what it names; If-Match refuses another version (412)
    DELETE /api/v1/NOUN/ID           204; likewise

Bodies are read by the Structs that the configuration file is read by, and described from them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar, cast

import msgspec
from fastapi import APIRouter, Query, Request, Response

from asbru.admin.access import SCOPED, actor_of, reach_of
from asbru.admin.objects import Body, Filter, Objects, Shown
from asbru.admin.wording import explain
from asbru.core.errors import BadRequest, TooLarge
from asbru.objects import Reference

BODY_BYTES_MAX = 1024 * 1024
PAGE_MAX = 500
VALUE_CHARS_MAX = 256
"""Of a filter."""
_SCHEMAS = "#/components/schemas/{name}"
_SCOPED: dict[str, Any] = {SCOPED: True}
_ETAG = re.compile(r'(?:W/)?"(\d{1,18})"|\*')

Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="Number of objects per page.")]
After = Annotated[str, Query(max_length=512, description="Start after this id: `next` of the previous page.")]
Search = Annotated[str, Query(max_length=128, description="Only ids that contain this text.")]

Struct = TypeVar("Struct", bound=msgspec.Struct)
Create = Callable[[Request, Body], Awaitable[Response]]


def build_router(objects: Objects, *, create: Create | None = None) -> APIRouter:
    """The routes of a kind; `create` in place of the usual one."""
    kind = objects.kind
    router = APIRouter(prefix=f"/{kind.noun}", tags=[kind.noun])
    named = tuple(field for field in ("customer", "team") if field in kind.body.__struct_fields__) + kind.named_by

    @router.get("", summary=f"List {kind.noun}", description=kind.words, openapi_extra={**_SCOPED, **_filters(named)})
    async def list_objects(  # pyright: ignore[reportUnusedFunction] -- the router calls it
        request: Request, limit: Limit = 100, after: After = "", search: Search = ""
    ) -> Response:
        page = objects.list(Filter(after, limit, search, _refers_to(request, named)), reach_of(request))
        return answer({"items": page.items, "next": page.next})

    @router.post(
        "", status_code=201, summary=f"Make one of {kind.noun}", openapi_extra={**_SCOPED, **takes(kind.body)}
    )
    async def create_object(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        body = await read_body(request)
        if create is not None:
            return await create(request, body)
        return show(await objects.create(actor_of(request), body), 201)

    # An id may hold slashes: limits are of `openai/gpt-4o`.
    @router.get("/{object_id:path}", summary=f"Show one of {kind.noun}", openapi_extra=_SCOPED)
    async def show_object(object_id: str, request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        return show(objects.load(object_id, reach_of(request)))

    @router.patch(
        "/{object_id:path}",
        summary=f"Change one of {kind.noun}",
        openapi_extra={**_SCOPED, **takes(kind.body, patch=True)},
    )
    async def change_object(object_id: str, request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        patch = await read_body(request)
        return show(await objects.change(actor_of(request), object_id, patch, asked_version(request)))

    @router.delete("/{object_id:path}", status_code=204, summary=f"Delete one of {kind.noun}", openapi_extra=_SCOPED)
    async def delete_object(object_id: str, request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        await objects.delete(actor_of(request), object_id, asked_version(request))
        return Response(status_code=204)

    return router


def _refers_to(request: Request, named: tuple[str, ...]) -> Reference | None:
    given = [(field, request.query_params[field]) for field in named if field in request.query_params]
    if len(given) > 1:
        raise BadRequest(f"expected one of {', '.join(named)}", status=422)
    return Reference(*given[0]) if given else None


def refuse_long(given: Mapping[str, str]) -> None:
    """Raise `BadRequest` (422) for a filter whose value is longer than VALUE_CHARS_MAX."""
    for name, value in given.items():
        if len(value) > VALUE_CHARS_MAX:
            raise BadRequest(
                f"{name[:64]}: expected at most {VALUE_CHARS_MAX} characters, got {len(value)}", status=422
            )


async def read_body(request: Request) -> Body:
    """The JSON object that was sent; raises `BadRequest` and `TooLarge`."""
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > BODY_BYTES_MAX:
            raise TooLarge(f"the body is larger than {BODY_BYTES_MAX} bytes")
    try:
        body: object = msgspec.json.decode(bytes(data))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise BadRequest("expected a JSON object")
    return cast("Body", body)


def read_struct(body: Body, kind: type[Struct]) -> Struct:
    """A body as what it is to be; raises `BadRequest` (422), which repeats no value."""
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        raise BadRequest(explain(error, kind), status=422) from None


def asked_version(request: Request) -> int | None:
    """The version that `If-Match` names; None for none and for `*`."""
    given = request.headers.get("if-match")
    if given is None:
        return None
    found = _ETAG.fullmatch(given.strip())
    if found is None:
        raise BadRequest('If-Match: expected the ETag of an object, such as "3"')
    return int(found[1]) if found[1] else None


def show(shown: Shown, status: int = 200) -> Response:
    """An object, with its ETag."""
    return answer_version(shown.members, shown.version, status)


def answer_version(members: object, version: int, status: int = 200) -> Response:
    """JSON of what has a version, which is its ETag."""
    return answer(members, status, {"etag": f'"{version}"'})


def answer(members: object, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON, which no cache keeps."""
    return Response(
        msgspec.json.encode(members),
        status,
        {"cache-control": "no-store", **(headers or {})},
        media_type="application/json",
    )


def _filters(named: tuple[str, ...]) -> dict[str, Any]:
    return {
        "parameters": [
            {
                "name": field,
                "in": "query",
                "schema": {"type": "string"},
                "description": f"Only those of this {field}.",
            }
            for field in named
        ]
    }


def takes(body: type[msgspec.Struct], *, patch: bool = False) -> dict[str, Any]:
    """For `openapi_extra`: a request body, described by a Struct. Of a patch nothing is required."""
    schema: dict[str, Any] = {"type": "object"} if patch else {"$ref": _SCHEMAS.format(name=body.__name__)}
    kind = "application/merge-patch+json" if patch else "application/json"
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema}}}}


def gives(body: type[msgspec.Struct], *, status: int = 200, paged: bool = False) -> dict[str, Any]:
    """For `openapi_extra`: what a response holds, described by a Struct; `paged`: a list of them."""
    schema: dict[str, Any] = {"$ref": _SCHEMAS.format(name=body.__name__)}
    if paged:
        members = {"items": {"type": "array", "items": schema}, "next": {"type": ["string", "null"]}}
        schema = {"type": "object", "properties": members, "required": ["items", "next"]}
    return {"responses": {str(status): {"content": {"application/json": {"schema": schema}}}}}


def describe_bodies(
    schema: dict[str, Any],
    bodies: tuple[type[msgspec.Struct], ...],
    described: Mapping[str, Callable[[], dict[str, Any]]],
) -> None:
    """Add the Structs that bodies are read by to an OpenAPI document; those that are `described` by name need not be
    among them."""
    _, components = msgspec.json.schema_components(bodies, schema_hook=_describe_secret, ref_template=_SCHEMAS)
    schema.setdefault("components", {}).setdefault("schemas", {}).update(components)
    for name, describe in described.items():
        one = describe()
        schema["components"]["schemas"] |= {**one.pop("$defs", {}), name: one}


def _describe_secret(_: type) -> dict[str, Any]:
    return {"type": "string", "format": "password"}
