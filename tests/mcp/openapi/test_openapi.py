"""Documents of OpenAPI as tools, and the requests that calls of them become."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from asbru.core.errors import BadRequest
from asbru.mcp.openapi import Api, ApiTool, DocumentError, build_request, read_openapi, result_of

PETS: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Pets"},
    "servers": [{"url": "https://{region}.pets.example/v1/", "variables": {"region": {"default": "eu"}}}],
    "security": [{"key": []}],
    "paths": {
        "/pets/{petId}": {
            "parameters": [{"name": "petId", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "operationId": "getPet",
                "summary": "Gets a pet",
                "parameters": [
                    {"name": "fields", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "petId", "in": "query", "schema": {"type": "integer"}},
                    {"name": "filter", "in": "query", "style": "deepObject", "schema": {"type": "object"}},
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                    {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
                ],
                "responses": {
                    "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}}
                },
            },
        },
        "/pets": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}},
                },
                "responses": {},
                "security": [{"token": []}],
            }
        },
        "/odd": {"put": {"requestBody": {"content": {"application/xml": {}}}, "responses": {}}},
        "/free": {"delete": {"operationId": "drop", "security": [], "responses": {}}},
    },
    "components": {
        "schemas": {
            "Pet": {
                "type": "object",
                "required": ["id", "name"],
                "properties": {
                    "id": {"type": "integer", "readOnly": True, "minimum": 0, "exclusiveMinimum": True},
                    "name": {"type": "string", "nullable": True, "enum": ["a"]},
                    "secret": {"type": "string", "writeOnly": True},
                    "parent": {"$ref": "#/components/schemas/Pet"},
                },
            }
        },
        "securitySchemes": {
            "key": {"type": "apiKey", "in": "query", "name": "api_key"},
            "token": {"type": "http", "scheme": "bearer"},
        },
    },
}


@pytest.fixture(scope="module")
def api() -> Api:
    """The pets."""
    return read_openapi(PETS)


def tool(api: Api, name: str) -> ApiTool:
    """One tool."""
    return next(one for one in api.tools if one.name == name)


def definition(api: Api, name: str) -> Any:
    """As MCP has it."""
    return msgspec.json.decode(tool(api, name).definition)


def test_operations_are_tools(api: Api) -> None:
    """By their own names, or by method and path; what cannot be written is told."""
    assert (api.title, api.url) == ("Pets", "https://eu.pets.example/v1")
    assert [one.name for one in api.tools] == ["getPet", "post_pets", "drop"]
    assert api.skipped == ("PUT /odd: a body of application/xml cannot be written",)
    assert definition(api, "drop")["annotations"]["destructiveHint"] is True


def test_schemas_are_complete_in_themselves(api: Api) -> None:
    """References lead into $defs, cycles and all; 3.0's words are 2020-12's; each side sees what is its own."""
    inputs = definition(api, "post_pets")["inputSchema"]
    assert inputs["required"] == ["body"]
    assert inputs["properties"]["body"] == {"$ref": "#/$defs/Pet"}
    pet = inputs["$defs"]["Pet"]
    assert set(pet["properties"]) == {"name", "secret", "parent"}
    assert pet["required"] == ["name"]
    assert pet["properties"]["name"] == {"type": ["string", "null"], "enum": ["a", None]}
    assert pet["properties"]["parent"] == {"$ref": "#/$defs/Pet"}
    output = definition(api, "getPet")["outputSchema"]
    assert set(output["properties"]) == {"id", "name", "parent"}
    assert output["properties"]["id"] == {"type": "integer", "exclusiveMinimum": 0}


def test_parameters_of_one_name_keep_apart(api: Api) -> None:
    """One in the path, one in the query. A caller cannot set the headers that are ours."""
    properties = definition(api, "getPet")["inputSchema"]["properties"]
    assert list(properties) == ["petId_path", "fields", "petId_query", "filter", "X-Trace"]


def test_a_request_is_built(api: Api) -> None:
    """Each value stands in its place, escaped, and the credential where its scheme says."""
    request = build_request(
        tool(api, "getPet"),
        {"petId_path": "a/../b", "fields": ["x", "y z"], "filter": {"k": "v&"}, "X-Trace": "1", "petId_query": 3},
        {"key": "s&cret", "token": "other"},
    )
    assert request.target == ("/pets/a%2F..%2Fb?fields=x&fields=y%20z&petId=3&filter%5Bk%5D=v%26&api_key=s%26cret")
    assert request.headers["x-trace"] == "1"
    made = build_request(tool(api, "post_pets"), {"body": {"name": "a"}}, {"token": "t"})
    assert (made.method, made.body) == ("POST", b'{"name":"a"}')
    assert made.headers["authorization"] == "Bearer t"
    assert made.headers["content-type"] == "application/json"
    free = build_request(tool(api, "drop"), {}, {"token": "t", "key": "k"})
    assert "authorization" not in free.headers and free.target == "/free"


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("getPet", {}, "needs petId_path"),
        ("getPet", {"petId_path": ".."}, "cannot be"),
        ("getPet", {"petId_path": "a", "X-Trace": "a\r\nhost: evil"}, "line break"),
        ("getPet", {"petId_path": "a", "other": 1}, "takes no other"),
        ("post_pets", {}, "needs body"),
    ],
)
def test_what_cannot_be_sent_is_refused(api: Api, name: str, arguments: dict[str, Any], words: str) -> None:
    """In words that a model can act on, before anything is sent."""
    with pytest.raises(BadRequest, match=words):
        build_request(tool(api, name), arguments)


@pytest.mark.parametrize(
    ("style", "explode", "value", "target"),
    [
        ("form", True, ["a", "b"], "?q=a&q=b"),
        ("form", False, ["a", "b"], "?q=a,b"),
        ("spaceDelimited", False, ["a", "b"], "?q=a%20b"),
        ("pipeDelimited", False, ["a", "b"], "?q=a|b"),
        ("form", True, {"a": 1, "b": True}, "?a=1&b=true"),
        ("form", False, {"a": 1}, "?q=a,1"),
        ("deepObject", True, {"a": [1]}, "?q%5Ba%5D=%5B1%5D"),
    ],
)
def test_styles_of_queries(style: str, explode: bool, value: object, target: str) -> None:
    """As OpenAPI names them."""
    parameter: dict[str, Any] = {"name": "q", "in": "query", "style": style, "explode": explode, "schema": {}}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "paths": {"/": {"get": {"parameters": [parameter], "responses": {}}}},
    }
    assert build_request(read_openapi(document).tools[0], {"q": value}).target == f"/{target}"


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "https://evil.example/schema.json"},
        {"$ref": "#/components/schemas/None"},
        {"$ref": "file:///etc/passwd"},
    ],
)
def test_references_stay_within_the_document(schema: dict[str, Any]) -> None:
    """Nothing is fetched; the operation is left out, and said to be."""
    parameter: dict[str, Any] = {"name": "q", "in": "query", "schema": schema}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "paths": {"/": {"get": {"parameters": [parameter], "responses": {}}}},
    }
    api = read_openapi(document)
    assert not api.tools and "GET /: " in api.skipped[0]


def test_hostile_documents_are_refused() -> None:
    """Nested without end, referring in circles, with names that meet."""
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"items": deep}
    circle = {"$ref": "#/components/parameters/p"}
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "paths": {
            "/a": {"post": {"operationId": "x", "parameters": [{"name": "q", "in": "query", "schema": deep}]}},
            "/b": {"post": {"operationId": "x", "parameters": [circle]}},
            "/c": {"post": {"operationId": "x"}, "get": {"operationId": "x"}},
        },
        "components": {"parameters": {"p": circle}},
    }
    api = read_openapi(document)
    assert len(api.skipped) == 2
    assert len({one.name for one in api.tools}) == 2
    with pytest.raises(DocumentError, match=r"3\.0 and 3\.1"):
        read_openapi({"swagger": "2.0"})


def test_responses_are_results() -> None:
    """Objects also as structured content; errors are marked; images are images."""
    assert msgspec.json.decode(result_of(200, "application/json; charset=utf-8", b'{"a":1}')) == {
        "content": [{"type": "text", "text": '{"a":1}'}],
        "structuredContent": {"a": 1},
    }
    assert msgspec.json.decode(result_of(404, "application/json", b'{"e":1}')) == {
        "content": [{"type": "text", "text": 'HTTP 404\n{"e":1}'}],
        "isError": True,
    }
    assert msgspec.json.decode(result_of(200, "image/png", b"\x89"))["content"][0]["mimeType"] == "image/png"
    assert "structuredContent" not in msgspec.json.decode(result_of(200, "application/json", b"[1]"))


def document(*operations: tuple[str, str, dict[str, Any]], **components: Any) -> dict[str, Any]:
    """A document of operations: a method, a path, and what is said of it."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path, said in operations:
        paths.setdefault(path, {})[method] = {"responses": {}, **said}
    return {"openapi": "3.1.0", "paths": paths, "components": components}


def body_of(schema: dict[str, Any]) -> dict[str, Any]:
    """An operation that takes such a body."""
    return {"requestBody": {"content": {"application/json": {"schema": schema}}}}


def test_references_that_end_alike_keep_apart() -> None:
    """Each has a definition of its own; a reference may be escaped as in a URL, and lead through a list."""
    schema = {
        "type": "object",
        "properties": {
            "a": {"$ref": "#/components/schemas/Pet"},
            "b": {"$ref": "#/components/x-old/Pet"},
            "c": {"$ref": "#/components/x-list/0"},
            "d": {"$ref": "#/components/schemas/A%20B"},
        },
    }
    given = document(
        ("post", "/x", body_of(schema)),
        schemas={"Pet": {"type": "string"}, "A B": {"type": "null"}},
        **{"x-old": {"Pet": {"type": "integer"}}, "x-list": [{"type": "boolean"}]},
    )
    inputs = msgspec.json.decode(read_openapi(given).tools[0].definition)["inputSchema"]
    defined = inputs["$defs"]
    kinds = {
        name: defined[one["$ref"].removeprefix("#/$defs/")]["type"]
        for name, one in inputs["properties"]["body"]["properties"].items()
    }
    assert kinds == {"a": "string", "b": "integer", "c": "boolean", "d": "null"}


def test_credentials_of_one_way_are_sent_together() -> None:
    """Where an operation needs two at once, both; of a way that lacks one, none. A scheme cannot set the host."""
    given = document(
        ("get", "/x", {"security": [{"host": []}, {"key": [], "app": []}, {"token": []}]}),
        securitySchemes={
            "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
            "app": {"type": "apiKey", "in": "header", "name": "X-App"},
            "host": {"type": "apiKey", "in": "header", "name": "Host"},
            "token": {"type": "http", "scheme": "bearer"},
        },
    )
    (one,) = read_openapi(given).tools
    plain = set(build_request(one, {}).headers)
    both = build_request(one, {}, {"key": "1", "app": "2", "token": "3", "host": "evil"}).headers
    assert set(both) - plain == {"x-key", "x-app"}
    assert set(build_request(one, {}, {"key": "1", "token": "3"}).headers) - plain == {"authorization"}


def test_operations_that_cannot_be_called_are_left_out() -> None:
    """TRACE would give the model the credential, HEAD gives it nothing; a path elsewhere costs its own operations
    alone; control characters are refused in headers."""
    header = {"parameters": [{"name": "X-A", "in": "header", "schema": {"type": "string"}}]}
    given = document(("trace", "/a", {}), ("head", "/a", {}), ("get", "/a", header), ("get", "@evil.example/", {}))
    given["paths"]["/b"] = {"$ref": "https://evil.example/path.json"}
    api = read_openapi(given)
    assert [one.method for one in api.tools] == ["GET"]
    assert [one.partition(": ")[0] for one in api.skipped] == ["HEAD /a", "TRACE /a", "@evil.example/", "/b"]
    with pytest.raises(BadRequest, match="control characters"):
        build_request(api.tools[0], {"X-A": "a\x1bb"})


def test_a_large_schema_that_many_share_is_not_written_for_each() -> None:
    """Writing ends where no model would read on, whatever the document repeats."""
    large = {"properties": {f"p{at}": {"type": "string"} for at in range(40_000)}}
    shared = body_of({"$ref": "#/components/schemas/Large"})
    api = read_openapi(document(*(("post", f"/{at}", shared) for at in range(3)), schemas={"Large": large}))
    assert not api.tools and all("more than 30000" in one for one in api.skipped)
    some = {"description": "x" * 200_000}
    shared = body_of({"$ref": "#/components/schemas/Some"})
    with pytest.raises(DocumentError, match="together"):
        read_openapi(document(*(("post", f"/{at}", shared) for at in range(100)), schemas={"Some": some}))
