"""What a configuration declares, for the management API to show: every section that holds objects, without secrets.

Written by the compile process as JSON; `admin.DeclaredFile` reads it. So is what the models of the providers are worked
out from, as msgpack.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, cast

import msgspec

from asbru.app.config import ConfigFile, ConfigPath
from asbru.app.listed import listed_provider
from asbru.app.setting_list import list_settings
from asbru.app.snapshot import ProviderFacts
from asbru.app.stored_objects import STORED_KINDS
from asbru.objects import hide


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
        named: list[tuple[dict[str, Any], object]] = []
        if isinstance(value, dict):
            named = [
                ({"name": name}, one)
                for name, one in cast("dict[str, object]", value).items()
                if (section, name) not in stored
            ]
        elif isinstance(value, list):
            listed = enumerate(cast("list[object]", value))
            named = [({}, one) for index, one in listed if (section, index) not in stored]
        elif isinstance(value, msgspec.Struct):
            for field in value.__struct_fields__:
                inner: object = getattr(value, field)
                if isinstance(inner, tuple):
                    listed = enumerate(cast("tuple[object, ...]", inner))
                    own: list[tuple[dict[str, Any], object]] = [
                        ({}, one) for index, one in listed if (section, field, index) not in stored
                    ]
                    _add(sections, f"{section}.{field}", own)
                elif isinstance(inner, dict):
                    held = cast("dict[str, object]", inner).items()
                    of_file = [(name, one) for name, one in held if (section, field, name) not in stored]
                    _add(sections, f"{section}.{field}", [({"name": name}, _whole(one)) for name, one in of_file])
        _add(sections, section, named)
    settings = list(list_settings(config, written, stored))
    sections["settings"] = [
        {"name": one["path"], "value": one["value"]} for one in settings if one["source"] == "file"
    ]
    return msgspec.json.encode({"file": file, "sections": sections, "settings": settings})


def shown_models(config: ConfigFile, providers: Iterable[ProviderFacts]) -> bytes:
    """What the models of each provider are worked out from: `catalog.listing.ListedProvider`s as msgpack."""
    return msgspec.msgpack.encode([listed_provider(facts, config.models) for facts in providers])


def _add(sections: dict[str, list[dict[str, Any]]], section: str, named: list[tuple[dict[str, Any], object]]) -> None:
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
