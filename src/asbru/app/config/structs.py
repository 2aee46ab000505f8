"""A Struct as a section of the configuration: what runs and what is written in the file are declared once.

Pydantic reads it, by a model made from the Struct's fields, bounds and sentences, because it finds every error in one
go; what comes out is the Struct itself. So `settings.deadlines` is the value that the snapshot carries and the worker
goes by. Structs know nothing of this.
"""

from __future__ import annotations

import types
import typing
from functools import cache, partial
from typing import Annotated, Any, TypeGuard, Union, cast

import msgspec
from msgspec import NODEFAULT, UNSET, Meta, UnsetType
from pydantic import BaseModel, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, create_model
from pydantic_core import CoreSchema, core_schema

from asbru.app.config.base import Settings
from asbru.core.secret_text import SecretText

_TOLD = ("gt", "ge", "lt", "le", "multiple_of", "pattern", "min_length", "max_length", "description")
"""What a `msgspec.Meta` tells that a pydantic `Field` takes, by the same names."""


class FromStruct:
    """Beside a Struct in `Annotated`: the setting is read by the Struct's fields, as strictly as any other."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read by the model, then make the Struct."""
        return core_schema.no_info_after_validator_function(
            partial(_made, source),
            handler.generate_schema(model_of(source)),
            serialization=core_schema.plain_serializer_function_ser_schema(msgspec.to_builtins),
        )


class FromText:
    """Beside `SecretText`: the setting is read as text, and hidden from then on."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read text, then conceal it."""
        return core_schema.no_info_after_validator_function(
            lambda text: SecretText(str(text)),  # without what the text remembers of where it came from
            core_schema.str_schema(),
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Text that a form does not show."""
        return {**handler(schema), "format": "password", "writeOnly": True}


def is_struct(hint: object) -> TypeGuard[type[msgspec.Struct]]:
    """Whether a type hint is a Struct."""
    return isinstance(hint, type) and issubclass(hint, msgspec.Struct)


@cache
def model_of(struct: type[msgspec.Struct]) -> type[BaseModel]:
    """The model that reads `struct`: names as encoded, bounds, defaults, sentences; its own fields before inherited."""
    fields: dict[str, Any] = {}
    for field in sorted(msgspec.structs.fields(struct), key=lambda field: field.name not in struct.__annotations__):
        alias = field.encode_name if field.encode_name != field.name else None
        fields[field.name] = (Annotated[_readable(field.type), Field(alias=alias)], _default(field))
    return create_model(struct.__name__, __base__=Settings, __doc__=struct.__doc__, **fields)


@cache  # there may be 20,000 of one struct
def _encoded_names(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {field.name: field.encode_name for field in msgspec.structs.fields(struct)}


def _made(struct: type[msgspec.Struct], read: BaseModel) -> msgspec.Struct:
    """The Struct; what the file does not name keeps the Struct's own default."""
    names = _encoded_names(struct)
    return msgspec.convert({names[name]: getattr(read, name) for name in read.model_fields_set}, struct)


def _default(field: msgspec.structs.FieldInfo) -> Any:
    if field.required:
        return ...
    default = field.default if field.default_factory is NODEFAULT else field.default_factory()
    if default is UNSET or _holds_values(default):
        return Field(default_factory=lambda: default)  # a schema names the default of a value, not of a section
    return default


def _holds_values(default: object) -> bool:
    first = next(iter(cast("tuple[object, ...]", default)), None) if isinstance(default, tuple) else default
    return isinstance(first, msgspec.Struct | SecretText)


def _readable(hint: Any) -> Any:
    """A Struct's type as the file has it: its bounds in pydantic's words, lists for what is kept as a tuple or set."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        told = [_field(note) if isinstance(note, Meta) else note for note in hint.__metadata__]
        return Annotated[(_readable(arguments[0]), *told)]
    if origin in (tuple, frozenset):
        return list[_readable(arguments[0])]
    if origin in (types.UnionType, Union):
        return Union[tuple(_readable(part) for part in arguments if part is not UnsetType)]  # noqa: UP007 -- computed
    if origin is dict:
        return dict[_readable(arguments[0]), _readable(arguments[1])]
    if hint is SecretText:
        return Annotated[hint, FromText()]
    return Annotated[hint, FromStruct()] if is_struct(hint) else hint


def _field(meta: Meta) -> Any:
    told = {name: getattr(meta, name) for name in _TOLD}
    return Field(**{name: value for name, value in told.items() if value is not None})
