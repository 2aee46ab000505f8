"""The types of providers as a form needs them: from their records, and from the schema of a provider's settings.

Words and bounds stand in one place. Not here: what a configuration means (`compile_providers`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from asbru.admin.provider_types import ProviderType, TypeDialect, TypeField
from asbru.app.api_kinds import Provider as ProviderBody
from asbru.app.config.structs import model_of
from asbru.dialects import Dialect
from asbru.dialects import discover as discover_dialects
from asbru.providers import Access, Provider, discover

_ADVANCED = ("proxy", "allow_loopback", "allow_private", "connections_max")
_BOUNDS = (
    "type",
    "pattern",
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "items",
    "additionalProperties",
    "format",
)

Schema = Mapping[str, Any]


def provider_types() -> list[ProviderType]:
    """Every type, by name."""
    dialects = discover_dialects()
    schema = model_of(ProviderBody).model_json_schema()
    return [
        ProviderType(
            name=one.name,
            title=one.title,
            docs_url=one.docs_url,
            key="optional" if one.keyless else "required",
            served_here=one.served_here,
            dialects=tuple(_dialect(one, access, dialects) for access in one.access),
            fields=tuple(_fields(one, dialects, schema)),
        )
        for one in discover().values()
    ]


def _dialect(one: Provider, access: Access, dialects: Mapping[str, Dialect]) -> TypeDialect:
    dialect = dialects[access.dialect]
    known = {operation.name: operation for operation in dialect.operations}
    return TypeDialect(
        name=dialect.setting,
        default=access is one.access[0] and not _must_choose(one),
        base_url=one.address(access),
        sent_as=access.auth_words or ("Authorization: Bearer" if access.auth == "bearer" else access.auth),
        operations=access.operations,
        translated=tuple(
            name
            for name in access.operations
            if name in known and (known[name].codec is not None or known[name].shape is not None)
        ),
        headers=access.headers,
    )


def _must_choose(one: Provider) -> bool:
    """Whether the configuration must say in which dialect it is asked (`compile_providers`)."""
    return one.base_url is None and not one.served_here and len(one.access) > 1


def _fields(one: Provider, dialects: Mapping[str, Dialect], schema: Schema) -> Iterator[TypeField]:
    settings = cast("dict[str, Schema]", schema["properties"])
    key = cast("dict[str, Schema]", schema["$defs"]["ProviderKey"]["properties"])
    names = [dialects[access.dialect].setting for access in one.access]
    yield _field("name", settings["name"], title="Name", default=one.name, required=True)
    if len(names) > 1:
        default = None if _must_choose(one) else names[0]
        found = _field("dialect", settings["dialect"], default=default, required=_must_choose(one))
        found.form["enum"] = names
        yield found
    address = one.address(one.access[0])
    if not one.served_here:
        yield _field("base_url", settings["base_url"], title="Base URL", default=address, required=address is None)
    if not one.served_here:
        yield _field("keys.0.name", key["name"], title="Key name", default=f"{one.name}-1", required=not one.keyless)
        value = _field("keys.0.value", key["value"], title="Key", required=not one.keyless)
        yield TypeField(
            value.path, value.title, value.help, value.form, None, value.required, secret=True, env=one.env_key
        )
        yield _field("keys.0.models", key["models"], title="Models", default=["*"])
        yield _field("keys.0.aliases", key["aliases"], title="Aliases", default={})
    for name in _ADVANCED:
        yield _field(name, settings[name], default=settings[name].get("default"), advanced=True)


def _field(
    path: str,
    setting: Schema,
    *,
    title: str = "",
    default: Any = None,
    required: bool = False,
    advanced: bool = False,
) -> TypeField:
    options = cast("list[Schema]", setting.get("anyOf", [setting]))
    kind = next(option for option in options if option.get("type") != "null")
    return TypeField(
        path=path,
        title=title or path.replace("_", " ").capitalize(),
        help=str(setting.get("description", "")),
        form={name: kind[name] for name in _BOUNDS if name in kind},
        default=default,
        required=required,
        advanced=advanced,
    )
