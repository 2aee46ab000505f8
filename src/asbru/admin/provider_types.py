"""The types of providers that there are, for whoever adds one.

GET /api/v1/provider-types       each with its dialects, and what has to be said of a provider of it

The fields of the form have the words and bounds of the settings themselves: they are read off the schema of the body of
`POST /providers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import msgspec
from fastapi import APIRouter, Response

from asbru.admin import nouns
from asbru.admin.access import needs
from asbru.dialects import Dialect
from asbru.dialects import discover as dialects_found
from asbru.providers import Access, Provider, discover

_ADVANCED = ("proxy", "allow_loopback", "allow_private", "connections_max")
_FORM = ("type", "pattern", "minimum", "maximum", "minLength", "maxLength", "items", "additionalProperties", "format")

Schema = Mapping[str, Any]


class TypeField(msgspec.Struct, frozen=True):
    """A field of the form. `path`: where its value goes in the provider (`keys.0.value`); `form`: its JSON schema
    without words and default; `default`: what holds where it is left empty, null where nothing does; `required`: it
    cannot be left empty; `example`: what a value looks like, with what has to be replaced in capital letters; `one_of`:
    what a value may be, in words; `secret`: it is not shown again; `env`: the variable that usually holds it;
    `advanced`: most leave it as it is."""

    path: str
    title: str
    help: str
    form: dict[str, Any]
    default: Any = None
    required: bool = False
    example: str | None = None
    one_of: tuple[str, ...] = ()
    secret: bool = False
    env: str | None = None
    advanced: bool = False


class TypeAccess(msgspec.Struct, frozen=True):
    """How providers of a type are asked in a dialect. `operations`: what they offer in it, those in `translated` to
    callers of every dialect; `base_url`: null where it has to be given; `sent_as`: how a key is shown; `headers`: sent
    with every call."""

    dialect: str
    base_url: str | None
    sent_as: str
    operations: tuple[str, ...]
    translated: tuple[str, ...]
    headers: dict[str, str]


class ProviderType(msgspec.Struct, frozen=True):
    """A type of providers. `title`: its name in words. `dialects`: those that it speaks, as `dialect` of a provider
    names them, its usual one first; `access`: how it is asked in each. `needs_address`, `needs_dialect`: `base_url` and
    `dialect` have to be given; `needs_key`: it refuses calls without a key; `served_here`: Asbru answers for it.
    `fields`: the form that adds one."""

    name: str
    title: str
    dialects: tuple[str, ...]
    needs_address: bool
    needs_dialect: bool
    needs_key: bool
    served_here: bool
    docs_url: str | None
    access: tuple[TypeAccess, ...] = ()
    fields: tuple[TypeField, ...] = ()


SHAPES = (ProviderType,)


def build_router(
    schema: Callable[[], Schema] | None = None, types: Callable[[], Mapping[str, Provider]] = discover
) -> APIRouter:
    """The route. `schema`: that of a provider's body, without which forms have no fields. `types`: looked for at the
    first request, since reading all folders takes a while."""
    router = APIRouter(tags=["providers"])
    described: dict[str, Any] = {**needs("providers:read"), **nouns.gives(ProviderType, paged=True)}
    kept: list[ProviderType] = []

    @router.get("/provider-types", openapi_extra=described)
    async def list_types() -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
        """Every type of providers, by title, with the fields of a form to add one."""
        if not kept:
            spoken = dialects_found()
            body = None if schema is None else schema()
            shown = (_shown(one, spoken, body) for one in types().values())
            kept.extend(sorted(shown, key=lambda one: one.title.lower()))
        return nouns.answer({"items": kept, "next": None})

    return router


def _shown(one: Provider, spoken: Mapping[str, Dialect], schema: Schema | None) -> ProviderType:
    needs_address = one.base_url is None and not one.served_here
    found = ProviderType(
        name=one.name,
        title=one.title,
        dialects=tuple(spoken[access.dialect].setting for access in one.access),
        needs_address=needs_address,
        needs_dialect=needs_address and len(one.access) > 1,
        needs_key=not one.keyless,
        served_here=one.served_here,
        docs_url=one.docs_url,
        access=tuple(_access(one, access, spoken[access.dialect]) for access in one.access),
    )
    if schema is None:
        return found
    return msgspec.structs.replace(found, fields=tuple(_fields(one, found, schema)))


def _access(one: Provider, access: Access, dialect: Dialect) -> TypeAccess:
    return TypeAccess(
        dialect=dialect.setting,
        base_url=one.address(access),
        sent_as=access.auth_words or ("Authorization: Bearer" if access.auth == "bearer" else access.auth),
        operations=access.operations,
        translated=tuple(name for name in access.operations if _is_translated(dialect, name)),
        headers=access.headers,
    )


def _is_translated(dialect: Dialect, name: str) -> bool:
    operation = dialect.operation(name)
    return operation is not None and (operation.codec is not None or operation.shape is not None)


def _fields(one: Provider, shown: ProviderType, schema: Schema) -> Iterator[TypeField]:
    settings = cast("dict[str, Schema]", schema["properties"])
    key = cast("dict[str, Schema]", schema["$defs"]["ProviderKey"]["properties"])
    yield _field("name", settings["name"], default=one.name, required=True)
    if len(shown.dialects) > 1:
        usual = None if shown.needs_dialect else shown.dialects[0]
        found = _field("dialect", settings["dialect"], default=usual, required=shown.needs_dialect)
        found.form["enum"] = list(shown.dialects)
        yield found
    if not one.served_here:
        address = one.address(one.access[0])
        found = _field("base_url", settings["base_url"], title="Base URL", default=address, required=address is None)
        yield msgspec.structs.replace(found, example=one.address_example or None)
        yield _field("keys.0.name", key["name"], title="Key name", default=f"{one.name}-1", required=shown.needs_key)
        value = _field("keys.0.value", key["value"], title="Key", required=shown.needs_key)
        yield msgspec.structs.replace(value, secret=True, env=one.env_key, one_of=one.key_forms)
        yield _field("keys.0.models", key["models"], title="Models", default=["*"])
        yield _field("keys.0.aliases", key["aliases"], title="Aliases", default={})
    for name in _ADVANCED:
        field = _field(name, settings[name], default=settings[name].get("default"))
        yield msgspec.structs.replace(field, advanced=True)


def _field(path: str, setting: Schema, *, title: str = "", default: Any = None, required: bool = False) -> TypeField:
    options = cast("list[Schema]", setting.get("anyOf", [setting]))
    kind = next(option for option in options if option.get("type") != "null")
    return TypeField(
        path=path,
        title=title or path.replace("_", " ").capitalize(),
        help=str(setting.get("description", "")),
        form={name: kind[name] for name in _FORM if name in kind},
        default=default,
        required=required,
    )
