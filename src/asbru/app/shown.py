"""What a configuration declares, for the management API to show: every section that holds objects, without secrets.

Written by the compile process as JSON; `admin.DeclaredFile` reads it. So is what the models of the providers are worked
out from, as msgpack.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, TypeAlias, cast

import msgspec

from asbru.app.config import ConfigFile, ConfigPath
from asbru.app.listed import listed_provider
from asbru.app.setting_list import list_settings
from asbru.app.snapshot import ProviderFacts
from asbru.app.stored_objects import STORED_KINDS
from asbru.objects import hide

_Named: TypeAlias = "tuple[dict[str, Any], object]"
"""An object, and its name where the configuration has that as a key."""


class McpGroup(msgspec.Struct, frozen=True):
    """What is shown of a group of tools, besides its name."""

    tools: tuple[str, ...]


def shown_sections(
    config: ConfigFile,
    file: str | None,
    stored: Collection[ConfigPath] = (),
    written: Collection[ConfigPath] = (),
) -> bytes:
    """`{"file": ..., "sections": {name: [object, ...]}, "settings": [...]}`; of a mapping, the key is the object's
    `name`. Lists within a section go by both names: `governance.limits`. Not those in the places of `stored`.
    `written`: the paths of settings that the file has."""
    sections: dict[str, list[dict[str, Any]]] = {}
    for section in type(config).model_fields:
        value: object = getattr(config, section)
        _add(sections, section, _own(value, (section,), stored))
        for field in value.__struct_fields__ if isinstance(value, msgspec.Struct) else ():
            inner: object = getattr(value, field)
            if isinstance(inner, tuple | dict):
                held = _own(cast("object", inner), (section, field), stored)
                _add(sections, f"{section}.{field}", [(name, _whole(one)) for name, one in held])
    settings = list(list_settings(config, written, stored))
    sections["settings"] = [
        {"name": one["path"], "value": one["value"]} for one in settings if one["source"] == "file"
    ]
    return msgspec.json.encode({"file": file, "sections": sections, "settings": settings})


def shown_models(config: ConfigFile, providers: Iterable[ProviderFacts]) -> bytes:
    """What the models of each provider are worked out from: `catalog.listing.ListedProvider`s as msgpack."""
    return msgspec.msgpack.encode([listed_provider(facts, config.models) for facts in providers])


def _own(value: object, path: ConfigPath, stored: Collection[ConfigPath]) -> list[_Named]:
    """What a mapping or a list of the configuration holds, but for what is stored; nothing for anything else."""
    if isinstance(value, dict):
        members = cast("dict[str, object]", value).items()
        return [({"name": name}, one) for name, one in members if (*path, name) not in stored]
    if isinstance(value, list | tuple):
        items = enumerate(cast("list[object]", value))
        return [({}, one) for index, one in items if (*path, index) not in stored]
    return []


def _add(sections: dict[str, list[dict[str, Any]]], section: str, named: list[_Named]) -> None:
    objects = [
        {**name, **msgspec.to_builtins(one, enc_hook=_hide)} for name, one in named if isinstance(one, msgspec.Struct)
    ]
    secret = next((kind.secret_fields for kind in STORED_KINDS if kind.section == section), ())
    for one in objects:
        hide(one, secret)  # what is no SecretText by itself, such as a header of a webhook
    if objects:
        sections[section] = objects


def _whole(one: object) -> object:
    """What a mapping within a section holds, as an object: a group of tools is only their list there."""
    return McpGroup(tools=cast("tuple[str, ...]", one)) if isinstance(one, tuple) else one


def _hide(_: object) -> str:
    return "****"
