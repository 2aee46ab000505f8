"""Reads OpenAPI 3.0 and 3.1 documents as tools: one for each operation.

Nothing is fetched: what a document refers to must be in it. Not here: the request for a call (`requests`).
"""

from __future__ import annotations

from typing import Any, Final, cast

from asbru.mcp.loose import as_list, as_object, as_text
from asbru.mcp.openapi.api import (
    CALLED,
    DEFINITIONS_BYTES_MAX,
    NOT_CALLED,
    OPERATIONS_MAX,
    Api,
    ApiTool,
    Body,
    DocumentError,
    Parameter,
    Security,
    Style,
    definition_of,
)
from asbru.mcp.openapi.forwarding import NEVER_SENT
from asbru.mcp.openapi.schema_writer import Schemas, resolved
from asbru.mcp.openapi.tool_names import ToolNames

METHODS: Final = tuple(one.lower() for one in CALLED)
_OTHER_METHODS: Final = ("head", "trace")
_WHERE: Final = ("path", "query", "header", "cookie")
_STYLES: Final = {"path": "simple", "header": "simple", "query": "form", "cookie": "form"}
_BODIES: Final = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data", "text/plain")
"""In the order in which one is chosen."""
_NEVER_ARGUMENTS: Final = NEVER_SENT | {"accept", "authorization", "cookie", "proxy-authorization"}


def read_openapi(document: dict[str, object]) -> Api:
    """The tools of a document. Raises DocumentError for what is none; operations that cannot be tools are `skipped`."""
    version = as_text(document.get("openapi"))
    if not version.startswith(("3.0", "3.1")):
        raise DocumentError(f"OpenAPI 3.0 and 3.1 can be read, not {version or 'a document without `openapi`'}")
    names, tools, skipped, size = ToolNames(), list[ApiTool](), list[str](), 0
    for path, item in as_object(document.get("paths")).items():
        try:
            shared = resolved(document, item)
            _check_path(path)
        except DocumentError as error:
            skipped.append(f"{path}: {error}")
            continue
        skipped += [f"{method.upper()} {path}: {NOT_CALLED}" for method in _OTHER_METHODS if method in shared]
        for method in METHODS:
            operation = as_object(shared.get(method))
            if method not in shared:
                continue
            if len(tools) >= OPERATIONS_MAX:
                raise DocumentError(f"the document has more than {OPERATIONS_MAX} operations")
            name = names.take(as_text(operation.get("operationId")) or f"{method}_{path}")
            try:
                tools.append(_Reader(document, name, method.upper(), path).read(operation, shared))
            except DocumentError as error:
                skipped.append(f"{method.upper()} {path}: {error}")
                continue
            size += len(tools[-1].definition)
            if size > DEFINITIONS_BYTES_MAX:
                raise DocumentError(f"its tools have more than {DEFINITIONS_BYTES_MAX} bytes of schemas together")
    return Api(
        title=as_text(as_object(document.get("info")).get("title")),
        url=_url(document),
        tools=tuple(tools),
        skipped=tuple(skipped),
    )


def _check_path(path: str) -> None:
    if not path.startswith("/"):
        raise DocumentError("a path begins with `/`")


def _url(document: dict[str, object]) -> str:
    """The first server's, with the defaults of its variables."""
    server = as_object(next(iter(as_list(document.get("servers"))), None))
    url = as_text(server.get("url"))
    for name, variable in as_object(server.get("variables")).items():
        url = url.replace(f"{{{name}}}", as_text(as_object(variable).get("default")))
    return url.rstrip("/")


class _Reader:
    """Reads one operation."""

    def __init__(self, document: dict[str, object], name: str, method: str, path: str) -> None:
        self._document = document
        self._name = name
        self._method = method
        self._path = path
        self._inputs = Schemas(document, "request")
        self._properties: dict[str, Any] = {}
        self._required: list[str] = []

    def read(self, operation: dict[str, object], shared: dict[str, object]) -> ApiTool:
        parameters = tuple(self._parameters(operation, shared))
        body = self._body(resolved(self._document, operation.get("requestBody")))
        inputs: dict[str, Any] = {"type": "object", "properties": self._properties}
        if self._required:
            inputs["required"] = self._required
        if self._inputs.definitions:
            inputs["$defs"] = self._inputs.definitions
        summary, description = as_text(operation.get("summary")), as_text(operation.get("description"))
        definition = definition_of(
            self._name,
            title=summary,
            description=description,
            inputs=inputs,
            output=self._output(operation),
            method=self._method,
        )
        return ApiTool(
            name=self._name,
            method=self._method,
            path=self._path,
            definition=definition,
            parameters=parameters,
            body=body,
            security=self._security(operation),
        )

    def _parameters(self, operation: dict[str, object], shared: dict[str, object]) -> list[Parameter]:
        """Those of the path and of the operation; the latter count where both have one."""
        found: dict[tuple[str, str], dict[str, object]] = {}
        for one in (*as_list(shared.get("parameters")), *as_list(operation.get("parameters"))):
            parameter = resolved(self._document, one)
            found[as_text(parameter.get("in")), as_text(parameter.get("name"))] = parameter
        several = [name for _, name in found]
        read: list[Parameter] = []
        for (where, name), parameter in found.items():
            if where not in _WHERE or not name or (where == "header" and name.lower() in _NEVER_ARGUMENTS):
                continue
            argument = f"{name}_{where}" if several.count(name) > 1 else name
            content = as_object(parameter.get("content"))
            schema = self._inputs.write(
                parameter.get("schema") or as_object(next(iter(content.values()), None)).get("schema")
            )
            self._add(argument, schema, parameter.get("description"), required=parameter.get("required") is True)
            style = "json" if content else as_text(parameter.get("style")) or _STYLES[where]
            read.append(
                Parameter(
                    argument=argument,
                    name=name,
                    where=where,
                    required=parameter.get("required") is True or where == "path",
                    style=cast("Style", style),
                    explode=bool(parameter.get("explode", style in ("form", "deepObject"))),
                )
            )
        return read

    def _body(self, given: dict[str, object]) -> Body | None:
        content = as_object(given.get("content"))
        if not content:
            return None
        media_type = next((one for one in _BODIES if one in content), "")
        media_type = media_type or next((one for one in content if one.partition(";")[0].endswith("+json")), "")
        if not media_type:
            raise DocumentError(f"a body of {', '.join(content)} cannot be written")
        argument = "body" if "body" not in self._properties else "request_body"
        schema = self._inputs.write(as_object(content[media_type]).get("schema"))
        self._add(argument, schema, given.get("description"), required=given.get("required") is True)
        return Body(argument=argument, media_type=media_type, required=given.get("required") is True)

    def _add(self, argument: str, schema: Any, description: object, *, required: bool) -> None:
        if isinstance(description, str) and description and isinstance(schema, dict):
            schema = {"description": description, **cast("dict[str, Any]", schema)}
        self._properties[argument] = schema
        if required:
            self._required.append(argument)

    def _output(self, operation: dict[str, object]) -> dict[str, Any] | None:
        """The schema of what comes back when all is well, where that is an object, as MCP wants it."""
        responses = as_object(operation.get("responses"))
        status = next((one for one in sorted(responses) if one[:1] == "2"), "")
        content = as_object(resolved(self._document, responses.get(status)).get("content"))
        given = next((one for kind, one in content.items() if "json" in kind), None)
        schemas = Schemas(self._document, "response")
        written: Any = schemas.write(as_object(given).get("schema")) if given is not None else None
        if not isinstance(written, dict):
            return None
        found = cast("dict[str, Any]", written)
        if "$ref" in found:
            found = {**as_object(schemas.definitions.get(str(found["$ref"]).rpartition("/")[2]))}
        if found.get("type") != "object":
            return None
        return {**found, "$defs": schemas.definitions} if schemas.definitions else found

    def _security(self, operation: dict[str, object]) -> tuple[tuple[Security, ...], ...]:
        """The ways in which callers are known. One is left out where any of its schemes cannot be used."""
        wanted = as_list(operation.get("security", self._document.get("security")))
        if any(not as_object(one) for one in wanted):
            return ()
        schemes = as_object(as_object(self._document.get("components")).get("securitySchemes"))
        read: list[tuple[Security, ...]] = []
        for one in wanted:
            together = [_scheme(name, resolved(self._document, schemes.get(name))) for name in as_object(one)]
            if None not in together:
                read.append(tuple(scheme for scheme in together if scheme is not None))
        return tuple(read)


def _scheme(name: str, scheme: dict[str, object]) -> Security | None:
    kind = scheme.get("type")
    if kind == "apiKey":
        where, key = as_text(scheme.get("in")), as_text(scheme.get("name"))
        if where in ("header", "query", "cookie") and not (where == "header" and key.lower() in NEVER_SENT):
            return Security(name=name, where=cast("Any", where), key=key)
    if kind == "http":
        word = as_text(scheme.get("scheme")).lower()
        return Security(
            name=name, where="header", key="authorization", prefix="Basic " if word == "basic" else "Bearer "
        )
    if kind in ("oauth2", "openIdConnect"):
        return Security(name=name, where="header", key="authorization", prefix="Bearer ")
    return None
